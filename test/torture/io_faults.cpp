#include "test/torture/io_faults.h"

#include <atomic>
#include <cerrno>
#include <utility>

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

std::atomic<bool> any_armed{false};

}  // namespace

bool needs_space(IoKind kind) {
  return kind != IoKind::read && kind != IoKind::look && kind != IoKind::remove;
}

std::string_view to_string(IoKind kind) {
  constexpr std::array kNames = {"open",   "read",   "write", "sync",
                                 "rename", "remove", "look",  "close"};
  return kNames[static_cast<std::size_t>(kind)];
}

IoFaults& IoFaults::instance() {
  static IoFaults faults;
  return faults;
}

int& IoFaults::Passing::depth() {
  thread_local int depth = 0;
  return depth;
}

void IoFaults::arm(const fs::path& directory, std::uint64_t point, IoFault fault) {
  const std::lock_guard lock(mutex_);
  directory_ = directory;
  point_ = point;
  name_end_.clear();
  kind_.reset();
  fault_ = fault;
  operations_ = struck_ = 0;
  first_struck_.clear();
  any_armed = true;
}

void IoFaults::arm(const fs::path& directory, IoKind kind, std::string name_end,
                   std::uint64_t point, IoFault fault) {
  arm(directory, point, fault);
  const std::lock_guard lock(mutex_);
  kind_ = kind;
  name_end_ = std::move(name_end);
}

void IoFaults::disarm() {
  const std::lock_guard lock(mutex_);
  directory_.clear();
  any_armed = false;
}

bool IoFaults::strikes_locked(IoKind kind, const std::string& name) {
  if (kind_ && (kind != *kind_ || !name.ends_with(name_end_))) return false;
  const std::uint64_t here = operations_++;
  bool strikes = here == point_;
  if (fault_ == IoFault::sticky) strikes = here >= point_;
  if (fault_ == IoFault::no_space) strikes = here >= point_ && needs_space(kind);
  if (strikes && struck_++ == 0) {
    first_kind_ = kind;
    first_struck_ = std::string(to_string(kind)) + " " + name;
  }
  return strikes;
}

bool IoFaults::strikes(IoKind kind, const fs::path& file) {
  if (!any_armed) return false;
  const std::lock_guard lock(mutex_);
  if (directory_.empty()) return false;
  const std::string name = file.lexically_normal().string();
  const std::string& prefix = directory_.native();
  if (!name.starts_with(prefix)) return false;
  if (name.size() > prefix.size() && name[prefix.size()] != '/') return false;
  return strikes_locked(kind, name.size() > prefix.size() ? name.substr(prefix.size() + 1) : ".");
}

bool IoFaults::strikes(IoKind kind, int descriptor) {
  if (!any_armed) return false;
  std::error_code none;
  const fs::path file = fs::read_symlink("/proc/self/fd/" + std::to_string(descriptor), none);
  return !none && strikes(kind, file);
}

int IoFaults::error() const noexcept {
  return fault_ == IoFault::no_space ? ENOSPC : EIO;
}

bool IoFaults::armed() const {
  return any_armed;
}

std::uint64_t IoFaults::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

std::uint64_t IoFaults::struck() const {
  const std::lock_guard lock(mutex_);
  return struck_;
}

std::string IoFaults::first_struck() const {
  const std::lock_guard lock(mutex_);
  return first_struck_;
}

IoKind IoFaults::first_kind() const {
  const std::lock_guard lock(mutex_);
  return first_kind_;
}

}  // namespace caveat::test
