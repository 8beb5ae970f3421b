// A file system for RocksDB whose operations fail where IoFaults says so.
#pragma once

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <string>
#include <vector>

namespace caveat::test {

class FaultyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  FaultyFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  // For RocksdbBackendOptions::env.
  static std::shared_ptr<rocksdb::Env> env();

  const char* Name() const override { return "FaultyFileSystem"; }

  using Options = rocksdb::IOOptions;
  using Debug = rocksdb::IODebugContext;
  using Status = rocksdb::IOStatus;
  Status NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSSequentialFile>* result,
                           Debug* debug) override;
  Status NewRandomAccessFile(const std::string& name, const rocksdb::FileOptions& options,
                             std::unique_ptr<rocksdb::FSRandomAccessFile>* result,
                             Debug* debug) override;
  Status NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                         std::unique_ptr<rocksdb::FSWritableFile>* result, Debug* debug) override;
  Status NewDirectory(const std::string& name, const Options& options,
                      std::unique_ptr<rocksdb::FSDirectory>* result, Debug* debug) override;
  Status FileExists(const std::string& name, const Options& options, Debug* debug) override;
  Status GetChildren(const std::string& name, const Options& options,
                     std::vector<std::string>* result, Debug* debug) override;
  Status GetChildrenFileAttributes(const std::string& name, const Options& options,
                                   std::vector<rocksdb::FileAttributes>* result,
                                   Debug* debug) override;
  Status DeleteFile(const std::string& name, const Options& options, Debug* debug) override;
  Status Truncate(const std::string& name, std::size_t size, const Options& options,
                  Debug* debug) override;
  Status CreateDir(const std::string& name, const Options& options, Debug* debug) override;
  Status CreateDirIfMissing(const std::string& name, const Options& options, Debug* debug) override;
  Status GetFileSize(const std::string& name, const Options& options, std::uint64_t* size,
                     Debug* debug) override;
  Status GetFileModificationTime(const std::string& name, const Options& options,
                                 std::uint64_t* time, Debug* debug) override;
  Status RenameFile(const std::string& from, const std::string& to, const Options& options,
                    Debug* debug) override;
  Status LinkFile(const std::string& from, const std::string& to, const Options& options,
                  Debug* debug) override;
  Status LockFile(const std::string& name, const Options& options, rocksdb::FileLock** lock,
                  Debug* debug) override;
  // Ways that RocksDB does not use here: they would not be counted.
  Status ReopenWritableFile(const std::string&, const rocksdb::FileOptions&,
                            std::unique_ptr<rocksdb::FSWritableFile>*, Debug*) override {
    return Status::NotSupported("ReopenWritableFile");
  }
  Status ReuseWritableFile(const std::string&, const std::string&, const rocksdb::FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>*, Debug*) override {
    return Status::NotSupported("ReuseWritableFile");
  }
  Status NewRandomRWFile(const std::string&, const rocksdb::FileOptions&,
                         std::unique_ptr<rocksdb::FSRandomRWFile>*, Debug*) override {
    return Status::NotSupported("NewRandomRWFile");
  }
};

}  // namespace caveat::test
