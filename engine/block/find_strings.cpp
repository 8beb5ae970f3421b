// From string numbers to strings: where the text of each row is, found once and kept in the row.
// Values are checked here, so that reading a row later checks nothing. All run under the lock.
#include <cstring>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::corrupt_block;
using detail::Frame;
using detail::kLongText;
using detail::kUnresolved;

// What a Row says of a string.
struct DecodedBlock::Parts::Place {
  std::uint16_t offset = 0;
  std::uint16_t length = 0;
};

namespace {

// Reasons are short, and a call of memcpy costs more than copying one does. Source and target are
// in the slab, which has kTextSlack bytes behind either.
void copy_short(char* to, const char* from, std::size_t size) noexcept {
  for (std::size_t done = 0; done < size; done += detail::kTextSlack)
    std::memcpy(to + done, from + done, detail::kTextSlack);
}

// The commonest kinds without a call.
Result<void> check(std::uint8_t tag, std::string_view text) {
  if (tag == static_cast<std::uint8_t>(ValueKind::String)) return {};
  if (tag == static_cast<std::uint8_t>(ValueKind::Null) && text.empty()) return {};
  CAVEAT_TRY(checked_value(tag, text));
  return {};
}

}  // namespace

Result<DecodedBlock::Parts::Place> DecodedBlock::Parts::find(std::uint32_t number) {
  const detail::Stretch& stretch = stretch_of(number);
  Frame& frame = slab.frames[stretch.frame];
  CAVEAT_TRY(inflate(frame));
  if (!frame.in_slab) return Place{static_cast<std::uint16_t>(number), kLongText};
  const std::string_view found = text_of(stretch, number);
  return Place{static_cast<std::uint16_t>(found.data() - slab.text),
               static_cast<std::uint16_t>(found.size())};
}

Result<void> DecodedBlock::Parts::join(std::uint32_t row, std::string_view head,
                                       std::string_view tail) {
  // Keeps a hostile block from naming one long half in every row.
  const std::size_t size = head.size() + tail.size();
  if (size > reason_bytes - joined_used)
    return corrupt_block("column reason: more text than the column says");
  char* const to = slab.joined != nullptr ? slab.joined + joined_used : apart.allocate_bytes(size);
  std::copy(head.begin(), head.end(), to);
  std::copy(tail.begin(), tail.end(), to + head.size());
  Row& v = slab.rows[row];
  if (slab.joined != nullptr) {
    v.offset[2] = static_cast<std::uint16_t>(joined_used);
    v.length[2] = static_cast<std::uint16_t>(size);
  } else {
    slab.joined_apart[row] = {to, size};
    v.offset[2] = static_cast<std::uint16_t>(row);
    v.length[2] = kLongText;
  }
  joined_used += size;
  return {};
}

Result<void> DecodedBlock::Parts::place_halves(Row& row, Place head, Place tail,
                                               std::size_t& used) {
  const auto size_of = [&](Place place, std::uint32_t number) {
    return place.length == kLongText ? text_of(number).size() : std::size_t{place.length};
  };
  const std::size_t size = size_of(head, row.offset[2]) + size_of(tail, row.tail);
  if (size > reason_bytes - used)
    return corrupt_block("column reason: more text than the column says");
  used += size;
  if (head.length > detail::kHeadLengthMax || tail.length > detail::kTailLengthMax) {
    row.length[2] = detail::kHalvesByNumber;
    return {};
  }
  row.offset[2] = head.offset;
  row.tail = tail.offset;
  row.length[2] = static_cast<std::uint16_t>(head.length << 8 | tail.length);
  return {};
}

Result<void> DecodedBlock::Parts::resolve_row(unsigned which, std::uint32_t row) {
  Row& v = slab.rows[row];
  if (v.length[which] != kUnresolved) return {};
  if (which < 2 || !split || keep_halves) return resolve(which, v, joined_used);
  CAVEAT_TRY(inflate(frame_of(v.offset[2])));
  CAVEAT_TRY(inflate(frame_of(v.tail)));
  return join(row, text_of(v.offset[2]), text_of(v.tail));
}

