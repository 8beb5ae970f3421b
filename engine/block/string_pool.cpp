#include "engine/block/string_pool.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "pool/invariant.h"

namespace caveat::detail {

void StringPool::clear(std::size_t expected_strings) {
  strings_.clear();
  hashes_.clear();
  last_ = 0;
  slots_.assign(std::bit_ceil(std::max<std::size_t>(64, expected_strings * 2)), Slot{0, 0});
}

void StringPool::grow() {
  const std::size_t size = slots_.size() * 2;
  slots_.assign(size, Slot{0, 0});
  for (std::size_t id = 0; id < strings_.size(); ++id) {
    std::size_t at = hashes_[id] & (size - 1);
    while (slots_[at].id_plus_one != 0) at = (at + 1) & (size - 1);
    slots_[at] = {hashes_[id], static_cast<std::uint32_t>(id + 1)};
  }
}

std::uint32_t StringPool::add(std::string_view text) {
  if (!strings_.empty() && strings_[last_] == text) return last_;  // rows are like those before
  if ((strings_.size() + 1) * 2 > slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].id_plus_one != 0; at = (at + 1) & mask) {
    const std::uint32_t id = slots_[at].id_plus_one - 1;
    if (slots_[at].hash == hash && strings_[id] == text) return last_ = id;
  }
  const auto id = static_cast<std::uint32_t>(strings_.size());
  slots_[at] = {hash, id + 1};
  strings_.push_back(text);
  hashes_.push_back(hash);
  return last_ = id;
}

StringEnds choose_ends(std::span<const std::string_view> strings) noexcept {
  const auto absent = [&](char byte) {
    return std::none_of(strings.begin(), strings.end(), [byte](std::string_view s) {
      return !s.empty() && std::memchr(s.data(), byte, s.size()) != nullptr;
    });
  };
  for (const char byte : {'\xFF', '\xFE', '\xF8', '\x7F', '\x1E'})
    if (absent(byte)) return {true, byte};
  return {false, 0};
}

namespace {

// One record asks for the strings of its row: the smaller a frame, the less is inflated for it,
// and the worse it compresses. What each size costs is in docs/decisions/0119.
constexpr std::size_t kFrameAim = std::size_t{2} << 10;
constexpr std::size_t kOneFrame = kFrameAim + kFrameAim / 2;  // not worth cutting
// A column whose strings serve so many rows each has a frame with its like, so that a record need
// not inflate those of the rows that happened to use them first.
constexpr std::size_t kRowsOfShared = 8;

class FramePlanner {
 public:
  FramePlanner(std::span<const std::string_view> strings, const StringNumbers& numbers,
               const std::array<std::uint64_t, kStringColumns>& fresh_from, std::size_t ending,
               std::vector<FramePlan>& frames)
      : strings_(strings), numbers_(numbers), ending_(ending), frames_(frames) {
    for (std::size_t c = 0; c < kStringColumns; ++c) {
      next_[c] = static_cast<std::uint32_t>(fresh_from[c]);
      end_[c] =
          static_cast<std::uint32_t>(c + 1 < kStringColumns ? fresh_from[c + 1] : strings.size());
    }
  }

  void plan() {
    std::array<std::size_t, kStringColumns> bytes{};
    std::size_t all = 0;
    for (std::size_t c = 0; c < kStringColumns; ++c) all += bytes[c] = bytes_of(c);
    std::size_t aim = kOneFrame;
    if (all > kOneFrame) {
      for (std::size_t c = 0; c < kStringColumns; ++c) {
        if (!is_shared(c) || bytes[c] > kFrameAim) continue;
        while (next_[c] != end_[c]) add(c);
        all -= bytes[c];
      }
      cut();
      const std::size_t frames = (all + kFrameAim - 1) / kFrameAim;
      aim = frames == 0 ? kFrameAim : (all + frames - 1) / frames;  // of about the same size
    }
    for (std::size_t row = 0; row < numbers_[0].size(); ++row) {
      if (frame_.raw_bytes >= aim) cut();
      for (std::size_t c = 0; c < kStringColumns; ++c)
        if (next_[c] != end_[c] && numbers_[c][row] == next_[c]) add(c);
    }
    cut();
  }

 private:
  // Of the column's strings that can share a frame.
  [[nodiscard]] std::size_t bytes_of(std::size_t c) const noexcept {
    std::size_t bytes = 0;
    for (std::uint32_t n = next_[c]; n < end_[c]; ++n)
      if (strings_[n].size() + ending_ <= kBlockFrameBytes) bytes += strings_[n].size() + ending_;
    return bytes;
  }
  [[nodiscard]] bool is_shared(std::size_t c) const noexcept {
    return (end_[c] - next_[c]) * kRowsOfShared <= numbers_[0].size();
  }
  // The column's next string.
  void add(std::size_t c) {
    const std::size_t size = strings_[next_[c]].size() + ending_;
    if (frame_.raw_bytes + size > kBlockFrameBytes) cut();
    if (frame_.strings() == 0) frame_.first = next_;
    ++next_[c];
    ++frame_.count[c];
    frame_.raw_bytes += size;
  }
  void cut() {
    if (frame_.strings() != 0) frames_.push_back(frame_);
    frame_ = {};
  }

  std::span<const std::string_view> strings_;
  const StringNumbers& numbers_;
  std::size_t ending_;
  std::vector<FramePlan>& frames_;
  std::array<std::uint32_t, kStringColumns> next_{};
  std::array<std::uint32_t, kStringColumns> end_{};  // of the column's numbers
  FramePlan frame_;
};

}  // namespace

void plan_frames(std::span<const std::string_view> strings, const StringNumbers& numbers,
                 const std::array<std::uint64_t, kStringColumns>& fresh_from,
                 const StringEnds& ends, std::vector<FramePlan>& frames) {
  frames.clear();
  FramePlanner(strings, numbers, fresh_from, ends.separated ? 1 : 0, frames).plan();
}

void append_frame(std::span<const std::string_view> strings, const FramePlan& frame,
                  const StringEnds& ends, std::string& out) {
  for (std::size_t c = 0; c < kStringColumns; ++c) {
    for (const std::string_view text : strings.subspan(frame.first[c], frame.count[c])) {
      out.append(text);
      if (ends.separated) out.push_back(ends.separator);
    }
  }
}

}  // namespace caveat::detail
