#include "adapters/rocksdb/backup_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>
#include <utility>

#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBackupMarker = "CAVEAT-BACKUPS";
constexpr std::string_view kBackupMarkerText = "caveat backups\nformat 1\n";
constexpr std::string_view kMarkerWord = "caveat backups\n";
constexpr const char* kContents = "files";
constexpr const char* kManifestExtension = ".backup";
constexpr const char* kDraftExtension = ".draft";

Result<std::vector<std::string>> names_in(const fs::path& path) {
  std::vector<std::string> names;
  const auto error = for_each_name(path, [&](std::string_view name) {
    names.emplace_back(name);
    return true;
  });
  if (error) return file_error(path, "list", error.value());
  return names;
}

// A file that is whole, and on the device with its name, or not there.
Result<void> put_file(const fs::path& file, std::string_view text) {
  fs::path draft = file;
  draft += kDraftExtension;
  CopyProgress quiet(nullptr, "", 0);
  CAVEAT_TRY(write_file_hashed(text, draft, quiet));
  if (::rename(draft.c_str(), file.c_str()) != 0) return file_error(file, "rename", errno);
  return sync_directory(file.parent_path());
}

// Is it a directory of backups? False: nothing is there yet.
Result<bool> check_backup_marker(const fs::path& path) {
  const fs::path marker = path / kBackupMarker;
  const auto text = read_file(marker);
  if (text && *text == kBackupMarkerText) return true;
  if (text && text->starts_with(kMarkerWord)) {
    return fail(ErrorCode::unsupported_format,
                marker.string() + " is of a newer version of caveat");
  }
  if (text) return fail(ErrorCode::corruption, marker.string() + ": is no marker of backups");
  if (text.error().code() != ErrorCode::not_found) return fail(text.error());
  std::error_code error;
  if (!fs::exists(path, error)) return false;
  CAVEAT_ASSIGN(const auto names, names_in(path));
  for (const std::string& name : names) {
    // What an interrupted creation leaves.
    if (name == kLockFile || name == kContents ||
        name == std::string(kBackupMarker) + kDraftExtension) {
      continue;
    }
    return fail(ErrorCode::unsupported_format,
                path.string() + " holds no backups of caveat, but \"" + name + "\"");
  }
  return false;
}

// -1 where nobody can lock anything: a medium that can only be read.
Result<int> take_lock(const fs::path& path, bool must) {
  const fs::path name = path / kLockFile;
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 && !must && (errno == EROFS || errno == EACCES)) return -1;
  if (fd < 0) return file_error(name, "open", errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  const int error = errno;
  ::close(fd);
  if (error != EWOULDBLOCK) return file_error(name, "lock", error);
  return fail(ErrorCode::locked, path.string() + ": another process works on these backups");
}

Result<void> make_backup_directory(const fs::path& path) {
  CAVEAT_TRY(make_directory(path));
  CAVEAT_TRY(make_directory(path / kContents));
  return {};
}

}  // namespace

Result<BackupDirectory> BackupDirectory::open(const fs::path& path, Use use) {
  CAVEAT_ASSIGN(bool marked, check_backup_marker(path));
  if (!marked && use != Use::make) {
    return fail(ErrorCode::not_found, "there are no backups of caveat at " + path.string());
  }
  if (use == Use::look) return BackupDirectory(path, -1);
  if (use == Use::make) CAVEAT_TRY(make_backup_directory(path));
  CAVEAT_ASSIGN(const int lock, take_lock(path, use != Use::read));
  BackupDirectory directory(path, lock);
  // Again, now that nobody else can be making it.
  CAVEAT_ASSIGN(marked, check_backup_marker(path));
  if (!marked) CAVEAT_TRY(put_file(path / kBackupMarker, kBackupMarkerText));
  if (use != Use::read) {
    for (const fs::path& folder : {path, path / kContents}) {
      CAVEAT_ASSIGN(const auto names, names_in(folder));
      for (const std::string& name : names) {
        if (name.ends_with(kDraftExtension)) ::unlink((folder / name).c_str());
      }
    }
  }
  return directory;
}

