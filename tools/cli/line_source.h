// Lines of a file or of standard input, plain or compressed with zstd.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat::cli {

// Where bytes come from, in stretches.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes; 0 at the end.
  [[nodiscard]] virtual Result<std::size_t> read(char* to, std::size_t size) = 0;
};

class LineSource {
 public:
  // "-" is standard input. Whether it is compressed is seen from its first bytes.
  [[nodiscard]] static Result<LineSource> open(const std::string& path);
  // For tests.
  explicit LineSource(std::unique_ptr<ByteSource> bytes);

  // Six times the largest record and some more, as JSON takes six bytes for one at worst: whatever
  // dump writes can be read. A longer line cannot hold a record.
  static constexpr std::size_t kMaxLineBytes = std::size_t{448} << 20;
  // A line as long as this that does not begin as a record does is none either.
  static constexpr std::size_t kLongLineBytes = std::size_t{1} << 20;

  struct Line {
    std::string_view text;  // without its line feed; valid until the next call
    // limit_exceeded or invalid_argument: no record. Such a line is passed over without being kept;
    // `text` is empty.
    std::optional<StorageError> refused;
  };
  // The next line with something on it; false at the end. Blank lines are passed over, as is a
  // byte order mark. Behind the text kLinePadding bytes are readable.
  [[nodiscard]] Result<bool> next(Line& line);

  // The input could not be read to its end.
  [[nodiscard]] bool failed() const noexcept { return failed_; }
  [[nodiscard]] std::uint64_t line_number() const noexcept { return line_number_; }
  // Of the file as it is stored; total 0 where unknown.
  [[nodiscard]] std::uint64_t bytes_read() const noexcept { return *bytes_read_; }
  [[nodiscard]] std::uint64_t bytes_total() const noexcept { return bytes_total_; }

 private:
  [[nodiscard]] Result<bool> fill();
  [[nodiscard]] Result<bool> next_raw(Line& line);
  [[nodiscard]] std::optional<StorageError> refusal() const;
  void forget();

  std::unique_ptr<ByteSource> bytes_;
  std::shared_ptr<std::uint64_t> bytes_read_ = std::make_shared<std::uint64_t>(0);
  std::uint64_t bytes_total_ = 0;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // of what is not yet given out
  std::size_t end_ = 0;
  bool at_end_ = false;
  bool failed_ = false;
  std::uint64_t line_number_ = 0;
};

}  // namespace caveat::cli
