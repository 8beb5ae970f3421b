// Frames of an opened block: inflated on demand, checked once, and kept. All run under the lock.
#include <bit>
#include <chrono>
#include <span>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "engine/block/decoded_parts.h"

namespace caveat {
namespace detail {
namespace {

// Frames that are in the slab: counted the same way when the table is parsed and when it is read.
bool fits_slab(std::uint64_t raw, std::size_t slab_bytes) noexcept {
  return raw <= kBlockFrameBytes && slab_bytes + raw <= kTextInlineMax;
}

}  // namespace

Result<void> parse_string_table(std::string_view section, std::string_view frames,
                                const BlockHeader& header, StringTable& out) {
  ByteReader in(section);
  const std::uint8_t ends = in.byte();
  if (ends != kEndsBySeparator && ends != kEndsByLength)
    return corrupt_block("string table: unknown way to end strings");
  out.separated = ends == kEndsBySeparator;
  if (out.separated) out.separator = static_cast<char>(in.byte());

  // At most four strings a row, and one frame a string.
  const std::uint64_t most_strings = std::uint64_t{header.row_count} * kStringColumns;
  out.columns = header.version >= kBlockVersionFramesOfRows ? kStringColumns : 1;
  const std::uint64_t frame_count = in.varint();
  if (!in.ok() || frame_count == 0 || frame_count > most_strings ||
      frame_count * (out.columns + 2) > in.left())
    return corrupt_block("string table: frame count");
  out.frame_count = static_cast<std::uint32_t>(frame_count);
  const std::size_t table_at = section.size() - in.left();
  std::array<std::uint32_t, kStringColumns> of_column{};
  std::uint64_t strings = 0;
  std::uint64_t text = 0;
  std::size_t at = 0;
  for (std::uint64_t f = 0; f < frame_count; ++f) {
    std::uint64_t count = 0;
    for (std::uint32_t c = 0; c < out.columns; ++c) {
      const std::uint64_t here = in.varint();
      if (here > most_strings - strings - count)
        return corrupt_block("string table: strings of a frame");
      count += here;
      of_column[c] += static_cast<std::uint32_t>(here);
    }
    const std::uint64_t raw = in.varint();
    const std::uint64_t stored = in.varint();
    if (!in.ok() || count == 0) return corrupt_block("string table: strings of a frame");
    const std::uint64_t ending = out.separated ? count : 0;
    if (raw < ending || raw > kMaxRecordBytes + 1 || (raw > kBlockFrameBytes && count != 1))
      return corrupt_block("string table: raw bytes of a frame");
    if (stored > raw || stored > frames.size() - at)
      return corrupt_block("string table: stored bytes of a frame");
    at += stored;
    strings += count;
    text += raw - ending;
    (fits_slab(raw, out.slab_bytes) ? out.slab_bytes : out.apart_bytes) += raw;
  }
  // Every distinct string is in some row, so all of them are no more than the rows are.
  if (text > header.raw_bytes) return corrupt_block("string table: more text than the rows hold");
  if (at != frames.size()) return corrupt_block("bytes after the last frame");
  out.string_count = static_cast<std::uint32_t>(strings);
  for (std::size_t c = 1; c < kStringColumns; ++c)
    out.first_of_column[c] = out.first_of_column[c - 1] + of_column[c - 1];
  out.frame_table = section.substr(table_at, section.size() - table_at - in.left());
  out.lengths = in.take(in.left());
  if (out.separated != out.lengths.empty()) return corrupt_block("string table: lengths");
  return {};
}

void list_frames(const StringTable& table, std::string_view frames, Frame* out,
                 Stretch* stretches) noexcept {
  ByteReader in(table.frame_table);
  std::size_t stored_at = 0;
  std::size_t text_at = 0;
  std::uint32_t strings = 0;
  auto number = table.first_of_column;
  for (std::uint32_t f = 0; f < table.frame_count; ++f) {
    Frame& frame = *::new (static_cast<void*>(out + f)) Frame;
    frame.first = strings;
    for (std::uint32_t c = 0; c < table.columns; ++c) {
      const auto count = static_cast<std::uint32_t>(in.varint());
      ::new (static_cast<void*>(stretches + c * table.frame_count + f))
          Stretch{number[c], strings, count, f};
      number[c] += count;
      strings += count;
    }
    frame.count = strings - frame.first;
    frame.raw_bytes = static_cast<std::uint32_t>(in.varint());
    frame.stored = frames.substr(stored_at, in.varint());
    stored_at += frame.stored.size();
    frame.in_slab = fits_slab(frame.raw_bytes, text_at);
    if (!frame.in_slab) continue;
    frame.text_at = static_cast<std::uint32_t>(text_at);
    text_at += frame.raw_bytes;
  }
}

namespace {

// A bit for each of 64 bytes that is the separator.
std::uint64_t find_in_64(const char* bytes, char separator) noexcept {
  std::uint64_t hits = 0;
#ifdef __SSE2__
  const __m128i pattern = _mm_set1_epi8(separator);
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + i * 16));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, pattern)));
    hits |= std::uint64_t{mask} << (i * 16);
  }
#else
  for (unsigned i = 0; i < 64; ++i) hits |= std::uint64_t{bytes[i] == separator} << i;
#endif
  return hits;
}

