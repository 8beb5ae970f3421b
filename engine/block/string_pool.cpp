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
  if ((strings_.size() + 1) * 2 > slots_.size()) grow();
  const auto hash = static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash & mask;
  for (; slots_[at].id_plus_one != 0; at = (at + 1) & mask) {
    const std::uint32_t id = slots_[at].id_plus_one - 1;
    if (slots_[at].hash == hash && strings_[id] == text) return id;
  }
  const auto id = static_cast<std::uint32_t>(strings_.size());
  slots_[at] = {hash, id + 1};
  strings_.push_back(text);
  hashes_.push_back(hash);
  return id;
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

void plan_frames(std::span<const std::string_view> strings, const StringEnds& ends,
                 std::vector<FramePlan>& frames) {
  frames.clear();
  FramePlan frame;
  for (std::uint32_t id = 0; id < strings.size(); ++id) {
    const std::size_t size = strings[id].size() + (ends.separated ? 1 : 0);
    if (frame.count != 0 && frame.raw_bytes + size > kBlockFrameBytes) {
      frames.push_back(frame);
      frame = {id, 0, 0};
    }
    ++frame.count;
    frame.raw_bytes += size;
  }
  if (frame.count != 0) frames.push_back(frame);
}

void append_frame(std::span<const std::string_view> strings, const FramePlan& frame,
                  const StringEnds& ends, std::string& out) {
  for (const std::string_view text : strings.subspan(frame.first, frame.count)) {
    out.append(text);
    if (ends.separated) out.push_back(ends.separator);
  }
}

}  // namespace caveat::detail
