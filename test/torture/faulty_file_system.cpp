#include "test/torture/faulty_file_system.h"

#include <rocksdb/system_clock.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "test/torture/io_faults.h"

namespace caveat::test {

namespace {

using Status = rocksdb::IOStatus;
using Options = rocksdb::IOOptions;
using Debug = rocksdb::IODebugContext;

// The operation, unless it is to fail.
template <class Operation>
Status unless_struck(IoKind kind, const std::string& name, const Operation& operation) {
  if (IoFaults::instance().strikes(kind, name)) {
    const bool full = IoFaults::instance().error() == ENOSPC;
    return full ? Status::NoSpace("injected: no space", name)
                : Status::IOError("injected: input/output error", name);
  }
  const IoFaults::Passing asked;
  return operation();
}

class Sequential final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  Sequential(std::unique_ptr<rocksdb::FSSequentialFile> file, std::string name)
      : FSSequentialFileOwnerWrapper(std::move(file)), name_(std::move(name)) {}
  Status Read(std::size_t size, const Options& options, rocksdb::Slice* result, char* scratch,
              Debug* debug) override {
    return unless_struck(IoKind::read, name_, [&] {
      return FSSequentialFileOwnerWrapper::Read(size, options, result, scratch, debug);
    });
  }

 private:
  std::string name_;
};

class RandomAccess final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  RandomAccess(std::unique_ptr<rocksdb::FSRandomAccessFile> file, std::string name)
      : FSRandomAccessFileOwnerWrapper(std::move(file)), name_(std::move(name)) {}
  Status Read(std::uint64_t at, std::size_t size, const Options& options, rocksdb::Slice* result,
              char* scratch, Debug* debug) const override {
    return unless_struck(IoKind::read, name_, [&] {
      return FSRandomAccessFileOwnerWrapper::Read(at, size, options, result, scratch, debug);
    });
  }
  Status MultiRead(rocksdb::FSReadRequest* requests, std::size_t count, const Options& options,
                   Debug* debug) override {
    for (std::size_t i = 0; i < count; ++i) {
      rocksdb::FSReadRequest& one = requests[i];
      one.status = Read(one.offset, one.len, options, &one.result, one.scratch, debug);
    }
    return Status::OK();
  }
  Status Prefetch(std::uint64_t at, std::size_t size, const Options& options,
                  Debug* debug) override {
    return unless_struck(IoKind::read, name_, [&] {
      return FSRandomAccessFileOwnerWrapper::Prefetch(at, size, options, debug);
    });
  }

 private:
  std::string name_;
};

class Writable final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  using Base = FSWritableFileOwnerWrapper;
  Writable(std::unique_ptr<rocksdb::FSWritableFile> file, std::string name)
      : FSWritableFileOwnerWrapper(std::move(file)), name_(std::move(name)) {}
  Status Append(const rocksdb::Slice& data, const Options& options, Debug* debug) override {
    return unless_struck(IoKind::write, name_, [&] { return Base::Append(data, options, debug); });
  }
  Status Append(const rocksdb::Slice& data, const Options& options,
                const rocksdb::DataVerificationInfo&, Debug* debug) override {
    return Append(data, options, debug);
  }
  Status Truncate(std::uint64_t size, const Options& options, Debug* debug) override {
    return unless_struck(IoKind::write, name_,
                         [&] { return Base::Truncate(size, options, debug); });
  }
  Status Flush(const Options& options, Debug* debug) override {
    return unless_struck(IoKind::write, name_, [&] { return Base::Flush(options, debug); });
  }
  // What is synced here need not reach the device: nobody cuts the power.
  Status Sync(const Options&, Debug*) override {
    return unless_struck(IoKind::sync, name_, [] { return Status::OK(); });
  }
  Status Fsync(const Options&, Debug*) override {
    return unless_struck(IoKind::sync, name_, [] { return Status::OK(); });
  }
  Status RangeSync(std::uint64_t, std::uint64_t, const Options&, Debug*) override {
    return unless_struck(IoKind::sync, name_, [] { return Status::OK(); });
  }
  // As close(2) does: with the error the file is closed all the same.
  Status Close(const Options& options, Debug* debug) override {
    Status closed;
    {
      const IoFaults::Passing asked;
      closed = Base::Close(options, debug);
    }
    return unless_struck(IoKind::close, name_, [&] { return closed; });
  }

 private:
  std::string name_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(std::unique_ptr<rocksdb::FSDirectory> directory, std::string name)
      : FSDirectoryWrapper(std::move(directory)), name_(std::move(name)) {}
  Status Fsync(const Options&, Debug*) override {
    return unless_struck(IoKind::sync, name_, [] { return Status::OK(); });
  }
  Status FsyncWithDirOptions(const Options& options, Debug* debug,
                             const rocksdb::DirFsyncOptions&) override {
    return Fsync(options, debug);
  }

 private:
  std::string name_;
};

// After an error in the background RocksDB rests for a second: not here.
class ImpatientClock final : public rocksdb::SystemClockWrapper {
 public:
  using SystemClockWrapper::SystemClockWrapper;
  const char* Name() const override { return "ImpatientClock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, 10'000));
  }
};

