#include "adapters/rocksdb/private_files.h"

#include <rocksdb/file_system.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "adapters/rocksdb/current_file.h"

namespace caveat::detail {
namespace {

class PrivateFiles final : public rocksdb::FileSystemWrapper {
 public:
  PrivateFiles() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "caveat.PrivateFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* result,
                                    rocksdb::IODebugContext* debug) override {
    if (is_options_file(std::string_view(name).substr(name.rfind('/') + 1))) {
      return rocksdb::IOStatus::NotSupported("a store keeps no settings");
    }
    const auto status = FileSystemWrapper::NewWritableFile(name, options, result, debug);
    return status.ok() ? made_private(name) : status;
  }

  rocksdb::IOStatus LockFile(const std::string& name, const rocksdb::IOOptions& options,
                             rocksdb::FileLock** lock, rocksdb::IODebugContext* debug) override {
    const auto status = FileSystemWrapper::LockFile(name, options, lock, debug);
    // One that was there already may be another user's.
    if (status.ok()) static_cast<void>(!made_private(name).ok());
    return status;
  }

 private:
  static rocksdb::IOStatus made_private(const std::string& name) {
    if (::chmod(name.c_str(), S_IRUSR | S_IWUSR) == 0) return rocksdb::IOStatus::OK();
    // File systems without modes say so; there the mount decides who may read.
    if (errno == EPERM || errno == ENOTSUP || errno == ENOSYS) return rocksdb::IOStatus::OK();
    return rocksdb::IOStatus::IOError(name + ": chmod", std::strerror(errno));
  }
};

}  // namespace

rocksdb::Env* private_files_env() {
  static const auto* const env = new std::unique_ptr<rocksdb::Env>(
      rocksdb::NewCompositeEnv(with_current_last(std::make_shared<PrivateFiles>())));
  return env->get();
}

bool is_options_file(std::string_view name) noexcept {
  return name.starts_with("OPTIONS-");
}

bool is_options_warning(std::string_view format) noexcept {
  return format.find("persist options --") != std::string_view::npos;
}

}  // namespace caveat::detail
