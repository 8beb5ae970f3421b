// One open store, shared by every table and connection of the process: a store is locked by the
// process that has it open.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/sqlite/private_copy.h"
#include "adapters/sqlite/sql_error.h"
#include "adapters/sqlite/table_arguments.h"
#include "caveat/storage_optimizer.h"

namespace caveat::sqlite {

class SharedStore {
 public:
  // The store as it is open already, or opened now; it is closed when the last one lets go.
  // `may_make`: an absent one is made, if the access says so too. SQLITE_ERROR where it is open
  // with another memory budget than the one asked for.
  [[nodiscard]] static SqlResult<std::shared_ptr<SharedStore>> open(const TableArguments& arguments,
                                                                    bool may_make);

  SharedStore(std::string name, StorageOptimizer opened, std::optional<PrivateCopy> copy,
              std::size_t memory_mib);

  [[nodiscard]] StorageOptimizer& operator*() noexcept { return store_; }
  [[nodiscard]] StorageOptimizer* operator->() noexcept { return &store_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  // Transactions that write take turns, so that what one reads and writes again nobody changed in
  // between. False where another one did not end in time. `who` is told apart by its address.
  [[nodiscard]] bool take_turn(const void* who, std::chrono::milliseconds wait);
  void end_turn(const void* who) noexcept;

  // For the planner: not exact, and a few seconds old.
  struct Size {
    double records = 0;
    double properties = 1;
  };
  [[nodiscard]] Size size();

  // Closes, for the registry. An error goes to SQLite's log.
  void close() noexcept;

 private:
  std::string name_;
  std::optional<PrivateCopy> copy_;  // outlives the store in it
  StorageOptimizer store_;
  std::size_t memory_mib_;

  std::mutex mutex_;
  std::condition_variable turn_ended_;
  const void* turn_ = nullptr;
  Size size_;
  std::chrono::steady_clock::time_point size_read_;
};

}  // namespace caveat::sqlite
