// Every call that a host can make, each in a small program of its own that checks what the call
// answers. Campaigns run them where operations fail, and then look at the store.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "test/torture/ledger.h"

namespace caveat::test {

// The directory of the store on RocksDB, and one beside it for whatever the call makes.
struct Places {
  std::filesystem::path store;
  std::filesystem::path beside;
};

// A call that needs something to be there before, on files mostly. Where the store is not open, it
// gets none.
struct CallOnFiles {
  // What must be there before; fails the test if it cannot be made.
  void (*prepare)(StorageOptimizer*, const Places&, Ledger&) = nullptr;
  Result<void> (*run)(StorageOptimizer*, const Places&, Ledger&, Violation&) = nullptr;
  // Afterwards, on a disk that is well and with the store closed: what is wrong with the files.
  // Null: it needs no files, and may be on the backend in memory.
  Violation (*look)(const Places&, const Ledger&) = nullptr;
  // What a host does next whose call failed. May be null.
  Violation (*mend)(StorageOptimizer&) = nullptr;
};

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
  const CallOnFiles* files = nullptr;  // in place of `run`
  // What of the public headers it makes, where that is not its own name: api_test.cpp.
  std::string_view makes = {};

  [[nodiscard]] bool has_store() const { return begin < Begin::closed; }
  [[nodiscard]] bool opens() const { return !has_store() && files == nullptr; }
  [[nodiscard]] bool destroys() const { return run == nullptr && has_store() && files == nullptr; }
  [[nodiscard]] bool needs_files() const { return files != nullptr && files->look != nullptr; }
  [[nodiscard]] Violation mend(StorageOptimizer& store) const {
    return files != nullptr && files->mend != nullptr ? files->mend(store) : std::nullopt;
  }
  // `store` may be null where it is closed.
  [[nodiscard]] Result<void> make(StorageOptimizer* store, const Places& places, Ledger& ledger,
                                  Violation& wrong) const {
    return files != nullptr ? files->run(store, places, ledger, wrong) : run(*store, ledger, wrong);
  }
};

[[nodiscard]] std::span<const PublicCall> public_calls();
// The calls that only read.
[[nodiscard]] std::span<const PublicCall> reading_calls();
// Backups and repair.
[[nodiscard]] std::span<const PublicCall> file_calls();
[[nodiscard]] const PublicCall* find_call(std::string_view name);

// What the store holds before the call: partitions, runs behind them, rows in the log, clears.
[[nodiscard]] Workload base_workload();
// The workload's steps, but closing; fails the test if one fails.
void run_steps(StorageOptimizer& store, const Workload& workload);

// One more record, as any host may write next. The error, if it was not taken.
[[nodiscard]] Result<void> write_one(StorageOptimizer& store, Ledger& ledger);

}  // namespace caveat::test