BackupDirectory::BackupDirectory(BackupDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

BackupDirectory::~BackupDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path BackupDirectory::manifest_path(std::uint64_t id) const {
  return path_ / (fmt::format("{:06}", id) + kManifestExtension);
}

Result<std::vector<std::uint64_t>> BackupDirectory::ids() const {
  CAVEAT_ASSIGN(const auto names, names_in(path_));
  std::vector<std::uint64_t> found;
  for (const std::string& name : names) {
    if (!name.ends_with(kManifestExtension)) continue;
    std::uint64_t id = 0;
    std::from_chars(name.data(), name.data() + name.size(), id);
    if (id != 0 && manifest_path(id).filename() == name) found.push_back(id);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<BackupManifest> BackupDirectory::read(std::uint64_t id) const {
  const fs::path path = manifest_path(id);
  const auto bytes = read_file(path);
  if (!bytes && bytes.error().code() == ErrorCode::not_found) {
    return fail(ErrorCode::not_found,
                fmt::format("there is no backup {} in {}", id, path_.string()));
  }
  if (!bytes) return fail(bytes.error());
  auto manifest = BackupManifest::decode(*bytes);
  if (!manifest) return fail(manifest.error().within(path.string()));
  if (manifest->id != id) {
    return fail(ErrorCode::corruption,
                fmt::format("{}: is the manifest of backup {}", path.string(), manifest->id));
  }
  return manifest;
}

Result<BackupManifest> BackupDirectory::find(std::optional<std::uint64_t> id) const {
  if (id) return read(*id);
  CAVEAT_ASSIGN(const auto all, ids());
  if (all.empty()) return fail(ErrorCode::not_found, "there is no backup in " + path_.string());
  return read(all.back());
}

fs::path BackupDirectory::content(const BackupFile& file) const {
  return path_ / kContents / file.content_name();
}

bool BackupDirectory::has_content(const BackupFile& file) const {
  std::error_code error;
  return fs::file_size(content(file), error) == file.size && !error;
}

fs::path BackupDirectory::draft() const {
  return path_ / kContents / (std::string("content") + kDraftExtension);
}

// What is there already may be damaged by now; the draft was read from the store a moment ago.
Result<bool> BackupDirectory::keep_draft(const BackupFile& file) const {
  const bool fresh = !has_content(file);
  const fs::path to = content(file);
  if (::rename(draft().c_str(), to.c_str()) != 0) return file_error(to, "rename", errno);
  return fresh;
}

Result<void> BackupDirectory::write(BackupManifest& manifest) const {
  CAVEAT_TRY(sync_directory(path_ / kContents));
  return put_file(manifest_path(manifest.id), manifest.encode());
}

Result<void> BackupDirectory::erase(std::uint64_t id) const {
  const fs::path path = manifest_path(id);
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) {
      return fail(ErrorCode::not_found,
                  fmt::format("there is no backup {} in {}", id, path_.string()));
    }
    return file_error(path, "remove", errno);
  }
  return sync_directory(path_);
}

Result<void> BackupDirectory::collect() const {
  CAVEAT_ASSIGN(const auto all, ids());
  std::set<std::string> needed;
  for (const std::uint64_t id : all) {
    CAVEAT_ASSIGN(const auto manifest, read(id));
    for (const BackupFile& file : manifest.files) needed.insert(file.content_name());
  }
  CAVEAT_ASSIGN(const auto names, names_in(path_ / kContents));
  for (const std::string& name : names) {
    if (needed.contains(name)) continue;
    const fs::path file = path_ / kContents / name;
    if (::unlink(file.c_str()) != 0) return file_error(file, "remove", errno);
  }
  return {};
}

}  // namespace caveat::detail
