// Every call that a host can make, each in a small program of its own that checks what the call
// answers. Campaigns run them where operations fail, and then look at the store.
#pragma once

#include <span>
#include <string_view>

#include "test/torture/ledger.h"

namespace caveat::test {

struct PublicCall {
  std::string_view name;
  // How the store is found. For all but the first two the call is the opening itself.
  enum class Begin : std::uint8_t {
    opened,       // after a crash, so that recent writes are in the delta
    opened_busy,  // the same, with maintenance in the background
    closed,       // somebody closed it
    crashed,      // nobody did: recovery has a full log
    absent,       // it is to be made
  };
  Begin begin = Begin::opened;
  // What it returned; wrong answers are put into the last. Null: the call is the opening, or the
  // end of a store that nobody closed.
  Result<void> (*run)(StorageOptimizer&, Ledger&, Violation&) = nullptr;

  [[nodiscard]] bool opens() const { return begin >= Begin::closed; }
  [[nodiscard]] bool destroys() const { return run == nullptr && !opens(); }
};

[[nodiscard]] std::span<const PublicCall> public_calls();
// The calls that only read.
[[nodiscard]] std::span<const PublicCall> reading_calls();
[[nodiscard]] const PublicCall* find_call(std::string_view name);

// What the store holds before the call: partitions, runs behind them, rows in the log, clears.
[[nodiscard]] Workload base_workload();
// The workload's steps, but closing; fails the test if one fails.
void run_steps(StorageOptimizer& store, const Workload& workload);

// One more record, as any host may write next. The error, if it was not taken.
[[nodiscard]] Result<void> write_one(StorageOptimizer& store, Ledger& ledger);

}  // namespace caveat::test
