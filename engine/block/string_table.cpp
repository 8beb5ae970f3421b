// Strings of an opened block: frames are inflated on demand, checked once, and kept.
#include <bit>
#include <chrono>
#include <span>

#include "engine/block/decoded_parts.h"

namespace caveat {
namespace detail {

Result<void> parse_string_table(std::string_view section, std::string_view frames,
                                const BlockHeader& header, StringTable& out) {
  ByteReader in(section);
  const std::uint8_t ends = in.byte();
  if (ends != kEndsBySeparator && ends != kEndsByLength)
    return corrupt_block("string table: unknown way to end strings");
  out.separated = ends == kEndsBySeparator;
  if (out.separated) out.separator = static_cast<char>(in.byte());

  // At most three strings a row, and one frame a string.
  const std::uint64_t most_strings = std::uint64_t{header.row_count} * 4;
  const std::uint64_t frame_count = in.varint();
  if (!in.ok() || frame_count == 0 || frame_count > most_strings || frame_count * 3 > in.left())
    return corrupt_block("string table: frame count");
  out.frame_count = frame_count;
  out.frames = std::make_unique<Frame[]>(frame_count);
  std::uint64_t strings = 0;
  std::uint64_t text = 0;
  std::size_t at = 0;
  for (std::uint64_t f = 0; f < frame_count; ++f) {
    Frame& frame = out.frames[f];
    const std::uint64_t count = in.varint();
    const std::uint64_t raw = in.varint();
    const std::uint64_t stored = in.varint();
    if (!in.ok() || count == 0 || count > most_strings - strings)
      return corrupt_block("string table: strings of a frame");
    const std::uint64_t ending = out.separated ? count : 0;
    if (raw < ending || raw > kMaxRecordBytes + 1 || (raw > kBlockFrameBytes && count != 1))
      return corrupt_block("string table: raw bytes of a frame");
    if (stored > raw || stored > frames.size() - at)
      return corrupt_block("string table: stored bytes of a frame");
    frame.first = static_cast<std::uint32_t>(strings);
    frame.count = static_cast<std::uint32_t>(count);
    frame.raw_bytes = static_cast<std::uint32_t>(raw);
    frame.stored = frames.substr(at, stored);
    at += stored;
    strings += count;
    text += raw - ending;
  }
  // Every distinct string is in some row, so all of them are no more than the rows are.
  if (text > header.raw_bytes) return corrupt_block("string table: more text than the rows hold");
  if (at != frames.size()) return corrupt_block("bytes after the last frame");
  out.string_count = static_cast<std::uint32_t>(strings);
  out.lengths = in.take(in.left());
  if (out.separated != out.lengths.empty()) return corrupt_block("string table: lengths");
  return {};
}

namespace {

// Where each string begins: after each separator. False if there are not starts.size() - 1 of them.
// Eight bytes at a time, as strings are short and memchr's overhead is not.
bool find_starts(std::string_view bytes, char separator, std::span<std::uint32_t> starts) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kLow = 0x7F * kOnes;
  const std::uint64_t pattern = static_cast<unsigned char>(separator) * kOnes;
  std::size_t next = 0;
  starts[next++] = 0;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint64_t x = get_fixed<std::uint64_t>(bytes.data() + i) ^ pattern;
    // The top bit of each byte that is zero in x, exactly.
    std::uint64_t hits = ~(((x & kLow) + kLow) | x | kLow);
    for (; hits != 0; hits &= hits - 1) {
      if (next == starts.size()) return false;
      starts[next++] =
          static_cast<std::uint32_t>(i + static_cast<std::size_t>(std::countr_zero(hits)) / 8 + 1);
    }
  }
  for (; i < bytes.size(); ++i) {
    if (bytes[i] != separator) continue;
    if (next == starts.size()) return false;
    starts[next++] = static_cast<std::uint32_t>(i + 1);
  }
  return next == starts.size();
}

}  // namespace
}  // namespace detail

using detail::corrupt_block;
using detail::find_starts;
using detail::Frame;
using detail::InflatedFrame;

