#include "adapters/rocksdb/table_walk.h"

#include <algorithm>

#include "engine/model/bytes.h"
#include "engine/model/varint.h"

namespace caveat::detail {
namespace {

// footer   checksum kind u8 | handles of metaindex and index | zeros, to 41 | version u32 | magic
constexpr std::size_t kFooterBytes = 53;
constexpr std::size_t kHandlesBytes = 40;
constexpr std::uint64_t kMagic = 0x88E241B785F4CFF7;
constexpr std::uint32_t kVersionMin = 4;  // of which the index is written as it is read here
constexpr std::uint32_t kVersionMax = 5;
// Read at most to find the end of one packed block: where one should begin, and where it might.
constexpr std::uint64_t kPackedBytesMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kPackedSearchBytesMax = std::uint64_t{8} << 20;
constexpr std::size_t kEndSearchBytes = std::size_t{64} << 10;

bool take_handle(std::string_view& bytes, BlockPlace& place) {
  return take_varint(bytes, place.offset) && take_varint(bytes, place.bytes);
}

// Entries without a length of the value, each with its whole key: a handle is its value, and of
// meta's tables the block's first key.
std::optional<std::vector<BlockPlace>> parse_index(std::string_view block) {
  if (block.size() < 2 * sizeof(std::uint32_t)) return std::nullopt;
  const std::uint64_t count = get_fixed<std::uint32_t>(block, block.size() - sizeof(std::uint32_t));
  const std::uint64_t tail = (count + 1) * sizeof(std::uint32_t);
  if (tail > block.size()) return std::nullopt;
  const std::size_t end = block.size() - tail;
  std::vector<BlockPlace> places;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::size_t at = get_fixed<std::uint32_t>(block, end + i * sizeof(std::uint32_t));
    if (at >= end) return count == 1 && end == 0 ? std::optional(places) : std::nullopt;
    std::string_view entry = block.substr(at, end - at);
    std::uint64_t shared = 0, own = 0;
    BlockPlace place;
    if (!take_varint(entry, shared) || !take_varint(entry, own) || shared != 0 ||
        own > entry.size()) {
      return std::nullopt;
    }
    entry.remove_prefix(own);
    if (!take_handle(entry, place) || place.bytes > kRawBlockBytesMax) return std::nullopt;
    // Blocks lie end to end: so the index leaves none out.
    const std::uint64_t expected =
        places.empty() ? 0 : places.back().offset + places.back().bytes + kBlockTrailerBytes;
    if (place.offset != expected) return std::nullopt;
    places.push_back(place);
  }
  return places;
}

std::string last_name(std::string_view end) {
  // The properties' keys share beginnings: of "rocksdb.column.family.name" its end is written,
  // and behind it the value. Any of them is read so though the block's checksum is wrong.
  static constexpr std::string_view kNames[] = {"default", "delta",      "primary", "property",
                                                "source",  "confidence", "temporal"};
  std::string found;
  std::size_t at = 0;
  for (const std::string_view name : kNames) {
    std::string wanted(1, static_cast<char>(name.size()));
    wanted.append("name").append(name);
    const std::size_t here = end.rfind(wanted);
    if (here == std::string_view::npos || (!found.empty() && here < at)) continue;
    found = name;
    at = here;
  }
  return found;
}

}  // namespace

void TableWalk::run(std::string_view file) {
  read_end(file);
  // Their first key is always this; before it stand three lengths, and it is not packed.
  constexpr std::string_view kFirstProperty = "rocksdb.block.based.table.index.type";
  const std::size_t named = properties_read_ ? std::string_view::npos : file.rfind(kFirstProperty);
  if (named != std::string_view::npos && named >= 3) {
    if (const auto place = find_raw_block(file, named - 3, checksum)) {
      if (const auto raw = read_block(file, *place, checksum)) read_properties(*raw);
    }
  }
  if (!properties_read_) {
    const auto end = file.substr(file.size() - std::min(file.size(), kEndSearchBytes));
    family = last_name(end);
  }
  if (!walk_by_index(file)) walk_by_blocks(file);
}

