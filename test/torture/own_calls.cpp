// libc's functions by which the store itself, and not RocksDB, uses its directory: in this
// executable these come before libc's own, and ask whether they are to fail. What RocksDB does was
// asked about by its file system.
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "test/torture/io_faults.h"
#include "test/torture/power_loss_file_system.h"
#include "test/torture/tree_disk.h"

namespace {

using caveat::test::IoFaults;
using caveat::test::IoKind;
using caveat::test::TreeEvent;
using caveat::test::TreeWatch;

template <class Place>
bool fails(IoKind kind, Place place) {
  if (!IoFaults::instance().armed() || IoFaults::Passing::here()) return false;
  const IoFaults::Passing asking;  // which reads a link
  if (!IoFaults::instance().strikes(kind, place)) return false;
  errno = IoFaults::instance().error();
  return true;
}

template <class Function>
Function* libc(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

int open_file(const char* path, int flags, va_list rest) {
  const bool makes = (flags & (O_CREAT | O_TMPFILE)) != 0;
  const mode_t mode = makes ? va_arg(rest, mode_t) : 0;
  if (fails(IoKind::open, path)) return -1;
  const auto made = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  if (made >= 0 && (flags & O_ACCMODE) != O_RDONLY && TreeWatch::watching()) {
    TreeWatch::note(TreeEvent::Kind::open, path, nullptr, (flags & O_TRUNC) != 0 ? 1 : 0);
  }
  return made;
}

// What succeeded is noted.
int noted(long result, TreeEvent::Kind kind, const char* path, const char* other = nullptr) {
  if (result == 0 && TreeWatch::watching()) TreeWatch::note(kind, path, other);
  return static_cast<int>(result);
}

}  // namespace

// NOLINTBEGIN: the names, types and variadic arguments are libc's.
extern "C" {

int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const int made = open_file(path, flags, rest);
  va_end(rest);
  return made;
}
ssize_t read(int descriptor, void* to, size_t size) {
  if (fails(IoKind::read, descriptor)) return -1;
  return ::syscall(SYS_read, descriptor, to, size);
}
ssize_t pread(int descriptor, void* to, size_t size, off_t at) {
  if (fails(IoKind::read, descriptor)) return -1;
  return ::syscall(SYS_pread64, descriptor, to, size, at);
}
ssize_t write(int descriptor, const void* from, size_t size) {
  if (fails(IoKind::write, descriptor)) return -1;
  const ssize_t done = ::syscall(SYS_write, descriptor, from, size);
  if (done > 0 && TreeWatch::watching()) {
    TreeWatch::note(TreeEvent::Kind::write, descriptor,
                    {static_cast<const char*>(from), static_cast<size_t>(done)});
  }
  return done;
}
ssize_t pwrite(int descriptor, const void* from, size_t size, off_t at) {
  if (fails(IoKind::write, descriptor)) return -1;
  return ::syscall(SYS_pwrite64, descriptor, from, size, at);
}
int ftruncate(int descriptor, off_t size) noexcept {
  if (fails(IoKind::write, descriptor)) return -1;
  return static_cast<int>(::syscall(SYS_ftruncate, descriptor, size));
}
int fsync(int descriptor) {
  if (fails(IoKind::sync, descriptor)) return -1;
  if (TreeWatch::watching()) {
    TreeWatch::note(TreeEvent::Kind::sync, descriptor);
    return 0;
  }
  if (IoFaults::instance().skips_syncs()) return 0;
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
// What a power loss test watches need not reach the device.
int fdatasync(int descriptor) {
  if (fails(IoKind::sync, descriptor)) return -1;
  if (IoFaults::instance().skips_syncs()) return 0;
  if (caveat::test::PowerLossFileSystem::watches_sync(descriptor)) return 0;
  return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}
int rename(const char* from, const char* to) noexcept {
  if (fails(IoKind::rename, from)) return -1;
  caveat::test::PowerLossFileSystem::watches_rename(from);
  return noted(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0U), TreeEvent::Kind::rename,
               from, to);
}
int renameat2(int from_directory, const char* from, int to_directory, const char* to,
              unsigned flags) noexcept {
  if (fails(IoKind::rename, from)) return -1;
  return noted(::syscall(SYS_renameat2, from_directory, from, to_directory, to, flags),
               TreeEvent::Kind::exchange, from, to);
}
char* mkdtemp(char* path) noexcept {
  static auto* const real = libc<char*(char*)>("mkdtemp");
  char* const made = real(path);
  if (made != nullptr) noted(0, TreeEvent::Kind::make_directory, made);
  return made;
}
int unlink(const char* path) noexcept {
  if (fails(IoKind::remove, path)) return -1;
  return noted(::syscall(SYS_unlinkat, AT_FDCWD, path, 0), TreeEvent::Kind::erase, path);
}
int mkdir(const char* path, mode_t mode) noexcept {
  if (fails(IoKind::open, path)) return -1;
  return noted(::syscall(SYS_mkdirat, AT_FDCWD, path, mode), TreeEvent::Kind::make_directory, path);
}
// RocksDB's, which Debian builds with assertions: who started this process is told which.
void __assert_fail(const char* assertion, const char* file, unsigned line,
                   const char* /*function*/) noexcept {
  char text[512];
  const int size = std::snprintf(text, sizeof text, "@asserts %s:%u: %s\n", file, line, assertion);
  if (size > 0) static_cast<void>(!::write(1, text, std::min<size_t>(size, sizeof text - 1)));
  std::abort();
}
// Of the C++ library, for streams and lists of files.
DIR* opendir(const char* path) {
  static auto* const real = libc<DIR*(const char*)>("opendir");
  return fails(IoKind::look, path) ? nullptr : real(path);
}
FILE* fopen(const char* path, const char* mode) {
  static auto* const real = libc<FILE*(const char*, const char*)>("fopen");
  return fails(IoKind::open, path) ? nullptr : real(path, mode);
}
FILE* fopen64(const char* path, const char* mode) {
  static auto* const real = libc<FILE*(const char*, const char*)>("fopen64");
  return fails(IoKind::open, path) ? nullptr : real(path, mode);
}

}  // extern "C"
// NOLINTEND
