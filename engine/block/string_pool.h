// The distinct strings of a block, and how they are laid out in frames.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/block/layout.h"

namespace caveat::detail {

// Gives each distinct string a number, in the order of first sight.
class StringPool {
 public:
  void clear(std::size_t expected_strings);
  // Keeps the view: the bytes must outlive the pool's use.
  [[nodiscard]] std::uint32_t add(std::string_view text);
  [[nodiscard]] std::span<const std::string_view> strings() const noexcept { return strings_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return slots_.capacity() * sizeof(Slot) + strings_.capacity() * sizeof(std::string_view) +
           hashes_.capacity() * sizeof(std::uint32_t);
  }

 private:
  struct Slot {
    std::uint32_t hash;
    std::uint32_t id_plus_one;
  };
  void grow();
  std::vector<Slot> slots_;
  std::vector<std::string_view> strings_;
  std::vector<std::uint32_t> hashes_;
  std::uint32_t last_ = 0;  // number given out
};

// How strings end in frames: by a byte none of them holds, else by a column of lengths.
struct StringEnds {
  bool separated = true;
  char separator = '\xFF';  // no UTF-8 text holds it
};
[[nodiscard]] StringEnds choose_ends(std::span<const std::string_view> strings) noexcept;

// A frame holds the strings that some neighbouring rows are the first to use, or those of columns
// whose few strings all rows share; compressed together. Of each string column it has a stretch.
struct FramePlan {
  std::array<std::uint32_t, kStringColumns> first{};  // numbers
  std::array<std::uint32_t, kStringColumns> count{};
  std::size_t raw_bytes = 0;

  [[nodiscard]] std::uint32_t strings() const noexcept {
    return count[0] + count[1] + count[2] + count[3];
  }
};
// The string numbers of each column's rows.
using StringNumbers = std::array<std::vector<std::uint64_t>, kStringColumns>;
// `fresh_from`: the number from which on strings are new in each column; they are new in the order
// of the rows. A string larger than kBlockFrameBytes is alone in its frame.
void plan_frames(std::span<const std::string_view> strings, const StringNumbers& numbers,
                 const std::array<std::uint64_t, kStringColumns>& fresh_from,
                 const StringEnds& ends, std::vector<FramePlan>& frames);
// Appends a frame's raw bytes.
void append_frame(std::span<const std::string_view> strings, const FramePlan& frame,
                  const StringEnds& ends, std::string& out);

}  // namespace caveat::detail