class FaultyEnv final : public rocksdb::EnvWrapper {
 public:
  explicit FaultyEnv(const std::shared_ptr<rocksdb::Env>& files) : EnvWrapper(files) {
    system_clock_ = std::make_shared<ImpatientClock>(files->GetSystemClock());
  }
};

// `make` fills its argument; what is made is wrapped.
template <class Wrapper, class File, class Make>
Status opened(const std::string& name, std::unique_ptr<File>* result, const Make& make) {
  std::unique_ptr<File> file;
  Status status = unless_struck(IoKind::open, name, [&] { return make(&file); });
  if (status.ok()) *result = std::make_unique<Wrapper>(std::move(file), name);
  return status;
}

}  // namespace

std::shared_ptr<rocksdb::Env> FaultyFileSystem::env() {
  return std::make_shared<FaultyEnv>(
      rocksdb::NewCompositeEnv(std::make_shared<FaultyFileSystem>()));
}

Status FaultyFileSystem::NewSequentialFile(const std::string& name,
                                           const rocksdb::FileOptions& options,
                                           std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                           Debug* debug) {
  return opened<Sequential>(name, result, [&](auto* file) {
    return FileSystemWrapper::NewSequentialFile(name, options, file, debug);
  });
}

Status FaultyFileSystem::NewRandomAccessFile(const std::string& name,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                                             Debug* debug) {
  return opened<RandomAccess>(name, result, [&](auto* file) {
    return FileSystemWrapper::NewRandomAccessFile(name, options, file, debug);
  });
}

Status FaultyFileSystem::NewWritableFile(const std::string& name,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* result,
                                         Debug* debug) {
  return opened<Writable>(name, result, [&](auto* file) {
    return FileSystemWrapper::NewWritableFile(name, options, file, debug);
  });
}

Status FaultyFileSystem::NewDirectory(const std::string& name, const Options& options,
                                      std::unique_ptr<rocksdb::FSDirectory>* result, Debug* debug) {
  return opened<Directory>(name, result, [&](auto* directory) {
    return FileSystemWrapper::NewDirectory(name, options, directory, debug);
  });
}

Status FaultyFileSystem::FileExists(const std::string& name, const Options& options, Debug* debug) {
  return unless_struck(IoKind::look, name,
                       [&] { return FileSystemWrapper::FileExists(name, options, debug); });
}

Status FaultyFileSystem::GetChildren(const std::string& name, const Options& options,
                                     std::vector<std::string>* result, Debug* debug) {
  return unless_struck(IoKind::look, name, [&] {
    return FileSystemWrapper::GetChildren(name, options, result, debug);
  });
}

Status FaultyFileSystem::GetChildrenFileAttributes(const std::string& name, const Options& options,
                                                   std::vector<rocksdb::FileAttributes>* result,
                                                   Debug* debug) {
  return unless_struck(IoKind::look, name, [&] {
    return FileSystemWrapper::GetChildrenFileAttributes(name, options, result, debug);
  });
}

Status FaultyFileSystem::DeleteFile(const std::string& name, const Options& options, Debug* debug) {
  return unless_struck(IoKind::remove, name,
                       [&] { return FileSystemWrapper::DeleteFile(name, options, debug); });
}

Status FaultyFileSystem::Truncate(const std::string& name, std::size_t size, const Options& options,
                                  Debug* debug) {
  return unless_struck(IoKind::write, name,
                       [&] { return FileSystemWrapper::Truncate(name, size, options, debug); });
}

Status FaultyFileSystem::CreateDir(const std::string& name, const Options& options, Debug* debug) {
  return unless_struck(IoKind::open, name,
                       [&] { return FileSystemWrapper::CreateDir(name, options, debug); });
}

Status FaultyFileSystem::CreateDirIfMissing(const std::string& name, const Options& options,
                                            Debug* debug) {
  return unless_struck(IoKind::open, name,
                       [&] { return FileSystemWrapper::CreateDirIfMissing(name, options, debug); });
}

Status FaultyFileSystem::GetFileSize(const std::string& name, const Options& options,
                                     std::uint64_t* size, Debug* debug) {
  return unless_struck(IoKind::look, name,
                       [&] { return FileSystemWrapper::GetFileSize(name, options, size, debug); });
}

Status FaultyFileSystem::GetFileModificationTime(const std::string& name, const Options& options,
                                                 std::uint64_t* time, Debug* debug) {
  return unless_struck(IoKind::look, name, [&] {
    return FileSystemWrapper::GetFileModificationTime(name, options, time, debug);
  });
}

Status FaultyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                    const Options& options, Debug* debug) {
  return unless_struck(IoKind::rename, from,
                       [&] { return FileSystemWrapper::RenameFile(from, to, options, debug); });
}

Status FaultyFileSystem::LinkFile(const std::string& from, const std::string& to,
                                  const Options& options, Debug* debug) {
  return unless_struck(IoKind::rename, from,
                       [&] { return FileSystemWrapper::LinkFile(from, to, options, debug); });
}

Status FaultyFileSystem::LockFile(const std::string& name, const Options& options,
                                  rocksdb::FileLock** lock, Debug* debug) {
  return unless_struck(IoKind::open, name,
                       [&] { return FileSystemWrapper::LockFile(name, options, lock, debug); });
}

}  // namespace caveat::test
