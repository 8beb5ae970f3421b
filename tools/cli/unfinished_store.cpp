#include "tools/cli/unfinished_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // mkdtemp
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "adapters/rocksdb/directory_names.h"
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

constexpr std::string_view kInfix = ".unfinished-";
constexpr std::size_t kSuffixBytes = 6;  // as mkdtemp fills them
constexpr const char* kStore = "store";
constexpr const char* kMark = "caveat.unfinished";
constexpr const char* kMarkDraft = "caveat.unfinished.new";

std::string mark_text(const std::string& pid) {
  return "caveat repair\n" + pid + "\n";
}

struct Descriptor {
  explicit Descriptor(int opened) noexcept : number(opened) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  // The first bytes, more than any of ours has.
  [[nodiscard]] std::string text() const {
    std::string text(128, '\0');
    const ssize_t size = ::pread(number, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  // Nobody has it; from now on we do.
  [[nodiscard]] bool lock() const noexcept { return ::flock(number, LOCK_EX | LOCK_NB) == 0; }

  int number;
};

// Locked before it has its name: nobody finds it without.
Result<int> make_mark(const fs::path& made) {
  const fs::path draft = made / kMarkDraft;
  Descriptor mark(::open(draft.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (mark.number < 0) return system_error(draft, errno);
  const std::string text = mark_text(std::to_string(::getpid()));
  const ssize_t written = ::write(mark.number, text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size())) {
    return system_error(draft, written < 0 ? errno : ENOSPC);
  }
  if (!mark.lock()) return system_error(draft, errno);
  const fs::path name = made / kMark;
  if (::rename(draft.c_str(), name.c_str()) != 0) return system_error(name, errno);
  return std::exchange(mark.number, -1);
}

enum class Left : std::uint8_t { in_work, of_killed, not_known };

// Left by a process that was killed: its mark is there, nobody has that locked, and nobody else has
// had the store open since. Holds the locks until `remove` was called.
template <class Remove>
Left look_at(const fs::path& made, const Remove& remove) {
  struct stat found {};
  if (::lstat(made.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) ||
      found.st_uid != ::geteuid()) {
    return Left::not_known;
  }
  bool others = false;
  const auto listed = detail::for_each_name(made, [&](std::string_view name) {
    others = others || (name != kStore && name != kMark);
    return !others;
  });
  if (listed || others) return Left::not_known;
  const Descriptor mark(::open((made / kMark).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (mark.number < 0) return Left::not_known;
  if (!mark.lock()) return Left::in_work;
  const std::string text = mark.text();
  const fs::path lock_name = made / kStore / detail::kLockFile;
  const Descriptor lock(::open(lock_name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (lock.number < 0) {
    if (errno != ENOENT || !text.starts_with(mark_text(""))) return Left::not_known;
  }
  if (lock.number >= 0) {
    if (!lock.lock()) return Left::in_work;
    const std::string owner = lock.text();
    if (text != mark_text(owner.substr(0, owner.find('\n')))) return Left::not_known;
  }
  remove();
  return Left::of_killed;
}

// Of earlier work for the same place. Another name than ours is none of ours.
std::vector<std::string> remove_leftovers(const fs::path& place) {
  std::vector<std::string> names;
  const std::string begin = place.filename().string() + std::string(kInfix);
  const auto listed = detail::for_each_name(place.parent_path(), [&](std::string_view name) {
    if (name.starts_with(begin) && name.size() == begin.size() + kSuffixBytes) {
      names.emplace_back(name);
    }
    return true;
  });
  std::vector<std::string> notes;
  if (listed) return notes;
  for (const std::string& name : names) {
    const fs::path made = place.parent_path() / name;
    const Left left = look_at(made, [&] { detail::discard(made); });
    struct stat still {};
    const bool gone = ::lstat(made.c_str(), &still) != 0;
    if (left == Left::of_killed && gone) {
      notes.push_back(made.string() + ", which a killed repair had left, was removed");
    } else if (!gone) {
      notes.push_back(
          made.string() +
          (left == Left::in_work
               ? " is being made by another repair"
               : " was left by an earlier repair, and may be a whole store: look at it, and remove "
                 "it if it is not needed"));
    }
  }
  return notes;
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
  auto notes = remove_leftovers(place);
  std::string name = place.string() + std::string(kInfix) + std::string(kSuffixBytes, 'X');
  if (::mkdtemp(name.data()) == nullptr) return system_error(name, errno);
  UnfinishedStore store(std::move(name), std::move(place));
  store.notes_ = std::move(notes);
  CAVEAT_ASSIGN(store.mark_, make_mark(store.made_));
  if (::mkdir(store.path().c_str(), 0700) != 0) return system_error(store.path(), errno);
  return store;
}

UnfinishedStore::UnfinishedStore(UnfinishedStore&& other) noexcept
    : made_(std::exchange(other.made_, {})),
      target_(std::move(other.target_)),
      notes_(std::move(other.notes_)),
      mark_(std::exchange(other.mark_, -1)) {}

UnfinishedStore::~UnfinishedStore() {
  if (!made_.empty()) detail::discard(made_);
  if (mark_ >= 0) ::close(mark_);
}

Result<void> UnfinishedStore::put_in_place() {
  // It is whole now, and must not be taken for what a killed maker left.
  ::unlink((made_ / kMark).c_str());
  auto placed = take_the_place();
  if (placed) return placed;
  const std::string kept = made_.empty() ? target_.string() : path();
  made_.clear();
  return fail(placed.error().code(),
              placed.error().message() + ". The new store is whole, at " + kept);
}

Result<void> UnfinishedStore::take_the_place() {
  CAVEAT_ASSIGN(const DirectoryState state, check_free(target_));
  std::error_code ignored;
  if (state == DirectoryState::empty) {  // it gives way
    for (const auto name : {detail::kLockFile, detail::kMarkerDraft}) {
      fs::remove(target_ / name, ignored);
    }
  }
  if (::rename(path().c_str(), target_.c_str()) != 0) return system_error(target_, errno);
  ::rmdir(made_.c_str());
  made_.clear();
  return detail::sync_directory(target_.parent_path());
}

}  // namespace caveat::cli
