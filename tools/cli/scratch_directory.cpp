#include "tools/cli/scratch_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kPrefix = ".caveat-inspect-";
constexpr const char* kLockName = "in-use";
constexpr auto kStaleAge = std::chrono::minutes(10);  // a fresh one may not be locked yet

int lock_file(const fs::path& directory, int flags) {
  const int descriptor = ::open((directory / kLockName).c_str(), flags | O_RDWR | O_CLOEXEC, 0600);
  if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return -1;
  }
  return descriptor;
}

void remove_stale(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    const auto name = it->path().filename().string();
    if (name.compare(0, kPrefix.size(), kPrefix) != 0) continue;
    std::error_code ignored;
    const auto changed = fs::last_write_time(it->path(), ignored);
    if (ignored || fs::file_time_type::clock::now() - changed < kStaleAge) continue;
    const int lock = lock_file(it->path(), 0);
    if (lock < 0) continue;
    fs::remove_all(it->path(), ignored);
    ::close(lock);
  }
}

std::optional<fs::path> make_below(const fs::path& parent) {
  auto name = (parent / kPrefix).string() + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return std::nullopt;
  return fs::path(name);
}

}  // namespace

Result<ScratchDirectory> ScratchDirectory::make(const fs::path& store) {
  std::error_code error;
  auto absolute = fs::weakly_canonical(store, error);
  if (error) absolute = fs::absolute(store, error);
  const auto beside = absolute.parent_path();
  remove_stale(beside);
  auto path = make_below(beside);
  return path ? hold(std::move(path), store) : make_temporary(store);
}

Result<ScratchDirectory> ScratchDirectory::make_temporary(const fs::path& store) {
  std::error_code error;
  return hold(make_below(fs::temp_directory_path(error)), store);
}

Result<ScratchDirectory> ScratchDirectory::hold(std::optional<fs::path> path,
                                                const fs::path& store) {
  if (!path) {
    return fail(ErrorCode::io_error, fmt::format("no directory for a temporary copy of {}: {}",
                                                 store.string(), std::strerror(errno)));
  }
  remove_on_signal(*path);
  const int lock = lock_file(*path, O_CREAT);
  return ScratchDirectory(*std::move(path), lock);
}

ScratchDirectory::ScratchDirectory(ScratchDirectory&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::exchange(other.lock_, -1)) {}

ScratchDirectory::~ScratchDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  remove_on_signal({});
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace caveat::cli
