// A file system for RocksDB that remembers every operation that writes, and of each file and each
// directory entry whether it was synced. The files themselves are in a directory as always, but are
// never synced: what a loss of power would leave, disk_state.h makes from the trace.
//
// The store's own files do not go through it. The lock file is looked at before each operation, and
// its syncs are seen by an fdatasync of the test's own; caveat.spare is by that and by a rename.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "test/torture/disk_trace.h"

namespace caveat::test {

class PowerLossFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  // The trace begins with what is in the directory now.
  explicit PowerLossFileSystem(std::filesystem::path directory);
  ~PowerLossFileSystem() override;

  // For RocksdbBackendOptions::env.
  static std::shared_ptr<rocksdb::Env> env(const std::shared_ptr<PowerLossFileSystem>& files) {
    return rocksdb::NewCompositeEnv(files);
  }

  // The step of a workload begins, or the store has said that it is done.
  void step_begins(std::uint64_t step);
  void step_acknowledged(std::uint64_t step);
  // Files that the store removed by itself are gone from the directory: since now, as far as known.
  void notice_removed();

  // The planted fault: syncs succeed, and nothing is on the device.
  void lie_about_syncs() { lies_ = true; }
  // The world stops at this operation: it and all that write after it fail.
  void stop_at(std::uint64_t operation);
  [[nodiscard]] std::uint64_t operations() const;

  // So far. take_trace() leaves an empty one, and is for when the store is closed.
  [[nodiscard]] DiskTrace take_trace();

  const char* Name() const override { return "PowerLossFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* result,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& name, std::size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  // Ways to write that RocksDB does not use here: they would escape the trace.
  rocksdb::IOStatus ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                                       std::unique_ptr<rocksdb::FSWritableFile>*,
                                       rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("ReopenWritableFile");
  }
  rocksdb::IOStatus ReuseWritableFile(const std::string&, const std::string&,
                                      const rocksdb::FileOptions&,
                                      std::unique_ptr<rocksdb::FSWritableFile>*,
                                      rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("ReuseWritableFile");
  }
  rocksdb::IOStatus NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>*,
                                    rocksdb::IODebugContext*) override {
    return rocksdb::IOStatus::NotSupported("NewRandomRWFile");
  }

  // Called by the fdatasync of the tests (own_calls.cpp). True if the file is the lock file of a
  // directory with such a file system: it need not reach the device.
  [[nodiscard]] static bool watches_sync(int descriptor);
  // By their rename, before it is done. Notes what was written of caveat.spare.
  static void watches_rename(const char* from);
  // From now on caveat.spare gets its name as if nobody had synced it: a planted bug.
  void forget_syncs_of_spare() { forgets_spare_ = true; }

 private:
  class File;
  class Directory;
  bool lock_file_synced(const std::filesystem::path& file);
  bool spare_synced(const std::filesystem::path& file);
  void spare_gets_its_name(const std::filesystem::path& draft);
  using Kind = DiskEvent::Kind;

  // Notes the operation; an error if the world has stopped.
  rocksdb::IOStatus note(DiskEvent event);
  void note_step(Kind kind, std::uint64_t step);
  rocksdb::IOStatus note_named(Kind kind, const std::string& path, const std::string& other = {});
  void notice_lock_file();  // with mutex_ held, as the next
  // Of logs that an opening cuts, or removes, it syncs that itself, before its lock file.
  void notice_cut_logs();

  const std::filesystem::path directory_;
  mutable std::mutex mutex_;
  DiskTrace trace_;
  std::map<std::string, std::uint64_t> names_;
  std::map<std::string, std::uint64_t> logs_found_;  // sizes
  std::uint64_t next_file_ = 1;
  std::uint64_t operations_ = 0;
  std::uint64_t stop_at_ = ~std::uint64_t{0};
  std::string lock_text_;
  bool lies_ = false;
  bool spare_synced_ = false;  // since it was written last
  bool forgets_spare_ = false;
};

}  // namespace caveat::test
