// What a transaction wrote and has not committed: the newest row of each key, and how to take
// writes back.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/sqlite/sql_value.h"
#include "caveat/types.h"

namespace caveat::sqlite {

// A record to be stored.
struct PendingRow {
  StoredValue inherited;
  StoredValue actual;
  std::string reason;
  ExceptionSource source = ExceptionSource::Explicit;
  std::int64_t created_at = 0;
  float confidence = 1.0F;

  [[nodiscard]] ExceptionView view(const ExceptionKey& key) const noexcept {
    return {key, inherited.view(), actual.view(), reason, created_at, confidence, source};
  }
};
using PendingRowPtr = std::shared_ptr<const PendingRow>;  // null: the key is to be removed

class PendingWrites {
 public:
  struct Entry {
    PendingRowPtr row;
    std::uint64_t since = 0;  // the write that brought the key in
    std::size_t bytes = 0;
  };
  using Rows = std::map<ExceptionKey, Entry>;

  void put(const ExceptionKey& key, PendingRowPtr row, std::size_t bytes);

  // Of SQLite's savepoints, which are numbered by their depth.
  void savepoint(int depth);
  void release(int depth);
  void rollback_to(int depth);

  [[nodiscard]] const Rows& rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  // Writes so far: who remembers the number can tell keys that came in later.
  [[nodiscard]] std::uint64_t now() const noexcept { return writes_; }
  // The entry of a key that came in by then, or null.
  [[nodiscard]] const Entry* find(const ExceptionKey& key, std::uint64_t by) const;

 private:
  struct Undo {
    ExceptionKey key;
    std::optional<Entry> before;
  };
  struct Savepoint {
    int depth;
    std::size_t undo_count;
  };

  Rows rows_;
  std::size_t bytes_ = 0;
  std::uint64_t writes_ = 0;
  std::vector<Undo> undo_;
  std::vector<Savepoint> savepoints_;
};

}  // namespace caveat::sqlite
