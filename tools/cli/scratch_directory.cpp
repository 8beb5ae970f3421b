#include "tools/cli/scratch_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = ".caveat-inspect-";
constexpr const char* kLockName = "in-use";
constexpr int kAttemptsMax = 10;
// Of a directory without a lock file: it is about to get one, or its removal was cut short.
constexpr auto kUnlockedAge = std::chrono::minutes(10);

bool is_ours(const fs::path& directory) {
  struct stat status {};
  return ::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid();
}

bool is_old(const fs::path& directory) {
  std::error_code error;
  const auto changed = fs::last_write_time(directory, error);
  return !error && fs::file_time_type::clock::now() - changed > kUnlockedAge;
}

void remove_if_left(const fs::path& directory) {
  if (!is_ours(directory)) return;
  std::error_code ignored;
  const auto name = directory / kLockName;
  const int lock = ::open(name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
  if (lock < 0) {
    if (errno == ENOENT && is_old(directory)) fs::remove_all(directory, ignored);
    return;
  }
  // The kernel gives back the lock of a process that is gone, however it went.
  if (::flock(lock, LOCK_EX | LOCK_NB) == 0) fs::remove_all(directory, ignored);
  ::close(lock);
}

void remove_left_below(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (name.compare(0, kPrefix.size(), kPrefix) == 0) remove_if_left(it->path());
  }
}

// The lock of a directory that was just made: -1 and EAGAIN where a sweep came in between.
int lock_new(const fs::path& directory) {
  const auto name = directory / kLockName;
  const int lock = ::open(name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock < 0) return -1;
  const bool taken = ::flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  // A file system without locks has none for a sweep either.
  struct stat status {};
  if (!taken && ::fstat(lock, &status) == 0 && status.st_nlink > 0) return lock;
  ::close(lock);
  errno = EAGAIN;
  return -1;
}

tl::unexpected<StorageError> no_directory(const fs::path& store) {
  const auto code = errno == ENOSPC ? ErrorCode::no_space : ErrorCode::io_error;
  return fail(code, fmt::format("no directory for a temporary copy of {}: {}", store.string(),
                                std::strerror(errno)));
}

}  // namespace

Result<ScratchDirectory> ScratchDirectory::make(const fs::path& store) {
  std::error_code error;
  auto absolute = fs::weakly_canonical(store, error);
  if (error) absolute = fs::absolute(store, error);
  const auto beside = absolute.parent_path();
  remove_left_below(beside);
  remove_left_below(fs::temp_directory_path(error));
  auto made = make_below(beside, store);
  if (made || made.error().code() == ErrorCode::no_space) return made;
  return make_temporary(store);
}

Result<ScratchDirectory> ScratchDirectory::make_temporary(const fs::path& store) {
  std::error_code error;
  return make_below(fs::temp_directory_path(error), store);
}

Result<ScratchDirectory> ScratchDirectory::make_below(const fs::path& parent,
                                                      const fs::path& store) {
  for (int attempt = 1;; ++attempt) {
    auto name = (parent / kPrefix).string() + "XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return no_directory(store);
    remove_on_signal(name);
    const int lock = lock_new(name);
    if (lock >= 0) return ScratchDirectory(name, lock);
    const bool swept = errno == EAGAIN || errno == ENOENT;
    const auto failed = no_directory(store);
    std::error_code ignored;
    fs::remove_all(name, ignored);
    keep_on_signal(name);
    if (!swept || attempt == kAttemptsMax) return failed;
  }
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

ScratchDirectory::~ScratchDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  keep_on_signal(path_);
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace caveat::cli
