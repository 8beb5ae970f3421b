// Errors of the file system, at a chosen operation on the files of one directory.
//
// Operations are counted from arm() on, by whichever thread: those of RocksDB come from
// FaultyFileSystem, the store's own (its lock file, marker and checks) from doubles of libc's
// functions in own_calls.cpp.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace caveat::test {

enum class IoKind : std::uint8_t {
  open,
  read,
  write,
  sync,
  rename,  // and link
  remove,
  look,  // sizes, times, names in a directory
  close,
};
inline constexpr std::array kIoKinds = {IoKind::open, IoKind::read,   IoKind::write,
                                        IoKind::sync, IoKind::rename, IoKind::remove,
                                        IoKind::look, IoKind::close};
[[nodiscard]] std::string_view to_string(IoKind kind);
// A full disk lets it fail.
[[nodiscard]] bool needs_space(IoKind kind);

enum class IoFault : std::uint8_t {
  once,      // that operation, and none after it
  sticky,    // that one and all after it: the disk is gone
  no_space,  // that one and all after it that write: the disk is full
};

class IoFaults {
 public:
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};

  // Of this process: libc's functions have no argument to carry it.
  static IoFaults& instance();

  // Operation number `point` fails, the next one being 0.
  void arm(const std::filesystem::path& directory, std::uint64_t point, IoFault fault);
  // Of the operations of that kind on files whose names end so (empty: on all): the first, or
  // number `point`.
  void arm(const std::filesystem::path& directory, IoKind kind, std::string name_end,
           std::uint64_t point = 0, IoFault fault = IoFault::once);
  // The disk is well again.
  void disarm();

  // Nobody cuts the power here, so syncs that do not fail need not reach the device.
  void skip_syncs() noexcept { skips_syncs_ = true; }
  [[nodiscard]] bool skips_syncs() const noexcept { return skips_syncs_; }

  // Asked at each operation. True: it must fail, with error().
  [[nodiscard]] bool strikes(IoKind kind, const std::filesystem::path& file);
  // Asked by what has a descriptor, and no name.
  [[nodiscard]] bool strikes(IoKind kind, int descriptor);
  [[nodiscard]] int error() const noexcept;  // EIO or ENOSPC
  [[nodiscard]] bool armed() const;

  // Since arm().
  [[nodiscard]] std::uint64_t operations() const;
  [[nodiscard]] std::uint64_t struck() const;
  // "read 000012.sst": the first that failed; empty: none did.
  [[nodiscard]] std::string first_struck() const;
  [[nodiscard]] IoKind first_kind() const;

  // While one lives, doubles of libc pass everything on: the caller has been asked about already.
  class Passing {
   public:
    Passing() { ++depth(); }
    ~Passing() { --depth(); }
    Passing(const Passing&) = delete;
    Passing& operator=(const Passing&) = delete;
    [[nodiscard]] static bool here() { return depth() > 0; }

   private:
    static int& depth();
  };

 private:
  [[nodiscard]] bool strikes_locked(IoKind kind, const std::string& name);

  std::atomic<bool> skips_syncs_{false};
  mutable std::mutex mutex_;
  std::filesystem::path directory_;  // empty: disarmed
  std::uint64_t point_ = kNever;
  std::string name_end_;        // of the files that count
  std::optional<IoKind> kind_;  // that alone counts
  IoFault fault_ = IoFault::once;
  std::uint64_t operations_ = 0;
  std::uint64_t struck_ = 0;
  std::string first_struck_;
  IoKind first_kind_ = IoKind::open;
};

}  // namespace caveat::test
