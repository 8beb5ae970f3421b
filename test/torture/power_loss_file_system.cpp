#include "test/torture/power_loss_file_system.h"

#include <algorithm>
#include <utility>

#include "adapters/rocksdb/spare_copy.h"
#include "test/support/store_files.h"

namespace caveat::test {

namespace fs = std::filesystem;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

namespace {

constexpr const char* kLockFile = "caveat.lock";

std::mutex watchers_mutex;
std::vector<PowerLossFileSystem*> watchers;  // NOLINT

std::string base_name(const std::string& path) {
  return fs::path(path).filename().string();
}

}  // namespace

class PowerLossFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(std::unique_ptr<rocksdb::FSWritableFile> file, std::uint64_t id, PowerLossFileSystem& files)
      : FSWritableFileOwnerWrapper(std::move(file)), id_(id), files_(files) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = files_.note(event(Kind::append, data.ToString()));
    if (!status.ok()) return status;
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("PositionedAppend");
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, std::uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("PositionedAppend");
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    DiskEvent truncated = event(Kind::truncate);
    truncated.number = size;
    IOStatus status = files_.note(std::move(truncated));
    if (!status.ok()) return status;
    return FSWritableFileOwnerWrapper::Truncate(size, options, debug);
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    return files_.note(event(Kind::sync));
  }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return files_.note(event(Kind::sync));
  }
  IOStatus RangeSync(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override {
    return files_.note(event(Kind::range_sync));
  }

 private:
  [[nodiscard]] DiskEvent event(Kind kind, std::string bytes = {}) const {
    DiskEvent made;
    made.kind = kind;
    made.file = id_;
    made.bytes = std::move(bytes);
    return made;
  }

  std::uint64_t id_;
  PowerLossFileSystem& files_;
};

class PowerLossFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, PowerLossFileSystem& files)
      : FSDirectoryWrapper(std::move(directory)), files_(files) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    return files_.note_named(Kind::sync_directory, "");
  }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return files_.note_named(Kind::sync_directory, "");
  }

 private:
  PowerLossFileSystem& files_;
};

PowerLossFileSystem::PowerLossFileSystem(fs::path directory)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), directory_(std::move(directory)) {
  if (fs::exists(directory_)) {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      trace_.files[entry.path().filename().string()] = bytes_of(entry.path());
    }
  }
  for (const auto& [name, bytes] : trace_.files) {
    names_[name] = next_file_++;
    if (name.ends_with(".log")) logs_found_[name] = bytes.size();
  }
  lock_text_ = trace_.files[kLockFile];
  const std::lock_guard lock(watchers_mutex);
  watchers.push_back(this);
}

PowerLossFileSystem::~PowerLossFileSystem() {
  const std::lock_guard lock(watchers_mutex);
  std::erase(watchers, this);
}

void PowerLossFileSystem::notice_lock_file() {
  std::string text = bytes_of(directory_ / kLockFile);
  if (text == lock_text_) return;
  lock_text_ = text;
  DiskEvent event;
  event.kind = Kind::own_write;
  event.bytes = std::move(text);
  trace_.events.push_back(std::move(event));
}

void PowerLossFileSystem::notice_cut_logs() {
  for (auto& [name, size] : logs_found_) {
    std::error_code gone;
    const auto found = fs::file_size(directory_ / name, gone);
    const auto now = gone ? 0 : found;
    if (names_.contains(name) && now < size) {
      DiskEvent cut;
      cut.kind = Kind::truncate;
      cut.file = names_[name];
      cut.number = size = now;
      trace_.events.push_back(std::move(cut));
    }
  }
}

IOStatus PowerLossFileSystem::note(DiskEvent event) {
  const std::lock_guard lock(mutex_);
  notice_lock_file();
  if (operations_ >= stop_at_) return IOStatus::IOError("the power is gone");
  const bool sync = event.kind == Kind::sync || event.kind == Kind::sync_directory;
  if (event.is_operation()) ++operations_;
  if (sync && lies_) event.kind = Kind::range_sync;
  trace_.events.push_back(std::move(event));
  return IOStatus::OK();
}

IOStatus PowerLossFileSystem::note_named(Kind kind, const std::string& path,
                                         const std::string& other) {
  DiskEvent event;
  event.kind = kind;
  event.name = base_name(path);
  event.other = base_name(other);
  {
    const std::lock_guard lock(mutex_);
    if (kind == Kind::create) {
      event.file = next_file_++;
      names_[event.name] = event.file;
    } else if (kind != Kind::sync_directory) {
      event.file = names_[event.name];
      if (kind != Kind::truncate && kind != Kind::link) names_.erase(event.name);
      if (!other.empty()) names_[event.other] = event.file;
    }
  }
  return note(std::move(event));
}

void PowerLossFileSystem::note_step(Kind kind, std::uint64_t step) {
  DiskEvent event;
  event.kind = kind;
  event.number = step;
  const std::lock_guard lock(mutex_);
  notice_lock_file();
  trace_.events.push_back(std::move(event));
}

