#include "engine/maintenance/metrics_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace caveat {

namespace {

tl::unexpected<StorageError> failed(const std::filesystem::path& path, const char* what,
                                    int error) {
  const bool full = error == ENOSPC || error == EDQUOT;
  return fail(full ? ErrorCode::no_space : ErrorCode::io_error,
              path.string() + ": " + what + ": " + std::strerror(error));
}

// 0, or errno.
int fill(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t done = ::write(fd, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return done < 0 ? errno : ENOSPC;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  return 0;
}

// Of a file that its owner prepared for a reader of another group. No right is given to others
// than had it.
void keep_rights(int fd, const struct stat& from) {
  const bool group = ::fchown(fd, static_cast<uid_t>(-1), from.st_gid) == 0;
  static_cast<void>(::fchmod(fd, from.st_mode & (group ? 0666U : 0606U)));
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path path) : path_(std::move(path)), draft_(path_) {
  draft_ += ".draft";
}

Result<void> MetricsFile::write(std::string_view text) const {
  struct stat there {};
  const bool replaces = ::lstat(path_.c_str(), &there) == 0 && S_ISREG(there.st_mode);
  ::unlink(draft_.c_str());  // of a process that was killed
  const int fd = ::open(draft_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return failed(draft_, "create", errno);
  if (replaces) keep_rights(fd, there);
  int error = fill(fd, text);
  if (::close(fd) != 0 && error == 0) error = errno;
  const char* what = "write";
  if (error == 0 && ::rename(draft_.c_str(), path_.c_str()) != 0) {
    error = errno;
    what = "rename";
  }
  if (error == 0) return {};
  ::unlink(draft_.c_str());
  return failed(std::strcmp(what, "write") == 0 ? draft_ : path_, what, error);
}

void MetricsFile::remove() const noexcept {
  ::unlink(path_.c_str());
  ::unlink(draft_.c_str());
}

}  // namespace caveat
