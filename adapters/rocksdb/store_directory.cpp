#include "adapters/rocksdb/store_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/private_files.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagicLine = "caveat store\n";
constexpr std::string_view kFormatWord = "format ";
constexpr std::string_view kLogsWord = "logs ";
constexpr std::string_view kBootWord = "boot ";
constexpr std::size_t kMarkerBytesMax = 256;
constexpr std::size_t kBootBytesMax = 64;
constexpr std::size_t kNumberBytesMax = 20;
static_assert(kNumberBytesMax + 1 + kLogsWord.size() + 2 * (kNumberBytesMax + 1) +
                  kBootWord.size() + kBootBytesMax + 1 + kManifestNoteMax <=
              kMarkerBytesMax);

// A file descriptor that closes itself.
class File {
 public:
  File(const fs::path& path, int flags, mode_t mode = 0)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool good() const noexcept { return fd_ >= 0; }
  int take() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

tl::unexpected<StorageError> system_error(const fs::path& path, const char* operation, int error) {
  const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::no_space : ErrorCode::io_error;
  return fail(code, path.string() + ": " + operation + ": " + std::strerror(error));
}

Result<std::string> read_small(const fs::path& path) {
  const File file(path, O_RDONLY);
  if (!file.good()) return system_error(path, "open", errno);
  std::string text(kMarkerBytesMax, '\0');
  const ssize_t size = ::pread(file.fd(), text.data(), text.size(), 0);
  if (size < 0) return system_error(path, "read", errno);
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<std::vector<std::string>> list(const fs::path& path) {
  std::vector<std::string> names;
  const auto error = for_each_name(path, [&](std::string_view name) {
    names.emplace_back(name);
    return true;
  });
  if (error) return system_error(path, "list", error.value());
  std::sort(names.begin(), names.end());
  return names;
}

// The second line, "logs 15 20", and the third, "boot 8f3c...".
OpenLogs parse_open_logs(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return {};
  text.remove_prefix(line + 1);
  if (!text.starts_with(kLogsWord)) return {};
  OpenLogs logs;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data() + kLogsWord.size(), end, logs.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return {};
  const auto newest = std::from_chars(first.ptr + 1, end, logs.newest);
  if (newest.ec != std::errc() || newest.ptr == end || *newest.ptr != '\n') return {};
  text.remove_prefix(static_cast<std::size_t>(newest.ptr + 1 - text.data()));
  if (text.starts_with(kBootWord) && text.find('\n') != std::string_view::npos) {
    logs.boot = text.substr(kBootWord.size(), text.find('\n') - kBootWord.size());
  }
  return logs;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::binary_search(names.begin(), names.end(), name);
}

Result<void> check_marker(const fs::path& path) {
  const fs::path marker = path / kMarkerFile;
  CAVEAT_ASSIGN(const std::string text, read_small(marker));
  std::string_view rest(text);
  if (!rest.starts_with(kMagicLine)) {
    return fail(ErrorCode::unsupported_format, marker.string() + " is not a caveat marker");
  }
  rest.remove_prefix(kMagicLine.size());
  unsigned format = 0;
  const char* const end = rest.data() + rest.size();
  if (rest.starts_with(kFormatWord)) {
    const auto number = std::from_chars(rest.data() + kFormatWord.size(), end, format);
    if (number.ec != std::errc() || number.ptr == end || *number.ptr != '\n') format = 0;
  }
  if (format == 0) {
    return fail(ErrorCode::corruption, marker.string() + ": no format number in its second line");
  }
  if (format > kStoreFormat) {
    return fail(ErrorCode::unsupported_format,
                path.string() + " has store format " + std::to_string(format) +
                    "; this version of caveat knows formats up to " + std::to_string(kStoreFormat));
  }
  return {};
}

}  // namespace

Result<DirectoryState> inspect_directory(const fs::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return DirectoryState::absent;
    return system_error(path, "stat", errno);
  }
  if (!S_ISDIR(info.st_mode)) {
    return fail(ErrorCode::unsupported_format, path.string() + " is not a directory");
  }
  CAVEAT_ASSIGN(const auto names, list(path));
  if (has(names, kMarkerFile)) {
    CAVEAT_TRY(check_marker(path));
    return DirectoryState::marked;
  }
  for (const std::string& name : names) {
    if (name == kLockFile || name == kMarkerDraft) continue;
    return fail(ErrorCode::unsupported_format, path.string() + " is no caveat store: it holds \"" +
                                                   name + "\" but no file CAVEAT");
  }
  return DirectoryState::empty;
}

