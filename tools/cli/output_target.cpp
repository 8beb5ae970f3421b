#include "tools/cli/output_target.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

namespace caveat::cli {
namespace {

namespace fs = std::filesystem;
constexpr int kLinksMax = 40;  // as the kernel

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Links in there (/dev/stdout leads there) name what a process has open, not a place.
bool on_proc(const fs::path& path) {
  struct statfs found {};
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  return ::statfs(parent.c_str(), &found) == 0 && found.f_type == PROC_SUPER_MAGIC;
}

tl::unexpected<StorageError> failed(const std::string& path, int error) {
  return fail(ErrorCode::io_error, fmt::format("{}: {}", path, std::strerror(error)));
}

}  // namespace

Result<OutputTarget> find_output_target(const std::string& path) {
  OutputTarget target;
  target.path = path;
  struct stat status {};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) return failed(path, errno);
  if (exists) {
    for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
      struct stat open {};
      if (::fstat(descriptor, &open) != 0 || !same_file(open, status)) continue;
      target.descriptor = descriptor;
      target.in_place = true;
      return target;
    }
    target.in_place = !S_ISREG(status.st_mode);
    if (!target.in_place) target.there = status;
  }
  // Also a link to what is not there yet: it is made where the link points.
  fs::path place = path;
  for (int links = 0; !target.in_place; ++links) {
    char text[PATH_MAX];
    const auto size = ::readlink(place.c_str(), text, sizeof text);
    if (size < 0) break;
    if (links == kLinksMax) return failed(path, ELOOP);
    target.in_place = on_proc(place);
    if (!target.in_place) {
      place = place.parent_path() / std::string(text, static_cast<std::size_t>(size));
    }
  }
  if (!target.in_place) target.path = place.string();
  return target;
}

bool take_over_rights(int descriptor, const struct stat& from) {
  mode_t mode = from.st_mode & 07777U;
  if (::fchown(descriptor, from.st_uid, from.st_gid) != 0 &&
      ::fchown(descriptor, static_cast<uid_t>(-1), from.st_gid) != 0) {
    // Of another group now: that gets what everybody has.
    mode = (mode & ~static_cast<mode_t>(070)) | ((mode & 07U) << 3U);
  }
  return ::fchmod(descriptor, mode) == 0;
}

}  // namespace caveat::cli
