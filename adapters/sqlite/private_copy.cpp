#include "adapters/sqlite/private_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "adapters/rocksdb/discard.h"
#include "adapters/rocksdb/live_checkpoint.h"

namespace caveat::sqlite {
namespace {

namespace fs = std::filesystem;
// The `caveat` command makes directories like these, and removes those that nobody holds the lock
// of.
constexpr std::string_view kPattern = ".caveat-inspect-XXXXXX";
constexpr const char* kLockName = "in-use";

}  // namespace

Result<PrivateCopy> PrivateCopy::make(const fs::path& store) {
  std::error_code error;
  if (!fs::exists(store, error)) {
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such store", store.string()));
  }
  auto made = make_below(store.parent_path(), store);
  const bool elsewhere = !made && (made.error().code() == ErrorCode::io_error ||
                                   made.error().code() == ErrorCode::no_space);
  if (!elsewhere) return made;
  return make_below(fs::temp_directory_path(error), store);
}

Result<PrivateCopy> PrivateCopy::make_below(const fs::path& parent, const fs::path& store) {
  auto name = (parent / kPattern).string();
  if (::mkdtemp(name.data()) == nullptr) {
    const auto code = errno == ENOSPC ? ErrorCode::no_space : ErrorCode::io_error;
    return fail(code, fmt::format("no directory for a temporary copy of {}: {}", store.string(),
                                  std::strerror(errno)));
  }
  const auto lock_name = name + "/" + kLockName;
  const int lock = ::open(lock_name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (lock >= 0) static_cast<void>(::flock(lock, LOCK_EX | LOCK_NB));
  PrivateCopy made(name, lock);
  CAVEAT_ASSIGN(made.copy_, checkpoint_of_live_store(store, name));
  return made;
}

PrivateCopy::PrivateCopy(PrivateCopy&& other) noexcept
    : directory_(std::exchange(other.directory_, {})),
      copy_(std::move(other.copy_)),
      lock_(std::exchange(other.lock_, -1)) {}

PrivateCopy::~PrivateCopy() {
  if (directory_.empty()) return;
  detail::discard(directory_);
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace caveat::sqlite