// Footer, index, properties: what of them is sound.
void TableWalk::read_end(std::string_view file) {
  const auto damaged = [this](const char* what) {
    if (end_damage.empty()) end_damage = what;
  };
  if (file.size() < kFooterBytes) return damaged("the table has no end");
  const auto footer = file.substr(file.size() - kFooterBytes);
  const auto version = get_fixed<std::uint32_t>(footer, 1 + kHandlesBytes);
  const auto kind = static_cast<unsigned char>(footer[0]);
  if (get_fixed<std::uint64_t>(footer, kFooterBytes - sizeof(kMagic)) != kMagic ||
      version < kVersionMin || version > kVersionMax ||
      (kind != static_cast<unsigned>(TableChecksum::crc32c) &&
       kind != static_cast<unsigned>(TableChecksum::xxh3))) {
    return damaged("the footer is damaged");
  }
  checksum = static_cast<TableChecksum>(kind);
  auto handles = footer.substr(1, kHandlesBytes);
  BlockPlace metaindex, index;
  if (!take_handle(handles, metaindex) || !take_handle(handles, index)) {
    return damaged("the footer is damaged");
  }
  if (const auto block = read_block(file, index, checksum)) index_ = parse_index(*block);
  if (!index_) damaged("the index is damaged");

  const auto block = read_block(file, metaindex, checksum);
  if (!block) return damaged("the metaindex is damaged");
  BlockEntries entries(*block);
  std::string_view name, value;
  bool properties_sound = false;
  while (entries.next_raw(name, value)) {
    BlockPlace place;
    if (!take_handle(value, place)) continue;
    if (name == "rocksdb.range_del") erased_ranges_ = place;
    if (name != "rocksdb.properties") continue;
    if (const auto properties = read_block(file, place, checksum)) {
      read_properties(*properties);
      properties_sound = properties_read_;
    }
  }
  if (!properties_sound) damaged("the properties are damaged");
}

void TableWalk::read_properties(std::string_view properties) {
  BlockEntries entries(properties);
  std::string_view name, value;
  while (entries.next_raw(name, value)) {
    std::uint64_t number = 0;
    if (name == "rocksdb.column.family.name") family = value;
    if (name == "rocksdb.column.family.id" && take_varint(value, number)) {
      family_id = static_cast<std::uint32_t>(number);
    }
    if (name == "rocksdb.num.entries" && take_varint(value, number)) entries_said = number;
  }
  properties_read_ = entries.at_end() && !family.empty();
}

void TableWalk::take(BlockPlace place, std::string_view raw) {
  BlockEntries walk(raw);
  TableEntry entry;
  bool first = true;
  while (walk.next(entry)) {
    if (entry.kind == EntryKind::erase_range) continue;
    ++entries_found;
    if (first && !gaps.empty() && !gaps.back().behind) gaps.back().behind = entry.key;
    first = false;
    last_key_ = entry.key;
  }
  if (on_block) on_block(place, raw);
}

void TableWalk::gap(std::uint64_t from, std::uint64_t to) {
  if (!gaps.empty() && !gaps.back().behind && gaps.back().offset + gaps.back().bytes == from) {
    gaps.back().bytes = to - gaps.back().offset;
    return;
  }
  gaps.push_back({from, to - from, last_key_, std::nullopt});
}

bool TableWalk::walk_by_index(std::string_view file) {
  if (!index_) return false;
  for (const BlockPlace place : *index_) {
    const auto raw = read_block(file, place, checksum);
    if (raw && holds_entries(*raw)) {
      take(place, *raw);
    } else {
      const std::uint64_t end = place.offset + place.bytes + kBlockTrailerBytes;
      gap(std::min<std::uint64_t>(place.offset, file.size()),
          std::min<std::uint64_t>(end, file.size()));
    }
  }
  if (!erased_ranges_) return true;
  if (const auto raw = read_block(file, *erased_ranges_, checksum)) {
    take(*erased_ranges_, *raw);
  } else {
    end_damage = "the erased ranges are damaged";
  }
  return true;
}

void TableWalk::walk_by_blocks(std::string_view file) {
  const auto find = [&](std::uint64_t at, std::uint64_t packed_max) {
    auto place = find_raw_block(file, at, checksum);
    if (!place) place = find_packed_block(file, at, checksum, packed_max);
    return place;
  };
  std::uint64_t at = 0;
  std::uint64_t bad = 0;  // where what is unread begins
  while (at < file.size() && !(entries_said && *entries_said == entries_found)) {
    const auto place = find(at, at == bad ? kPackedBytesMax : kPackedSearchBytesMax);
    std::optional<std::string> raw;
    if (place) raw = read_block(file, *place, checksum);
    if (!raw) {
      ++at;
      continue;
    }
    const bool ours = holds_entries(*raw);
    if (!ours) {
      at = place->offset + place->bytes + kBlockTrailerBytes;
      continue;
    }
    if (at != bad) gap(bad, at);
    take(*place, *raw);
    at = bad = place->offset + place->bytes + kBlockTrailerBytes;
  }
  // Behind the last block lie index and footer; that all was found the properties may say.
  if (entries_said && *entries_said == entries_found) return;
  if (!entries_said && bad != 0) {
    // Its end is gone: whether records are with it nobody can say.
    gap(std::min<std::uint64_t>(bad, file.size()), file.size());
    return;
  }
  if (bad < file.size() || bad == 0) gap(bad, file.size());
}

}  // namespace caveat::detail
