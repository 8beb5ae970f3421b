// Making a store of a backup: beside its place, checked, and put there in one step.
#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>   // renameat2
#include <stdlib.h>  // mkdtemp
#include <sys/stat.h>

#include <cerrno>

#include "adapters/rocksdb/backup_files.h"
#include "adapters/rocksdb/discard.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat {
namespace {

namespace fs = std::filesystem;
using namespace detail;

// Beside the target, on its file system; removed unless it was put in place.
class Beside {
 public:
  static Result<Beside> make(const fs::path& target) {
    std::string name = target.string() + ".restore-XXXXXX";
    const fs::path parent = target.parent_path();
    std::error_code error;
    fs::create_directories(parent, error);
    if (error) return file_error(parent, "create directory", error.value());
    if (::mkdtemp(name.data()) == nullptr) return file_error(name, "create directory", errno);
    return Beside(name);
  }
  Beside(Beside&& other) noexcept : path_(std::exchange(other.path_, {})), kept_(other.kept_) {}
  Beside& operator=(Beside&&) = delete;
  ~Beside() {
    if (!path_.empty() && !kept_) discard(path_);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }
  void in_place() noexcept { path_.clear(); }
  // Whether it stays, whatever is in it then.
  void keep(bool kept) noexcept { kept_ = kept; }

 private:
  explicit Beside(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
  bool kept_ = false;
};

// Where the store is to be: a link to a directory stays one.
fs::path place_of(const fs::path& target) {
  std::error_code error;
  fs::path real = fs::canonical(target, error);
  if (!error) return real;
  fs::path path = fs::absolute(target, error).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // of "store/"
  return path;
}

// Exchanges the two, so that there is no moment without a store; where the file system cannot,
// in two steps.
Result<void> exchange(const fs::path& made, const fs::path& target) {
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0)
    return {};
  if (errno != EINVAL && errno != ENOSYS) return file_error(target, "exchange", errno);
  fs::path old = made;
  old += ".old";
  if (::rename(target.c_str(), old.c_str()) != 0) return file_error(target, "rename", errno);
  if (::rename(made.c_str(), target.c_str()) != 0) {
    const int error = errno;
    static_cast<void>(::rename(old.c_str(), target.c_str()));
    return file_error(target, "rename", error);
  }
  if (::rename(old.c_str(), made.c_str()) != 0) return file_error(old, "rename", errno);
  return {};
}

// Puts it where the store is; what is removed afterwards is that one. Until the names are known to
// be on the device none of the two is: a loss of power may bring back either.
Result<void> take_the_place(Beside& made, const fs::path& target) {
  CAVEAT_TRY(exchange(made.path(), target));
  made.keep(true);
  auto synced = sync_directory(target.parent_path());
  if (synced) {
    made.keep(false);
    return {};
  }
  const bool back = exchange(made.path(), target).has_value();
  if (back && sync_directory(target.parent_path())) {
    made.keep(false);
    return synced;
  }
  return fail(
      synced.error().code(),
      fmt::format("{}; {} is kept at {}", synced.error().message(),
                  back ? "what was restored" : "the store that was there", made.path().string()));
}

Result<void> copy_contents(const BackupDirectory& directory, const BackupManifest& manifest,
                           const fs::path& to, ProgressSink* sink) {
  CopyProgress progress(sink, "restore", manifest.bytes());
  for (const BackupFile& file : manifest.files) {
    const auto hash =
        copy_file_hashed(directory.content(file), file.size, to / file.name, progress);
    const std::string what = fmt::format("backup {}, {}", manifest.id, file.name);
    if (!hash && hash.error().code() == ErrorCode::not_found) {
      return fail(ErrorCode::corruption,
                  fmt::format("{}: {} is missing", what, directory.content(file).string()));
    }
    if (!hash) return fail(hash.error().within(what));
    if (*hash != file.hash) {
      return fail(ErrorCode::corruption,
                  fmt::format("{}: the contents of {} are not what was backed up", what,
                              directory.content(file).string()));
    }
  }
  return sync_directory(to);
}

}  // namespace

Result<BackupInfo> restore_backup(const fs::path& backups, std::optional<std::uint64_t> id,
                                  const fs::path& given, const RestoreOptions& options) {
  CAVEAT_ASSIGN(const auto directory, BackupDirectory::open(backups, BackupDirectory::Use::read));
  CAVEAT_ASSIGN(const BackupManifest manifest, directory.find(id));
  CAVEAT_TRY(check_apart(given, backups));
  const fs::path target = place_of(given);
  auto state = inspect_directory(target);
  // A store whose marker is damaged or of a newer version is one all the same.
  std::error_code error;
  const bool store =
      state ? *state == DirectoryState::marked : fs::is_regular_file(target / kMarkerFile, error);
  if (!state && !store) return fail(state.error());
  if (store && !options.replace) {
    return fail(ErrorCode::already_exists,
                given.string() + " holds a store already; a restore takes its place only if asked");
  }
  DirectoryLock lock;  // nobody opens it while it is replaced
  if (store) {
    CAVEAT_ASSIGN(lock, DirectoryLock::acquire(target));
  }

  CAVEAT_ASSIGN(Beside made, Beside::make(target));
  CAVEAT_TRY(copy_contents(directory, manifest, made.path(), options.progress));
  CAVEAT_TRY(check_opens(made.path(), fmt::format("backup {}", manifest.id)));
  if (store) {
    CAVEAT_TRY(take_the_place(made, target));
  } else {
    // An empty directory gives way.
    if (state && *state == DirectoryState::empty) {
      for (const auto name : {kLockFile, kMarkerDraft}) {
        fs::remove(target / name, error);
      }
    }
    if (::rename(made.path().c_str(), target.c_str()) != 0) {
      return file_error(target, "rename", errno);
    }
    made.in_place();
    CAVEAT_TRY(sync_directory(target.parent_path()));
  }
  return manifest.info();
}

}  // namespace caveat