// Where each string begins: after each separator. False if there are not starts.size() - 1 of
// them. How many a stretch of 64 bytes has is hard to predict, so they are written eight at a time
// whether they are there or not.
bool find_starts(std::string_view bytes, char separator, std::span<std::uint16_t> starts) noexcept {
  std::uint16_t* next = starts.data();
  std::uint16_t* const end = next + starts.size();
  *next++ = 0;
  std::size_t i = 0;
  constexpr unsigned kAtOnce = 8;
  for (; i + 64 <= bytes.size(); i += 64) {
    std::uint64_t hits = find_in_64(bytes.data() + i, separator);
    const unsigned count = ones_of(hits);
    const auto room = static_cast<std::size_t>(end - next);
    if (count > room) return false;
    const auto put = [&](unsigned k) {
      // A bit above the highest keeps countr_zero from having no answer.
      next[k] = static_cast<std::uint16_t>(
          i + static_cast<unsigned>(std::countr_zero(hits | std::uint64_t{1} << 63)) + 1);
      hits &= hits - 1;
    };
    if (room >= kAtOnce) {
      for (unsigned k = 0; k < kAtOnce; ++k) put(k);
      for (unsigned k = kAtOnce; k < count; ++k) put(k);
    } else {
      for (unsigned k = 0; k < count; ++k) put(k);
    }
    next += count;
  }
  for (; i < bytes.size(); ++i) {
    if (bytes[i] != separator) continue;
    if (next == end) return false;
    *next++ = static_cast<std::uint16_t>(i + 1);
  }
  return next == end;
}

}  // namespace
}  // namespace detail

using detail::corrupt_block;
using detail::find_starts;
using detail::Frame;

// Where strings have lengths instead of separators, those of all frames at once.
Result<void> DecodedBlock::Parts::load_lengths() {
  if (starts_known) return {};
  const auto lengths =
      detail::ColumnScratch::sized(detail::column_scratch().narrow, strings.string_count);
  detail::ByteReader in(strings.lengths);
  if (!detail::decode_ints(in, nullptr, lengths) || in.left() != 0)
    return corrupt_block("string table: column of lengths");
  for (std::uint32_t f = 0; f < strings.frame_count; ++f) {
    const Frame& frame = slab.frames[f];
    std::uint16_t* const to = slab.starts + frame.first + f;
    std::uint64_t at = 0;
    for (std::uint32_t i = 0; i < frame.count; ++i) {
      to[i] = static_cast<std::uint16_t>(at);  // not asked for in a frame of one large string
      at += lengths[frame.first + i];
      if (at > frame.raw_bytes) return corrupt_block("strings pass the end of their frame");
    }
    if (at != frame.raw_bytes) return corrupt_block("a frame has bytes after its last string");
    to[frame.count] = static_cast<std::uint16_t>(at);
  }
  starts_known = true;
  return {};
}

Result<void> DecodedBlock::Parts::inflate(Frame& frame) {
  if (frame.bytes != nullptr) return {};
  if (frame.room == nullptr)  // kept if inflating fails: the next attempt takes no more
    frame.room = frame.in_slab ? slab.text + frame.text_at : apart.allocate_bytes(frame.raw_bytes);
  char* const bytes = frame.room;
  if (frame.stored.size() == frame.raw_bytes) {
    std::copy(frame.stored.begin(), frame.stored.end(), bytes);
  } else {
    if (codec == nullptr)
      return corrupt_block("a frame is compressed, but the header says by none");
    using Clock = std::chrono::steady_clock;
    const auto start = counters != nullptr ? Clock::now() : Clock::time_point{};
    CAVEAT_TRY(codec->decompress(frame.stored, dictionary, {bytes, frame.raw_bytes}));
    if (counters != nullptr) {
      counters->decompressions.fetch_add(1, std::memory_order_relaxed);
      counters->decompress_bytes_out.fetch_add(frame.raw_bytes, std::memory_order_relaxed);
      counters->decompress_ns.fetch_add(static_cast<std::uint64_t>((Clock::now() - start).count()),
                                        std::memory_order_relaxed);
    }
  }
  if (!strings.separated) {
    CAVEAT_TRY(load_lengths());
  } else {
    const std::string_view text_here(bytes, frame.raw_bytes);
    if (frame.raw_bytes > kBlockFrameBytes) {  // one string, whose starts nobody asks for
      if (text_here.find(strings.separator) != text_here.size() - 1)
        return corrupt_block("a frame has another number of strings");
    } else {
      const std::span here(slab.starts + frame.first + (&frame - slab.frames), frame.count + 1);
      if (!find_starts(text_here, strings.separator, here))
        return corrupt_block("a frame has another number of strings");
      if (here.back() != frame.raw_bytes)
        return corrupt_block("a frame has bytes after its last string");
    }
  }
  frame.bytes = bytes;
  --frames_left;
  pieces += 2;
  return {};
}

const detail::Stretch& DecodedBlock::Parts::stretch_of(std::uint32_t number) const noexcept {
  CAVEAT_ASSERT(number < strings.string_count);
  // The last that begins at the number or before it: one without strings begins where the next
  // does.
  std::uint32_t low = 0;
  for (std::uint32_t high = strings.stretches(); high - low > 1;) {
    const std::uint32_t middle = (low + high) / 2;
    (slab.stretches[middle].number <= number ? low : high) = middle;
  }
  return slab.stretches[low];
}

std::string_view DecodedBlock::Parts::text_of(const detail::Stretch& stretch,
                                              std::uint32_t number) const noexcept {
  const Frame& frame = slab.frames[stretch.frame];
  CAVEAT_ASSERT(frame.bytes != nullptr);
  if (frame.raw_bytes > kBlockFrameBytes) return {frame.bytes, frame.raw_bytes - strings.ending()};
  const std::uint16_t* const at =
      slab.starts + stretch.at + (number - stretch.number) + stretch.frame;
  return {frame.bytes + at[0], at[1] - at[0] - strings.ending()};
}

}  // namespace caveat
