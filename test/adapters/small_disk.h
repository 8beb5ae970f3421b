// A disk that fills up: a file system of RocksDB's on which only so many bytes have room.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>

namespace caveat::test {

class SmallDisk final : public rocksdb::FileSystemWrapper {
 public:
  explicit SmallDisk(std::int64_t bytes)
      : FileSystemWrapper(rocksdb::FileSystem::Default()),
        room_(std::make_shared<std::atomic<std::int64_t>>(bytes)) {}

  // For RocksdbBackendOptions::env.
  static std::shared_ptr<rocksdb::Env> env(const std::shared_ptr<SmallDisk>& disk) {
    return rocksdb::NewCompositeEnv(disk);
  }

  void set_room(std::int64_t bytes) { *room_ = bytes; }
  [[nodiscard]] std::uint64_t refused() const { return refused_->load(); }

  const char* Name() const override { return "SmallDisk"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> file;
    auto status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
    if (status.ok()) *result = std::make_unique<File>(std::move(file), name, room_, refused_);
    return status;
  }

  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    std::uint64_t size = 0;
    const bool known = GetFileSize(name, options, &size, debug).ok();
    auto status = FileSystemWrapper::DeleteFile(name, options, debug);
    if (status.ok() && known) *room_ += static_cast<std::int64_t>(size);
    return status;
  }

  rocksdb::IOStatus GetFreeSpace(const std::string&, const rocksdb::IOOptions&, std::uint64_t* free,
                                 rocksdb::IODebugContext*) override {
    *free = static_cast<std::uint64_t>(std::max<std::int64_t>(*room_, 0));
    return rocksdb::IOStatus::OK();
  }

 private:
  using Room = std::shared_ptr<std::atomic<std::int64_t>>;
  using Count = std::shared_ptr<std::atomic<std::uint64_t>>;

  // Writes what there is room for, as a file system does.
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name, Room room, Count refused)
        : FSWritableFileOwnerWrapper(std::move(file)),
          name_(std::move(name)),
          room_(std::move(room)),
          refused_(std::move(refused)) {}

    using FSWritableFileOwnerWrapper::Append;
    rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
      const auto size = static_cast<std::int64_t>(data.size());
      const std::int64_t left = room_->fetch_sub(size);
      if (left >= size) return FSWritableFileOwnerWrapper::Append(data, options, debug);
      const std::int64_t fits = std::clamp<std::int64_t>(left, 0, size);
      *room_ += size - fits;
      ++*refused_;
      if (fits > 0) {
        FSWritableFileOwnerWrapper::Append({data.data(), static_cast<std::size_t>(fits)}, options,
                                           debug)
            .PermitUncheckedError();
      }
      auto status = rocksdb::IOStatus::NoSpace("While appending to file: " + name_,
                                               "No space left on device");
      status.SetRetryable(true);
      return status;
    }

   private:
    std::string name_;
    Room room_;
    Count refused_;
  };

  Room room_;
  Count refused_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace caveat::test
