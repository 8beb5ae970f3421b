// A store as far as it can be read, whatever of it is damaged: opened in the normal way, or where
// that is not to be had, put together from its files one by one.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/rocksdb/salvage.h"
#include "caveat/storage_optimizer.h"
#include "tools/cli/store_access.h"

namespace caveat::cli {

class DamagedStore {
 public:
  // The store's directory is never changed. Errors of a store that is damaged in none of its files
  // (there is none, another process has it open, its key is missing) are those of opening.
  [[nodiscard]] static Result<DamagedStore> open(const std::string& path);

  [[nodiscard]] StorageOptimizer& operator*() noexcept {
    return inspected_ ? **inspected_ : *read_;
  }

  // A sound one.
  explicit DamagedStore(InspectedStore sound) : inspected_(std::move(sound)) {}

  // From its files: why it did not open; empty: it did.
  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  [[nodiscard]] const std::vector<SalvageLoss>& losses() const noexcept { return losses_; }
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
  // Is anything missing that is not made anew?
  [[nodiscard]] bool has_lost_records() const noexcept;

  DamagedStore(DamagedStore&& other) noexcept;
  DamagedStore& operator=(DamagedStore&&) = delete;
  ~DamagedStore();

 private:
  DamagedStore() = default;
  [[nodiscard]] Result<void> read_files(const std::string& path);
  [[nodiscard]] Result<void> add_lost_writes();

  std::optional<InspectedStore> inspected_;
  std::optional<StorageOptimizer> read_;
  std::string why_;
  std::vector<SalvageLoss> losses_;
  std::vector<std::string> notes_;
  int lock_ = -1;  // shared, of caveat.lock: nobody opens the store meanwhile
};

// The key of a partition as users know it; nothing where it is none.
[[nodiscard]] std::optional<ExceptionKey> partition_bound(const std::optional<std::string>& key);

}  // namespace caveat::cli