void PowerLossFileSystem::step_begins(std::uint64_t step) {
  note_step(Kind::step_begins, step);
}

void PowerLossFileSystem::step_acknowledged(std::uint64_t step) {
  note_step(Kind::step_acknowledged, step);
}

void PowerLossFileSystem::notice_removed() {
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, file] : names_) {
      if (!fs::exists(directory_ / name)) gone.push_back(name);
    }
  }
  for (const std::string& name : gone) {
    note_named(Kind::erase, name).PermitUncheckedError();
  }
}

void PowerLossFileSystem::stop_at(std::uint64_t operation) {
  const std::lock_guard lock(mutex_);
  stop_at_ = operation;
}

std::uint64_t PowerLossFileSystem::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

DiskTrace PowerLossFileSystem::take_trace() {
  const std::lock_guard lock(mutex_);
  notice_lock_file();
  return std::exchange(trace_, {});
}

bool PowerLossFileSystem::lock_file_synced(const fs::path& file) {
  if (file != directory_ / kLockFile) return false;
  const std::lock_guard lock(mutex_);
  notice_cut_logs();
  notice_lock_file();
  DiskEvent event;
  event.kind = Kind::own_sync;
  trace_.events.push_back(std::move(event));
  return true;
}

IOStatus PowerLossFileSystem::NewWritableFile(const std::string& name,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSWritableFile>* result,
                                              IODebugContext* debug) {
  IOStatus status = note_named(Kind::create, name);
  if (!status.ok()) return status;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  status = FileSystemWrapper::NewWritableFile(name, options, &file, debug);
  if (!status.ok()) return status;
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = names_[base_name(name)];
  }
  *result = std::make_unique<File>(std::move(file), id, *this);
  return status;
}

IOStatus PowerLossFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                           std::unique_ptr<rocksdb::FSDirectory>* result,
                                           IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  IOStatus status = FileSystemWrapper::NewDirectory(name, options, &directory, debug);
  if (status.ok()) *result = std::make_unique<Directory>(std::move(directory), *this);
  return status;
}

IOStatus PowerLossFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                         IODebugContext* debug) {
  IOStatus status = note_named(Kind::erase, name);
  return status.ok() ? FileSystemWrapper::DeleteFile(name, options, debug) : status;
}

IOStatus PowerLossFileSystem::RenameFile(const std::string& from, const std::string& to,
                                         const IOOptions& options, IODebugContext* debug) {
  IOStatus status = note_named(Kind::rename, from, to);
  return status.ok() ? FileSystemWrapper::RenameFile(from, to, options, debug) : status;
}

IOStatus PowerLossFileSystem::LinkFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  IOStatus status = note_named(Kind::link, from, to);
  return status.ok() ? FileSystemWrapper::LinkFile(from, to, options, debug) : status;
}

IOStatus PowerLossFileSystem::Truncate(const std::string& name, std::size_t size,
                                       const IOOptions& options, IODebugContext* debug) {
  DiskEvent event;
  event.kind = Kind::truncate;
  event.number = size;
  {
    const std::lock_guard lock(mutex_);
    event.file = names_[base_name(name)];
  }
  IOStatus status = note(std::move(event));
  return status.ok() ? FileSystemWrapper::Truncate(name, size, options, debug) : status;
}

// Asked by the fdatasync of this executable.
bool PowerLossFileSystem::watches_sync(int descriptor) {
  const std::lock_guard lock(watchers_mutex);
  if (watchers.empty()) return false;
  std::error_code ignored;
  const auto file = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), ignored);
  return std::any_of(watchers.begin(), watchers.end(), [&](PowerLossFileSystem* files) {
    return files->lock_file_synced(file) || files->spare_synced(file);
  });
}

void PowerLossFileSystem::watches_rename(const char* from) {
  const std::lock_guard lock(watchers_mutex);
  for (PowerLossFileSystem* files : watchers) files->spare_gets_its_name(from);
}

bool PowerLossFileSystem::spare_synced(const fs::path& file) {
  if (file != directory_ / detail::kSpareDraft) return false;
  const std::lock_guard lock(mutex_);
  spare_synced_ = true;
  return true;
}

// It is written by one thread at a time, so all of it may be noted at once.
void PowerLossFileSystem::spare_gets_its_name(const fs::path& draft) {
  if (draft != directory_ / detail::kSpareDraft) return;
  note_named(Kind::create, draft).PermitUncheckedError();
  DiskEvent written;
  DiskEvent synced;
  written.kind = Kind::append;
  written.bytes = bytes_of(draft);
  synced.kind = Kind::sync;
  bool was_synced = false;
  {
    const std::lock_guard lock(mutex_);
    written.file = synced.file = names_[draft.filename()];
    was_synced = std::exchange(spare_synced_, false) && !forgets_spare_;
  }
  note(std::move(written)).PermitUncheckedError();
  if (was_synced) note(std::move(synced)).PermitUncheckedError();
  note_named(Kind::rename, draft, std::string(detail::kSpareFile)).PermitUncheckedError();
}

}  // namespace caveat::test