fs::path shown_path(const fs::path& path) {
  std::ifstream in(path / kOriginFile);
  std::string origin;
  if (!std::getline(in, origin, '\0') || origin.empty()) return path;
  return origin;
}

Result<void> make_directory(const fs::path& path) {
  const fs::path parent = fs::absolute(path).lexically_normal().parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return system_error(parent, "create directory", error.value());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return system_error(path, "create directory", errno);
  }
  return sync_directory(parent);
}

Result<void> write_marker(const fs::path& path) {
  const fs::path draft = path / kMarkerDraft;
  const fs::path marker = path / kMarkerFile;
  {
    const File file(draft, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!file.good()) return system_error(draft, "create", errno);
    const std::string text =
        std::string(kMagicLine) + std::string(kFormatWord) + std::to_string(kStoreFormat) + "\n";
    const ssize_t written = ::write(file.fd(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
      return system_error(draft, "write", written < 0 ? errno : ENOSPC);
    }
    if (::fsync(file.fd()) != 0) return system_error(draft, "sync", errno);
  }
  if (::rename(draft.c_str(), marker.c_str()) != 0) return system_error(marker, "rename", errno);
  return sync_directory(path);
}

// RocksDB writes its first MANIFEST, then CURRENT, then the first log. Without CURRENT it would
// make a new, empty database over whatever is left of an old one, so that must never be asked.
Result<bool> holds_database(const fs::path& path) {
  CAVEAT_ASSIGN(const auto names, list(path));
  if (has(names, "CURRENT")) return true;
  for (const std::string& name : names) {
    const std::string extension = fs::path(name).extension().string();
    if (extension == ".sst" || extension == ".log") {
      return fail(ErrorCode::corruption,
                  (path / "CURRENT").string() +
                      " is missing from a store with data; nothing was changed: "
                      "put the file back, restore the store from a backup, or write what can be "
                      "read into a new one: caveat repair STORE NEW");
    }
  }
  return false;
}

std::string database_lock_owner(const fs::path& path) {
  const File file(path / "LOCK", O_RDWR);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (file.good() && ::fcntl(file.fd(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
    return "pid " + std::to_string(lock.l_pid);
  }
  return "another process";
}

void tidy_directory(const fs::path& path) noexcept {
  try {
    const auto names = list(path);
    if (!names) return;
    for (const std::string& name : *names) {
      std::error_code ignored;
      if (name.ends_with(".log") && fs::file_size(path / name, ignored) == 0 && !ignored) {
        fs::remove(path / name, ignored);
      }
      // Of a store that was written by an older caveat, or on a host's environment.
      if (is_options_file(name)) fs::remove(path / name, ignored);
    }
  } catch (...) {  // out of memory: they go another time
  }
}

Result<void> sync_directory(const fs::path& path) {
  const File directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.good() || ::fsync(directory.fd()) != 0) {
    return system_error(path, "sync directory", errno);
  }
  return {};
}

Result<void> remove_file(const fs::path& file) {
  if (::unlink(file.c_str()) != 0) return system_error(file, "remove", errno);
  return {};
}

Result<void> cut_file(const fs::path& file, std::uint64_t size) {
  const File cut(file, O_WRONLY);
  if (!cut.good() || ::ftruncate(cut.fd(), static_cast<off_t>(size)) != 0) {
    return system_error(file, "cut", errno);
  }
  if (::fsync(cut.fd()) != 0) return system_error(file, "sync", errno);
  return {};
}

std::uint64_t directory_bytes(const fs::path& path) noexcept {
  try {
    std::uint64_t total = 0;
    // Nothing is made of an error: files come and go meanwhile.
    static_cast<void>(for_each_name(path, [&](std::string_view name) {
      const fs::path file = path / name;
      struct stat found {};
      if (::lstat(file.c_str(), &found) != 0) return true;
      if (S_ISREG(found.st_mode)) total += static_cast<std::uint64_t>(found.st_size);
      if (S_ISDIR(found.st_mode)) total += directory_bytes(file);
      return true;
    }));
    return total;
  } catch (...) {
    return 0;
  }
}

Result<DirectoryLock> DirectoryLock::acquire(const fs::path& path) {
  fs::path name = path / kLockFile;
  File file(name, O_RDWR | O_CREAT, 0600);
  if (!file.good()) return system_error(name, "open", errno);
  if (::flock(file.fd(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(name, "lock", errno);
    std::string owner(32, '\0');
    const ssize_t size = ::pread(file.fd(), owner.data(), owner.size(), 0);
    owner.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    owner.resize(std::min(owner.size(), owner.find('\n')));
    // Empty: it has just begun.
    const bool ours = owner == std::to_string(::getpid());
    return fail(ErrorCode::locked,
                path.string() + (ours            ? " is open in this process, pid " + owner
                                 : owner.empty() ? " is open in another process"
                                                 : " is open in another process, pid " + owner));
  }
  std::string text(kMarkerBytesMax, '\0');
  const ssize_t size = ::pread(file.fd(), text.data(), text.size(), 0);
  // Taken for empty, it would be written over, and with it which logs must be there.
  if (size < 0) return system_error(name, "read", errno);
  text.resize(static_cast<std::size_t>(size));
  OpenLogs logs = parse_open_logs(text);
  auto mutex = std::make_unique<std::mutex>();
  // Nothing more is asked of memory from here on: the descriptor is nobody's for a moment.
  DirectoryLock lock;
  lock.fd_ = file.take();
  lock.logs_ = std::move(logs);
  lock.manifest_ = parse_note(text);
  lock.mutex_ = std::move(mutex);
  lock.path_ = std::move(name);
  CAVEAT_TRY(lock.write());
  return lock;
}

int DirectoryLock::write_text() noexcept {
  std::array<char, kMarkerBytesMax> text;
  char* end = fmt::format_to(text.data(), "{}\n", ::getpid());
  if (logs_.newest != 0 || !logs_.boot.empty()) {
    end = fmt::format_to(end, "{}{} {}\n", kLogsWord, logs_.first, logs_.newest);
    const std::string_view boot = std::string_view(logs_.boot).substr(0, kBootBytesMax);
    if (!boot.empty()) end = fmt::format_to(end, "{}{}\n", kBootWord, boot);
  }
  end = write_note(manifest_, end);
  const auto size = static_cast<std::size_t>(end - text.data());
  // The bytes, then the length: a crash between them leaves parts of old lines behind.
  const ssize_t written = ::pwrite(fd_, text.data(), size, 0);
  if (written < 0) return errno;
  if (written != static_cast<ssize_t>(size)) return ENOSPC;
  return ::ftruncate(fd_, static_cast<off_t>(size)) == 0 ? 0 : errno;
}

Result<void> DirectoryLock::write() {
  const int error = write_text();
  if (error != 0) return system_error(path_, "write", error);
  return {};
}

Result<void> DirectoryLock::set_logs(OpenLogs logs, bool sync) {
  const std::lock_guard lock(*mutex_);
  logs_ = std::move(logs);
  CAVEAT_TRY(write());
  if (sync && ::fdatasync(fd_) != 0) return system_error(path_, "sync", errno);
  return {};
}

ManifestNote DirectoryLock::manifest() const noexcept {
  const std::lock_guard lock(*mutex_);
  return manifest_;
}

void DirectoryLock::note_manifest(const ManifestNote& note) noexcept {
  const std::lock_guard lock(*mutex_);
  manifest_ = note;
  static_cast<void>(write_text());
}

Result<std::string> current_manifest(const fs::path& path) {
  const fs::path current = path / "CURRENT";
  const File file(current, O_RDONLY);
  if (!file.good()) {
    if (errno == ENOENT) return std::string();
    return system_error(current, "open", errno);
  }
  std::string name(kMarkerBytesMax, '\0');
  const ssize_t size = ::pread(file.fd(), name.data(), name.size(), 0);
  if (size < 0) return system_error(current, "read", errno);
  name.resize(static_cast<std::size_t>(size));
  name.resize(std::min(name.size(), name.find('\n')));
  return name.starts_with("MANIFEST-") ? name : std::string();
}

const std::string& this_boot() {
  static const std::string boot = [] {
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string line;
    std::getline(in, line);
    return line.size() <= kBootBytesMax ? line : std::string();
  }();
  return boot;
}

bool OpenLogs::power_lost() const {
  return !boot.empty() && boot != this_boot();
}

OpenLogs open_logs_of(const fs::path& path) {
  const auto text = read_small(path / kLockFile);
  return text ? parse_open_logs(*text) : OpenLogs{};
}

ManifestNote manifest_note_of(const fs::path& path) {
  const auto text = read_small(path / kLockFile);
  return text ? parse_note(*text) : ManifestNote{};
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      logs_(std::move(other.logs_)),
      manifest_(other.manifest_),
      mutex_(std::move(other.mutex_)),
      path_(std::move(other.path_)) {}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::exchange(other.fd_, -1);
    logs_ = std::move(other.logs_);
    manifest_ = other.manifest_;
    mutex_ = std::move(other.mutex_);
    path_ = std::move(other.path_);
  }
  return *this;
}

void DirectoryLock::release() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace caveat::detail
