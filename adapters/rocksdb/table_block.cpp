#include "adapters/rocksdb/table_block.h"

#include <lz4.h>
#include <zstd.h>

#include <algorithm>

#include "adapters/rocksdb/crc32c.h"
#include "adapters/rocksdb/zstd_frame.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"

namespace caveat::detail {
namespace {

enum Packing : unsigned char { kRaw = 0, kLz4 = 4, kZstd = 7 };

std::uint32_t checksum_of(std::string_view contents, char packing,
                          TableChecksum checksum) noexcept {
  if (checksum == TableChecksum::crc32c) {
    const std::uint32_t crc = crc32c(crc32c(0, contents), {&packing, 1});
    return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
  }
  const auto low = static_cast<std::uint32_t>(XXH3_64bits(contents.data(), contents.size()));
  return low ^ (static_cast<unsigned char>(packing) * 0x6B9083D9U);
}

bool fits(std::string_view file, BlockPlace place) noexcept {
  return place.offset <= file.size() && file.size() - place.offset >= kBlockTrailerBytes &&
         place.bytes <= file.size() - place.offset - kBlockTrailerBytes;
}

std::optional<std::string> unpack(std::string_view packed, unsigned char packing) {
  std::uint64_t size = 0;
  if (!take_varint(packed, size) || size > kRawBlockBytesMax) return std::nullopt;
  if (packing == kZstd) {
    const auto said = ZSTD_getFrameContentSize(packed.data(), packed.size());
    if (said != ZSTD_CONTENTSIZE_UNKNOWN && said != size) return std::nullopt;
    return unpack_frame(packed, size);
  }
  // LZ4 packs no better than that; so nothing is asked of memory that is not in the file.
  if (packing != kLz4 || size > 255 * (packed.size() + 1)) return std::nullopt;
  std::string raw(size, '\0');
  const int written = LZ4_decompress_safe(
      packed.data(), raw.data(), static_cast<int>(packed.size()), static_cast<int>(raw.size()));
  if (written < 0 || static_cast<std::size_t>(written) != size) return std::nullopt;
  return raw;
}

}  // namespace

bool is_sound_block(std::string_view file, BlockPlace place, TableChecksum checksum) noexcept {
  if (!fits(file, place)) return false;
  const char packing = file[place.offset + place.bytes];
  return checksum_of(file.substr(place.offset, place.bytes), packing, checksum) ==
         get_fixed<std::uint32_t>(file, place.offset + place.bytes + 1);
}

std::optional<std::string> read_block(std::string_view file, BlockPlace place,
                                      TableChecksum checksum) {
  if (!is_sound_block(file, place, checksum)) return std::nullopt;
  const auto packing = static_cast<unsigned char>(file[place.offset + place.bytes]);
  const auto contents = file.substr(place.offset, place.bytes);
  if (packing == kRaw) return std::string(contents);
  return unpack(contents, packing);
}

BlockEntries::BlockEntries(std::string_view block) noexcept {
  constexpr std::uint32_t kCountMask = 0x7FFFFFFF;  // the highest bit: a hash index, never ours
  if (block.size() < sizeof(std::uint32_t)) {
    sound_ = false;
    return;
  }
  const std::uint64_t restarts =
      get_fixed<std::uint32_t>(block, block.size() - sizeof(std::uint32_t)) & kCountMask;
  const std::uint64_t tail = (restarts + 1) * sizeof(std::uint32_t);
  sound_ = tail <= block.size();
  if (sound_) rest_ = block.substr(0, block.size() - tail);
}

bool BlockEntries::next_raw(std::string_view& key, std::string_view& value) {
  if (rest_.empty()) return false;
  std::uint64_t shared = 0, own = 0, bytes = 0;
  sound_ = take_varint(rest_, shared) && take_varint(rest_, own) && take_varint(rest_, bytes) &&
           shared <= key_.size() && own <= rest_.size() && bytes <= rest_.size() - own;
  if (!sound_) return false;
  key_.resize(shared);
  key_.append(rest_.substr(0, own));
  key = key_;
  value = rest_.substr(own, bytes);
  rest_.remove_prefix(own + bytes);
  return true;
}

bool BlockEntries::next(TableEntry& entry) {
  std::string_view key;
  if (!next_raw(key, entry.value)) return false;
  sound_ = false;
  if (key.size() < kEntryKeyTailBytes) return false;
  const auto tail = get_fixed<std::uint64_t>(key, key.size() - kEntryKeyTailBytes);
  entry.kind = static_cast<EntryKind>(tail & 0xFF);
  switch (entry.kind) {
    case EntryKind::erase:
    case EntryKind::put:
    case EntryKind::append:
    case EntryKind::erase_range:
      break;
    default:
      return false;
  }
  sound_ = true;
  entry.sequence = tail >> 8;
  entry.key = key.substr(0, key.size() - kEntryKeyTailBytes);
  return true;
}

bool holds_entries(std::string_view block) {
  BlockEntries entries(block);
  TableEntry entry;
  bool any = false;
  while (entries.next(entry)) any = true;
  return any && entries.at_end();
}

// The restart points begin with the first entry's, which is zero: no entry begins so, as every key
// has its tail.
std::optional<BlockPlace> find_raw_block(std::string_view file, std::uint64_t offset,
                                         TableChecksum checksum) {
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  if (offset >= file.size()) return std::nullopt;
  std::string_view rest = file.substr(offset);
  std::size_t entries = 0;
  std::size_t key_bytes = 0;
  while (rest.size() >= 2 * kWord + kBlockTrailerBytes) {
    if (entries > 0 && get_fixed<std::uint32_t>(rest, 0) == 0) {
      const std::size_t points = std::min(entries, rest.size() / kWord - 1);
      for (std::size_t n = 1; n <= points; ++n) {
        if (get_fixed<std::uint32_t>(rest, n * kWord) != n) continue;
        const BlockPlace place{offset, file.size() - offset - rest.size() + (n + 1) * kWord};
        if (is_sound_block(file, place, checksum) && file[offset + place.bytes] == kRaw)
          return place;
      }
      return std::nullopt;
    }
    std::uint64_t shared = 0, own = 0, bytes = 0;
    if (!take_varint(rest, shared) || !take_varint(rest, own) || !take_varint(rest, bytes) ||
        shared > key_bytes || (entries == 0 && shared != 0) || shared + own == 0 ||
        own > rest.size() || bytes > rest.size() - own) {
      return std::nullopt;
    }
    key_bytes = shared + own;
    rest.remove_prefix(own + bytes);
    ++entries;
  }
  return std::nullopt;
}

std::optional<BlockPlace> find_packed_block(std::string_view file, std::uint64_t offset,
                                            TableChecksum checksum, std::uint64_t bytes_max) {
  constexpr std::uint64_t kRawMin = 16;
  if (offset >= file.size()) return std::nullopt;
  std::string_view rest = file.substr(offset);
  std::uint64_t raw = 0;
  if (!take_varint(rest, raw) || raw < kRawMin || raw > kRawBlockBytesMax) {
    return std::nullopt;
  }
  const std::uint64_t most = std::min<std::uint64_t>(raw + 16, file.size() - offset);
  for (std::uint64_t bytes = raw / 255; bytes + kBlockTrailerBytes <= most; ++bytes) {
    const auto packing = static_cast<unsigned char>(file[offset + bytes]);
    if (packing != kLz4 && packing != kZstd) continue;
    if (is_sound_block(file, {offset, bytes}, checksum)) return BlockPlace{offset, bytes};
    if (bytes > bytes_max) break;
    bytes_max -= bytes;
  }
  return std::nullopt;
}

}  // namespace caveat::detail