Result<void> DecodedBlock::Parts::resolve(unsigned which, Row& v, std::size_t& halves_used) {
  const std::uint32_t number = v.offset[which];
  CAVEAT_ASSIGN(const Place place, find(number));
  if (which == 2 && split) {
    CAVEAT_ASSIGN(const Place tail, find(v.tail));
    return place_halves(v, place, tail, halves_used);
  }
  if (which < 2) {
    const std::string_view text = place.length == kLongText
                                      ? text_of(number)
                                      : std::string_view(slab.text + place.offset, place.length);
    CAVEAT_TRY(check(v.tags[which], text));
  }
  v.offset[which] = place.offset;
  v.length[which] = place.length;
  return {};
}

Result<void> DecodedBlock::Parts::resolve_alone(Row& row, std::size_t& used) {
  for (unsigned which = 0; which < 3; ++which) CAVEAT_TRY(resolve(which, row, used));
  return {};
}

Result<void> DecodedBlock::Parts::inflate_all(unsigned which) {
  const std::size_t rows = row_count;
  for (std::size_t row = 0; frames_left != 0 && row < rows; ++row) {
    const Row& v = slab.rows[row];
    if (v.length[which] != kUnresolved) continue;
    const std::uint32_t number = v.offset[which];
    CAVEAT_TRY(inflate(frame_of(number)));
    if (which == 2 && split) CAVEAT_TRY(inflate(frame_of(v.tail)));
  }
  return {};
}

Result<void> DecodedBlock::Parts::resolve_all(std::span<const unsigned> which_columns,
                                              const detail::RowShape& shape) {
  for (const unsigned which : which_columns) {
    CAVEAT_TRY(load_numbers(which, shape));
    CAVEAT_TRY(inflate_all(which));
  }
  thread_local std::vector<Place> kept;
  const auto places = detail::ColumnScratch::sized(kept, strings.string_count);
  for (const detail::Stretch& stretch : std::span(slab.stretches, strings.stretches())) {
    const Frame& frame = slab.frames[stretch.frame];
    if (frame.bytes == nullptr) continue;  // no row of these columns asks for it
    const std::uint16_t* const at = slab.starts + stretch.at + stretch.frame;
    for (std::uint32_t i = 0; i < stretch.count; ++i) {
      const std::uint32_t number = stretch.number + i;
      const auto length = static_cast<std::uint16_t>(at[i + 1] - at[i] - strings.ending());
      places[number] = frame.in_slab
                           ? Place{static_cast<std::uint16_t>(frame.text_at + at[i]), length}
                           : Place{static_cast<std::uint16_t>(number), kLongText};
    }
  }
  const std::uint32_t rows = row_count;
  for (const unsigned which : which_columns) {
    if (which == 2 && split) {
      CAVEAT_TRY(join_all(places));
      continue;
    }
    for (std::uint32_t row = 0; row < rows; ++row) {
      Row& v = slab.rows[row];
      if (v.length[which] != kUnresolved) continue;
      const std::uint32_t number = v.offset[which];
      const Place place = places[number];
      if (which < 2 && v.tags[which] != static_cast<std::uint8_t>(ValueKind::String)) {
        const std::string_view found =
            place.length == kLongText ? text_of(number)
                                      : std::string_view(slab.text + place.offset, place.length);
        CAVEAT_TRY(check(v.tags[which], found));
      }
      v.offset[which] = place.offset;
      v.length[which] = place.length;
    }
  }
  return {};
}

Result<void> DecodedBlock::Parts::join_all(std::span<const Place> places) {
  const std::uint32_t rows = row_count;
  for (std::uint32_t row = 0; row < rows; ++row) {
    Row& v = slab.rows[row];
    if (v.length[2] != kUnresolved) continue;
    const Place head = places[v.offset[2]];
    const Place tail = places[v.tail];
    if (keep_halves) {
      CAVEAT_TRY(place_halves(v, head, tail, joined_used));
      continue;
    }
    if (slab.joined == nullptr || head.length == kLongText || tail.length == kLongText) {
      CAVEAT_TRY(join(row, text_of(v.offset[2]), text_of(v.tail)));
      continue;
    }
    const std::size_t size = std::size_t{head.length} + tail.length;
    if (size > reason_bytes - joined_used)
      return corrupt_block("column reason: more text than the column says");
    char* const to = slab.joined + joined_used;
    copy_short(to, slab.text + head.offset, head.length);
    copy_short(to + head.length, slab.text + tail.offset, tail.length);
    v.offset[2] = static_cast<std::uint16_t>(joined_used);
    v.length[2] = static_cast<std::uint16_t>(size);
    joined_used += size;
  }
  ++pieces;
  return {};
}

}  // namespace caveat
