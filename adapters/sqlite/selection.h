// Which records a scan is to find: SQL's conditions, made into ranges and lists of what is stored.
//
// SQL compares any value with any other, so 'abc', 5.5 and x'00' are bounds too; a selection holds
// for exactly the records for which SQL's comparison does. Where what SQLite hands over does not
// tell how it would compare, the selection holds for more, and `exact` is false.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "adapters/sqlite/confidence_scale.h"
#include "adapters/sqlite/scan_plan.h"
#include "adapters/sqlite/session.h"
#include "caveat/exception_view.h"

struct sqlite3_value;

namespace caveat::sqlite {

// Closed; empty where lo > hi.
struct IntegerRange {
  std::int64_t lo = std::numeric_limits<std::int64_t>::min();
  std::int64_t hi = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] bool empty() const noexcept { return lo > hi; }
  [[nodiscard]] bool all() const noexcept { return *this == IntegerRange{}; }
  [[nodiscard]] bool holds(std::int64_t value) const noexcept { return lo <= value && value <= hi; }
  void clear() noexcept { *this = {1, 0}; }
  void restrict(Comparison comparison, std::int64_t value) noexcept;
  void restrict(Comparison comparison, double value) noexcept;
  friend bool operator==(const IntegerRange&, const IntegerRange&) = default;
};

inline constexpr ExceptionKey kFirstKey{};
inline constexpr ExceptionKey kLastKey{std::numeric_limits<NodeId>::max(),
                                       std::numeric_limits<PropertyHash>::max()};
struct KeyRange {
  ExceptionKey first = kFirstKey;
  ExceptionKey last = kLastKey;
  [[nodiscard]] bool empty() const noexcept { return last < first; }
  [[nodiscard]] bool all() const noexcept { return first == kFirstKey && last == kLastKey; }
  [[nodiscard]] bool holds(const ExceptionKey& key) const noexcept {
    return !(key < first) && !(last < key);
  }
};

inline constexpr unsigned kAllSources = (1U << kExceptionSourceCount) - 1;

struct Selection {
  // `list`: what sqlite3_vtab_in_first takes, for Comparison::in. Only SQLite's own errors.
  [[nodiscard]] SqlResult<void> add(const Condition& condition, sqlite3_value* value,
                                    Session& session);

  [[nodiscard]] bool nothing() const noexcept;
  // Of everything but the lists.
  [[nodiscard]] bool matches(const ExceptionView& record) const noexcept;
  [[nodiscard]] bool lists_hold(const ExceptionKey& key) const noexcept;

  bool exact = true;
  IntegerRange node;      // node ids and hashes as SQL shows them: signed
  IntegerRange property;  // hashes
  IntegerRange time;
  ConfidenceBounds confidence;
  KeyRange keys;
  unsigned sources = kAllSources;  // bits by ExceptionSource
  // Sorted, each once; nothing: no such condition.
  std::optional<std::vector<NodeId>> node_list;
  std::optional<std::vector<PropertyHash>> property_list;
  std::optional<std::vector<ExceptionKey>> key_list;
  std::optional<std::vector<std::int64_t>> time_list;
  bool impossible = false;

 private:
  void add_one(const Condition& condition, sqlite3_value* value);
  void add_key(Comparison comparison, sqlite3_value* value);
  void add_time(Comparison comparison, sqlite3_value* value);
  void add_confidence(Comparison comparison, sqlite3_value* value);
  void add_equal(Column column, const std::vector<sqlite3_value*>& values, Session& session);
};

// 16 bytes, big-endian: the value of the column `key`.
[[nodiscard]] std::string bytes_of_key(const ExceptionKey& key);
// Nothing for another number of bytes.
[[nodiscard]] std::optional<ExceptionKey> key_of_bytes(std::string_view bytes);

}  // namespace caveat::sqlite
