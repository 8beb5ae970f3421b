// Says when RocksDB may resume after the disk was full.
//
// RocksDB looks for free space every five seconds, and resumes when there is more than a whole
// memtable's worth: more than a small disk ever has. It asks through a file system of its own,
// which is where this steps in. (To resume by DB::Resume instead, RocksDB's way switched off, hangs
// in 7.8: a flush that was scheduled when the error came is forgotten, and then waited for.)
#pragma once

#include <rocksdb/file_system.h>

#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <utility>

namespace caveat::detail {

class ResumeGate final : public rocksdb::FileSystemWrapper {
 public:
  static constexpr std::uint64_t kRoomWanted = std::uint64_t{512} << 10;

  explicit ResumeGate(const std::shared_ptr<rocksdb::FileSystem>& base) : FileSystemWrapper(base) {}

  // What must be true besides; null: nothing. Returns when no call of the old one is running.
  void set_condition(std::function<bool()> condition) {
    const std::lock_guard lock(mutex_);
    condition_ = std::move(condition);
  }

  const char* Name() const override { return "caveat.ResumeGate"; }

  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* free, rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::GetFreeSpace(path, options, free, debug);
    if (!status.ok()) return status;
    const std::lock_guard lock(mutex_);
    const bool open = *free >= kRoomWanted && (!condition_ || condition_());
    *free = open ? std::numeric_limits<std::uint64_t>::max() / 2 : 0;
    return status;
  }

 private:
  std::mutex mutex_;
  std::function<bool()> condition_;
};

}  // namespace caveat::detail
