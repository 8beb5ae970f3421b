#include "adapters/rocksdb/warning_log.h"

#include <mutex>
#include <utility>

namespace caveat::detail {
namespace {

constexpr std::size_t kLogBytesMax = std::size_t{1} << 20;

class WarningLog final : public rocksdb::Logger {
 public:
  explicit WarningLog(std::filesystem::path directory)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), directory_(std::move(directory)) {}
  ~WarningLog() override {
    if (file_) file_->Close().PermitUncheckedError();
  }

  void LogHeader(const char*, va_list) override {}
  void Logv(const char*, va_list) override {}
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list values) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
      return;
    }
    const std::lock_guard lock(mutex_);
    if (!tried_) open();
    if (file_ && file_->GetLogFileSize() < kLogBytesMax) file_->Logv(level, format, values);
  }
  void Flush() override {
    const std::lock_guard lock(mutex_);
    if (file_) file_->Flush();
  }

 private:
  void open() {
    tried_ = true;
    rocksdb::Env* const env = rocksdb::Env::Default();
    const std::string name = (directory_ / "LOG").string();
    env->RenameFile(name, name + ".old").PermitUncheckedError();
    env->NewLogger(name, &file_).PermitUncheckedError();
  }

  std::filesystem::path directory_;
  std::mutex mutex_;
  bool tried_ = false;
  std::shared_ptr<rocksdb::Logger> file_;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_warning_log(const std::filesystem::path& directory) {
  return std::make_shared<WarningLog>(directory);
}

}  // namespace caveat::detail