Result<const std::vector<std::uint32_t>*> DecodedBlock::Parts::load_lengths() {
  if (const auto* ready = strings.decoded_lengths.get()) return ready;
  std::vector<std::uint64_t> wide(strings.string_count);
  detail::ByteReader in(strings.lengths);
  if (!detail::decode_ints(in, nullptr, wide) || in.left() != 0)
    return corrupt_block("string table: column of lengths");
  auto made = std::make_unique<std::vector<std::uint32_t>>();
  made->reserve(wide.size());
  for (const std::uint64_t length : wide) {
    if (length > kMaxRecordBytes) return corrupt_block("string table: length of a string");
    made->push_back(static_cast<std::uint32_t>(length));
  }
  return strings.decoded_lengths.publish(std::move(made));
}

Result<const InflatedFrame*> DecodedBlock::Parts::inflate(Frame& frame) {
  if (const auto* ready = frame.inflated.get()) [[likely]]
    return ready;
  auto made = std::make_unique<InflatedFrame>();
  std::string& bytes = made->bytes;
  if (frame.stored.size() == frame.raw_bytes) {
    bytes.assign(frame.stored);
  } else {
    if (codec == nullptr)
      return corrupt_block("a frame is compressed, but the header says by none");
    using Clock = std::chrono::steady_clock;
    const auto start = counters != nullptr ? Clock::now() : Clock::time_point{};
    bytes.reserve(frame.raw_bytes);
    CAVEAT_TRY(codec->decompress(frame.stored, frame.raw_bytes, dictionary.get(), bytes));
    if (counters != nullptr) {
      counters->decompressions.fetch_add(1, std::memory_order_relaxed);
      counters->decompress_bytes_out.fetch_add(bytes.size(), std::memory_order_relaxed);
      counters->decompress_ns.fetch_add(static_cast<std::uint64_t>((Clock::now() - start).count()),
                                        std::memory_order_relaxed);
    }
    if (bytes.size() != frame.raw_bytes) return corrupt_block("a frame has another raw size");
  }

  made->starts.resize(frame.count + 1);
  std::size_t at = 0;
  if (strings.separated) {
    if (!find_starts(bytes, strings.separator, made->starts))
      return corrupt_block("a frame has another number of strings");
    at = made->starts.back();
  } else {
    CAVEAT_ASSIGN(const auto* lengths, load_lengths());
    for (std::uint32_t i = 0; i < frame.count; ++i) {
      made->starts[i] = static_cast<std::uint32_t>(at);
      at += (*lengths)[frame.first + i];
      if (at > bytes.size()) return corrupt_block("strings pass the end of their frame");
    }
  }
  if (at != bytes.size()) return corrupt_block("a frame has bytes after its last string");
  made->starts.back() = static_cast<std::uint32_t>(at);
  return frame.inflated.publish(std::move(made));
}

Frame& DecodedBlock::Parts::frame_of(std::uint32_t id) const noexcept {
  CAVEAT_ASSERT(id < strings.string_count);
  std::size_t low = 0;
  for (std::size_t high = strings.frame_count; high - low > 1;) {
    const std::size_t middle = (low + high) / 2;
    (strings.frames[middle].first <= id ? low : high) = middle;
  }
  return strings.frames[low];
}

Result<std::string_view> DecodedBlock::Parts::string(std::uint32_t id) {
  CAVEAT_TRY(inflate(frame_of(id)));
  return loaded_string(id);
}

std::string_view DecodedBlock::Parts::loaded_string(std::uint32_t id) const noexcept {
  const Frame& frame = frame_of(id);
  const InflatedFrame* inflated = frame.inflated.get();
  CAVEAT_ASSERT(inflated != nullptr);
  const std::uint32_t start = inflated->starts[id - frame.first];
  const std::uint32_t end = inflated->starts[id - frame.first + 1] - (strings.separated ? 1 : 0);
  return std::string_view(inflated->bytes).substr(start, end - start);
}

}  // namespace caveat
