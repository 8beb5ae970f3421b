#include "tools/cli/unfinished_store.h"

#include <stdlib.h>    // mkdtemp
#include <sys/stat.h>  // stat

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "adapters/rocksdb/discard.h"
#include "adapters/rocksdb/store_directory.h"
#include "tools/cli/dangling_link.h"

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;
using detail::DirectoryState;

tl::unexpected<StorageError> system_error(const fs::path& path, int error) {
  const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::no_space : ErrorCode::io_error;
  return fail(code, path.string() + ": " + std::strerror(error));
}

Result<DirectoryState> check_free(const fs::path& target) {
  CAVEAT_ASSIGN(const DirectoryState state, detail::inspect_directory(target));
  if (state != DirectoryState::marked) return state;
  return fail(ErrorCode::already_exists, "there is a caveat store at " + target.string());
}

// On another file system than the directory that it is in?
bool is_mounted(const fs::path& place) {
  struct stat here {};
  struct stat around {};
  return ::stat(place.c_str(), &here) == 0 && ::stat(place.parent_path().c_str(), &around) == 0 &&
         here.st_dev != around.st_dev;
}

}  // namespace

Result<UnfinishedStore> UnfinishedStore::beside(const std::string& target) {
  if (auto dangling = dangling_link(target)) return fail(std::move(*dangling));
  CAVEAT_TRY(check_free(target));
  std::error_code error;
  fs::path place = fs::weakly_canonical(fs::absolute(target), error);
  if (error) return system_error(target, error.value());
  if (!place.has_filename()) place = place.parent_path();  // of "new/"
  fs::create_directories(place.parent_path(), error);
  if (error) return system_error(place.parent_path(), error.value());
  if (is_mounted(place)) {
    return fail(ErrorCode::invalid_argument,
                place.string() +
                    " is where something is mounted, and cannot give way to a new "
                    "directory: name one in it that is not there yet");
  }
  std::string name = place.string() + ".unfinished-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return system_error(name, errno);
  return UnfinishedStore(std::move(name), std::move(place));
}

UnfinishedStore::UnfinishedStore(UnfinishedStore&& other) noexcept
    : path_(std::exchange(other.path_, {})), target_(std::move(other.target_)) {}

UnfinishedStore::~UnfinishedStore() {
  if (!path_.empty()) detail::discard(path_);
}

Result<void> UnfinishedStore::put_in_place() {
  auto placed = take_the_place();
  if (placed) return placed;
  const std::string kept = std::exchange(path_, {});
  return fail(placed.error().code(), placed.error().message() + ". The new store is whole, at " +
                                         (kept.empty() ? target_.string() : kept));
}

Result<void> UnfinishedStore::take_the_place() {
  CAVEAT_ASSIGN(const DirectoryState state, check_free(target_));
  std::error_code ignored;
  if (state == DirectoryState::empty) {  // it gives way
    for (const auto name : {detail::kLockFile, detail::kMarkerDraft}) {
      fs::remove(target_ / name, ignored);
    }
  }
  if (::rename(path_.c_str(), target_.c_str()) != 0) return system_error(target_, errno);
  path_.clear();
  return detail::sync_directory(target_.parent_path());
}

}  // namespace caveat::cli
