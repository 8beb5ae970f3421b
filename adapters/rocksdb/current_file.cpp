#include "adapters/rocksdb/current_file.h"

#include <filesystem>
#include <string>
#include <utility>

namespace caveat::detail {
namespace {

class CurrentLast final : public rocksdb::FileSystemWrapper {
 public:
  using FileSystemWrapper::FileSystemWrapper;
  const char* Name() const override { return "caveat.CurrentLast"; }

  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override {
    const std::filesystem::path path(to);
    if (path.filename() == "CURRENT") {
      std::unique_ptr<rocksdb::FSDirectory> directory;
      auto status = target()->NewDirectory(path.parent_path().string(), options, &directory, debug);
      if (status.ok()) status = directory->Fsync(options, debug);
      if (!status.ok()) return status;
    }
    return FileSystemWrapper::RenameFile(from, to, options, debug);
  }
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_current_last(
    const std::shared_ptr<rocksdb::FileSystem>& files) {
  return std::make_shared<CurrentLast>(files);
}

std::shared_ptr<rocksdb::Env> with_current_last(const std::shared_ptr<rocksdb::Env>& env) {
  if (!env) return nullptr;
  std::shared_ptr<rocksdb::Env> made =
      rocksdb::NewCompositeEnv(with_current_last(env->GetFileSystem()));
  rocksdb::Env* const raw = made.get();
  return {raw, [made = std::move(made), env](rocksdb::Env*) mutable { made.reset(); }};
}

}  // namespace caveat::detail
