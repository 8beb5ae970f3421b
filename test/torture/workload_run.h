// A workload on a store, and the trace of what that did to the disk.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "test/torture/disk_trace.h"
#include "test/torture/power_loss_file_system.h"
#include "test/torture/workload.h"

namespace caveat::test {

struct Planted {
  // Around the backend of each store.
  std::function<std::unique_ptr<KvBackend>(std::unique_ptr<KvBackend>)> backend;
  bool lies_about_syncs = false;
  bool forgets_syncs_of_spare = false;
};

// Opens the store of the directory on the file system; RocksDB's buffers are as small as can be.
// `busy`: with maintenance in the background.
[[nodiscard]] Result<StorageOptimizer> open_on(const std::shared_ptr<PowerLossFileSystem>& files,
                                               const std::filesystem::path& directory,
                                               const Planted& planted = {}, bool busy = false);

// One step; reopening is closing. Where backups go must be said for a step that makes one.
[[nodiscard]] Result<void> carry_out(StorageOptimizer& store, const Step& step,
                                     const std::filesystem::path& backups = {});

// Runs all of it in the directory, which begins as an empty store; fails the test if a call fails.
[[nodiscard]] DiskTrace run_workload(const Workload& workload,
                                     const std::filesystem::path& directory,
                                     const Planted& planted = {});

// How much of it is done, where the power is lost.
struct Progress {
  std::size_t begun = 0;    // steps
  std::size_t durable = 0;  // steps from the first on that must be there

  void apply(const DiskEvent& event, const Workload& workload);
};

}  // namespace caveat::test
