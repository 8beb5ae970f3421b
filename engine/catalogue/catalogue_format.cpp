#include "engine/catalogue/catalogue_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
#include "pool/invariant.h"

namespace caveat::catalogue_format {

namespace {

constexpr std::size_t kCheckOffset = 12;
constexpr std::size_t kEntryHeaderBytesOfVersion1 = 4 + 8 + 2;
static_assert(kHeaderBytes == kCheckOffset + 4);
static_assert(kMaxPropertyNameBytes <= 0xFFFF, "a name's length was a u16");
static_assert(kEntriesMax <= 0xFFFF, "the number of entries is a u16");

using Take = std::function<Result<void>(const Entry&)>;

std::uint32_t check_of(std::string_view segment) noexcept {
  return static_cast<std::uint32_t>(checksum_around(segment, kCheckOffset, 4));
}

tl::unexpected<StorageError> corrupt(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("catalogue segment: {}", what));
}

std::size_t shared_bytes(std::string_view a, std::string_view b) noexcept {
  const auto end = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(end.first - a.begin());
}

void append_segment(std::span<const Entry> entries, std::string& out) {
  const std::size_t start = out.size();
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, std::uint8_t{0});
  put_fixed(out, static_cast<std::uint16_t>(entries.size()));
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, entries[0].id);
  std::string rests;
  std::string texts;
  std::string hashes;
  std::string_view before;
  for (const auto& entry : entries) {
    const std::size_t shared = shared_bytes(before, entry.name);
    put_varint(shared, out);
    put_varint(entry.name.size() - shared, rests);
    texts.append(entry.name.substr(shared));
    if (entry.name.empty()) put_fixed(hashes, entry.hash);
    before = entry.name;
  }
  out.append(rests).append(texts).append(hashes);
  set_fixed(out, start + 8, static_cast<std::uint32_t>(out.size() - start));
  set_fixed(out, start + kCheckOffset, check_of(std::string_view(out).substr(start)));
}

Result<void> read_version_1(std::size_t count, std::string_view rest, const Take& take) {
  for (std::size_t i = 0; i < count; ++i) {
    if (rest.size() < kEntryHeaderBytesOfVersion1) return corrupt("ends inside an entry");
    const std::size_t length = get_fixed<std::uint16_t>(rest, 12);
    if (rest.size() - kEntryHeaderBytesOfVersion1 < length || length > kMaxPropertyNameBytes) {
      return corrupt("impossible name length");
    }
    const Entry entry{get_fixed<std::uint32_t>(rest, 0), get_fixed<std::uint64_t>(rest, 4),
                      rest.substr(kEntryHeaderBytesOfVersion1, length)};
    if (entry.id == UINT32_MAX) return corrupt("impossible id");  // nor is it one in version 2
    if (length != 0 && hash_property(entry.name) != entry.hash) {
      return corrupt("a name with another hash");
    }
    CAVEAT_TRY(take(entry));
    rest.remove_prefix(kEntryHeaderBytesOfVersion1 + length);
  }
  if (!rest.empty()) return corrupt("bytes after its entries");
  return {};
}

Result<void> read_version_2(std::size_t count, std::string_view rest, const Take& take) {
  if (count == 0) return corrupt("no entries");
  std::uint32_t first = 0;
  if (!take_fixed(rest, first)) return corrupt("ends inside its header");
  if (first > UINT32_MAX - count) return corrupt("impossible id");
  struct Lengths {
    std::uint64_t shared;
    std::uint64_t more;
  };
  if (rest.size() < 2 * count) return corrupt("ends inside its lengths");  // before memory is taken
  std::vector<Lengths> lengths(count);
  for (auto& length : lengths) {
    if (!take_varint(rest, length.shared)) return corrupt("ends inside its lengths");
  }
  std::uint64_t text_bytes = 0;
  std::uint64_t hash_bytes = 0;
  std::uint64_t before = 0;
  for (auto& length : lengths) {
    if (!take_varint(rest, length.more)) return corrupt("ends inside its lengths");
    if (length.shared > before || length.more > kMaxPropertyNameBytes - length.shared) {
      return corrupt("impossible name length");
    }
    before = length.shared + length.more;
    text_bytes += length.more;
    if (before == 0) hash_bytes += sizeof(PropertyHash);
  }
  if (rest.size() != text_bytes + hash_bytes) return corrupt("another size of names");
  std::string_view hashes = rest.substr(text_bytes);
  std::string name;
  for (std::size_t i = 0; i < count; ++i) {
    name.resize(lengths[i].shared);
    name.append(rest.substr(0, lengths[i].more));
    rest.remove_prefix(lengths[i].more);
    Entry entry{static_cast<std::uint32_t>(first + i), 0, name};
    if (name.empty()) {
      static_cast<void>(take_fixed(hashes, entry.hash));
    } else {
      entry.hash = hash_property(name);
    }
    CAVEAT_TRY(take(entry));
  }
  return {};
}

}  // namespace

std::string waiting_key(PropertyHash hash) {
  std::string key = "N";
  put_big_endian(key, hash);
  return key;
}

std::string page_key(std::uint32_t page) {
  std::string key = "C";
  put_fixed(key, __builtin_bswap32(page));
  return key;
}

void append_segments(const std::vector<Entry>& entries, std::string& out) {
  CAVEAT_ASSERT(!entries.empty() && entries.size() <= kEntriesMax);
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= entries.size(); ++i) {
    if (i < entries.size() && entries[i].id == entries[i - 1].id + 1) continue;
    append_segment(std::span(entries).subspan(begin, i - begin), out);
    begin = i;
  }
}

Result<void> read_page(std::string_view value, const Take& take) {
  while (!value.empty()) {
    if (value.size() < kHeaderBytes) return corrupt("ends inside its header");
    if (get_fixed<std::uint32_t>(value, 0) != kMagic) return corrupt("wrong magic");
    const std::size_t size = get_fixed<std::uint32_t>(value, 8);
    if (size < kHeaderBytes || size > value.size()) return corrupt("impossible size");
    if (get_fixed<std::uint32_t>(value, kCheckOffset) != check_of(value.substr(0, size))) {
      return corrupt("checksum differs");
    }
    const auto version = static_cast<std::uint8_t>(value[4]);
    if (version > kVersion) {
      return fail(ErrorCode::unsupported_format,
                  fmt::format("catalogue segment: version {}; this caveat knows up to {}", version,
                              kVersion));
    }
    if (version == 0 || value[5] != 0) return corrupt("unknown version");
    const std::size_t count = get_fixed<std::uint16_t>(value, 6);
    const auto rest = value.substr(kHeaderBytes, size - kHeaderBytes);
    CAVEAT_TRY(version == 1 ? read_version_1(count, rest, take)
                            : read_version_2(count, rest, take));
    value.remove_prefix(size);
  }
  return {};
}

}  // namespace caveat::catalogue_format
