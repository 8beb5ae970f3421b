// The distinct strings of a block, and how they are laid out in frames.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/compressed_block.h"

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
};

// How strings end in frames: by a byte none of them holds, else by a column of lengths.
struct StringEnds {
  bool separated = true;
  char separator = '\xFF';  // no UTF-8 text holds it
};
[[nodiscard]] StringEnds choose_ends(std::span<const std::string_view> strings) noexcept;

// A frame is a run of strings, compressed together.
struct FramePlan {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::size_t raw_bytes = 0;
};
// Cuts where a frame would pass kBlockFrameBytes; a larger string is alone in its frame.
void plan_frames(std::span<const std::string_view> strings, const StringEnds& ends,
                 std::vector<FramePlan>& frames);
// Appends a frame's raw bytes.
void append_frame(std::span<const std::string_view> strings, const FramePlan& frame,
                  const StringEnds& ends, std::string& out);

}  // namespace caveat::detail
