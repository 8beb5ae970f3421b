// Files in RocksDB's log format: *.log, and MANIFEST.
//
//   blocks of 32 KiB, each of fragments; fewer than 7 bytes left in a block are not used
//   fragment   crc u32 (masked CRC-32C of kind and data) | size u16 | kind u8 | data
//   kind       1 a whole record, 2 its first part, 3 a middle one, 4 its last
//
// RocksDB reads its logs by itself; this reads them beforehand, to tell damage from the torn end
// that a crash leaves. RocksDB cannot: it takes either for the end of the log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat::detail {

class LogFile {
 public:
  enum class Kind : std::uint8_t { full = 1, first = 2, middle = 3, last = 4 };
  enum class Step : std::uint8_t {
    fragment,
    end,
    bad,  // the rest of the block cannot be read: why() says more
  };
  struct Fragment {
    Kind kind = Kind::full;
    std::uint64_t offset = 0;
    std::string_view data;  // until the next call
  };

  // Reads what is there now, though the file may grow. io_error; not_found.
  [[nodiscard]] static Result<LogFile> open(const std::filesystem::path& path);
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&&) = delete;
  ~LogFile();

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  // io_error only if the device fails.
  [[nodiscard]] Result<Step> next(Fragment& fragment);
  // After Step::bad: the next beginning of a record that is sound, wherever it is.
  [[nodiscard]] Result<Step> next_sound(Fragment& fragment);

  // Of the last Step::bad.
  struct Bad {
    std::uint64_t offset = 0;
    const char* why = "";
    bool torn = false;  // as a write looks that a crash cut short, if nothing sound follows
    // A sector in it ends in zeros: as one looks that did not reach the device, whatever follows.
    bool unwritten = false;
  };
  [[nodiscard]] const Bad& bad() const noexcept { return bad_; }

 private:
  LogFile(int fd, std::uint64_t size) : fd_(fd), size_(size) {}
  [[nodiscard]] Result<bool> load_next_block();
  [[nodiscard]] bool sound_at(std::size_t at, Fragment& fragment) const noexcept;
  void judge_bad() noexcept;
  [[nodiscard]] bool has_unwritten_sector(std::size_t begin, std::size_t end) const noexcept;

  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::uint64_t block_at_ = 0;    // offset of the block in memory
  std::uint64_t next_block_ = 0;  // offset of the one after it
  std::vector<char> block_;
  std::size_t at_ = 0;  // in the block
  Bad bad_;
};

}  // namespace caveat::detail
