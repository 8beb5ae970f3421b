#include "adapters/rocksdb/warning_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <string>
#include <utility>

#include "adapters/rocksdb/private_files.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kLogBytesMax = std::size_t{1} << 20;
constexpr std::size_t kLineBytesMax = 2000;

// RocksDB's own file logger is not used: with assertions on, as Debian builds it, a line after one
// that found the disk full aborts the process. Here a line that cannot be written is lost.
class WarningLog final : public rocksdb::Logger {
 public:
  explicit WarningLog(std::filesystem::path directory)
      : Logger(rocksdb::InfoLogLevel::WARN_LEVEL), directory_(std::move(directory)) {}
  ~WarningLog() override {
    if (fd_ >= 0) ::close(fd_);
  }

  void LogHeader(const char*, va_list) override {}
  void Logv(const char*, va_list) override {}
  void Logv(const rocksdb::InfoLogLevel level, const char* format, va_list values) override {
    if (level < rocksdb::InfoLogLevel::WARN_LEVEL || level >= rocksdb::InfoLogLevel::HEADER_LEVEL) {
      return;
    }
    if (is_options_warning(format)) return;
    char line[kLineBytesMax];
    const std::size_t head = put_time(line, sizeof line);
    const int text = std::vsnprintf(line + head, sizeof line - head - 1, format, values);
    if (text < 0) return;
    std::size_t size = head + std::min(static_cast<std::size_t>(text), sizeof line - head - 2);
    if (line[size - 1] != '\n') line[size++] = '\n';

    const std::lock_guard lock(mutex_);
    if (!tried_) open();
    if (fd_ < 0 || written_ >= kLogBytesMax) return;
    const ssize_t done = ::write(fd_, line, size);
    if (done > 0) written_ += static_cast<std::size_t>(done);
  }

 private:
  // "2024-05-06 07:08:09 ", in UTC.
  static std::size_t put_time(char* to, std::size_t room) {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    return std::strftime(to, room, "%Y-%m-%d %H:%M:%S ", &parts);
  }

  void open() {
    tried_ = true;
    const std::string name = (directory_ / "LOG").string();
    std::rename(name.c_str(), (name + ".old").c_str());
    fd_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  }

  std::filesystem::path directory_;
  std::mutex mutex_;
  bool tried_ = false;
  int fd_ = -1;
  std::size_t written_ = 0;
};

}  // namespace

std::shared_ptr<rocksdb::Logger> make_warning_log(const std::filesystem::path& directory) {
  return std::make_shared<WarningLog>(directory);
}

}  // namespace caveat::detail
