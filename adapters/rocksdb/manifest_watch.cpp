#include "adapters/rocksdb/manifest_watch.h"

#include <rocksdb/file_system.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/rocksdb/crc32c.h"

namespace caveat::detail {
namespace {

using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

// What is known of the newest MANIFEST, and whether it is the current one yet.
class Synced {
 public:
  explicit Synced(OnManifest told) : told_(std::move(told)) {}

  void begun(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    newest_ = {number, 0, 0};
  }
  void synced(const ManifestNote& note) {
    const std::lock_guard lock(mutex_);
    if (note.number == newest_.number) newest_ = note;
    if (note.number == current_) told_(note);
  }
  void made_current() {
    const std::lock_guard lock(mutex_);
    current_ = newest_.number;
    told_(newest_);
  }

 private:
  std::mutex mutex_;
  const OnManifest told_;
  ManifestNote newest_;
  std::uint64_t current_ = 0;
};

// Nothing more is said of one in which a call has failed: what is in it then is not known.
class WatchedManifest final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedManifest(std::unique_ptr<FSWritableFile> file, std::shared_ptr<Synced> synced,
                  std::uint64_t number)
      : FSWritableFileOwnerWrapper(std::move(file)), synced_(std::move(synced)), note_{number} {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return added(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& info, IODebugContext* debug) override {
    return added(data, FSWritableFileOwnerWrapper::Append(data, options, info, debug));
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions& options,
                            IODebugContext* debug) override {
    known_ = false;
    return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, debug);
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& info,
                            IODebugContext* debug) override {
    known_ = false;
    return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, info, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return tell(FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return tell(FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

 private:
  IOStatus added(const Slice& data, IOStatus status) {
    known_ = known_ && status.ok();
    note_.checksum = crc32c(note_.checksum, data.ToStringView());
    note_.bytes += data.size();
    return status;
  }
  IOStatus tell(IOStatus status) {
    known_ = known_ && status.ok();
    if (known_) synced_->synced(note_);
    return status;
  }

  const std::shared_ptr<Synced> synced_;
  ManifestNote note_;
  bool known_ = true;
};

std::string_view name_in(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

class ManifestWatch final : public rocksdb::FileSystemWrapper {
 public:
  ManifestWatch(const std::shared_ptr<FileSystem>& base, OnManifest told)
      : FileSystemWrapper(base), synced_(std::make_shared<Synced>(std::move(told))) {}
  const char* Name() const override { return "caveat.ManifestWatch"; }

  IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<FSWritableFile>* result,
                           IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    const std::uint64_t number = manifest_number(name_in(name));
    if (!status.ok() || number == 0) return status;
    synced_->begun(number);
    *result = std::make_unique<WatchedManifest>(std::move(*result), synced_, number);
    return status;
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                      IODebugContext* debug) override {
    auto status = FileSystemWrapper::RenameFile(from, to, options, debug);
    if (status.ok() && name_in(to) == "CURRENT") synced_->made_current();
    return status;
  }

 private:
  const std::shared_ptr<Synced> synced_;
};

}  // namespace

std::shared_ptr<rocksdb::Env> with_manifest_watch(const std::shared_ptr<rocksdb::Env>& env,
                                                  OnManifest told) {
  std::shared_ptr<rocksdb::Env> made = rocksdb::NewCompositeEnv(
      std::make_shared<ManifestWatch>(env->GetFileSystem(), std::move(told)));
  rocksdb::Env* const raw = made.get();
  return {raw, [made = std::move(made), env](rocksdb::Env*) mutable { made.reset(); }};
}

}  // namespace caveat::detail
