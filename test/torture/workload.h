// Lists of operations on a store, the same for the same seed, and what the store must hold after
// each of them.
//
// Every record written has a number of its own, from which all of it follows. So what is found
// after a loss of power is checked record by record, and the numbers found say which prefix it is.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "test/support/stores.h"

namespace caveat::test {

struct Change {
  enum class Kind : std::uint8_t { store, remove, clear_node, clear_property };
  Kind kind = Kind::store;
  ExceptionKey key;
  std::uint64_t number = 0;
};

struct Step {
  enum class Kind : std::uint8_t {
    names,  // registers the properties' names
    single,
    batch,
    bulk,
    exchange,  // the checked way to store
    flush,
    optimize,
    rebuild,
    compact,
    statistics,
    backup,  // beside the store; of its files RocksDB deletes none meanwhile
    reopen,  // close, and open again
    close,
  };
  Kind kind = Kind::single;
  Durability durability = Durability::wal;
  std::vector<Change> changes;

  // All that was acknowledged before and up to it is on the device once it is acknowledged.
  [[nodiscard]] bool makes_durable() const noexcept {
    if (kind == Kind::flush || kind == Kind::reopen || kind == Kind::close) return true;
    return durability == Durability::fsync && !changes.empty();
  }
};

struct Workload {
  std::string name;
  std::uint64_t seed = 0;
  std::vector<Step> steps;
  bool busy = false;  // with maintenance in the background: its trace is never the same again
};
// singles, batches, import, busy: see workload.cpp.
inline constexpr std::string_view kWorkloads[] = {"singles", "batches", "import", "busy"};
// The same calls on so little that every operation can be tried in the gate.
inline constexpr std::string_view kSmallWorkloads[] = {"few singles", "few batches",
                                                       "small import"};
[[nodiscard]] Workload make_workload(std::string_view name, std::uint64_t seed);

// Small partitions, a small delta, nothing in the background.
[[nodiscard]] Options torture_options();

// Records with durability none have nodes from here on. Any of them may be missing.
inline constexpr NodeId kLooseNode = 1'000'000;
[[nodiscard]] inline bool is_loose(const ExceptionKey& key) {
  return key.node_id >= kLooseNode;
}

inline constexpr std::size_t kTortureProperties = 5;
[[nodiscard]] std::string property_name(std::size_t i);
[[nodiscard]] Exception numbered(const ExceptionKey& key, std::uint64_t number);
[[nodiscard]] std::uint64_t number_of(const Exception& exception);

// What a store holds: keys and the numbers of their records, loose ones apart.
class Contents {
 public:
  void apply(const Change& change);
  [[nodiscard]] const std::map<ExceptionKey, std::uint64_t>& records() const { return records_; }
  // Of all records that are not loose; equal contents have equal ones.
  [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

 private:
  void erase(std::map<ExceptionKey, std::uint64_t>::iterator record);
  std::map<ExceptionKey, std::uint64_t> records_;
  std::uint64_t fingerprint_ = 0;
};

// After the first n steps: element n.
[[nodiscard]] std::vector<std::uint64_t> fingerprints(const Workload& workload);
[[nodiscard]] Contents contents_after(const Workload& workload, std::size_t steps);

}  // namespace caveat::test
