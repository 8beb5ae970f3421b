#include "engine/catalogue/catalogue_format.h"

#include <fmt/format.h>
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "pool/invariant.h"

namespace caveat::catalogue_format {

namespace {

constexpr std::size_t kCheckOffset = 12;
constexpr std::size_t kEntryHeaderBytes = 4 + 8 + 2;
static_assert(kHeaderBytes == kCheckOffset + 4);
static_assert(kMaxPropertyNameBytes <= 0xFFFF, "a name's length is a u16");

std::uint32_t check_of(std::string_view segment) noexcept {
  return static_cast<std::uint32_t>(checksum_around(segment, kCheckOffset, 4));
}

tl::unexpected<StorageError> corrupt(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("catalogue segment: {}", what));
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

void append_segment(const std::vector<Entry>& entries, std::string& out) {
  CAVEAT_ASSERT(!entries.empty() && entries.size() <= kEntriesMax);
  const std::size_t start = out.size();
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, std::uint8_t{0});
  put_fixed(out, static_cast<std::uint16_t>(entries.size()));
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, std::uint32_t{0});
  for (const auto& entry : entries) {
    put_fixed(out, entry.id);
    put_fixed(out, entry.hash);
    put_fixed(out, static_cast<std::uint16_t>(entry.name.size()));
    out.append(entry.name);
  }
  set_fixed(out, start + 8, static_cast<std::uint32_t>(out.size() - start));
  set_fixed(out, start + kCheckOffset, check_of(std::string_view(out).substr(start)));
}

Result<std::vector<Entry>> parse_page(std::string_view value) {
  std::vector<Entry> entries;
  while (!value.empty()) {
    if (value.size() < kHeaderBytes) return corrupt("ends inside its header");
    if (get_fixed<std::uint32_t>(value, 0) != kMagic) return corrupt("wrong magic");
    if (static_cast<std::uint8_t>(value[4]) != kVersion || value[5] != 0) {
      return corrupt("unknown version");
    }
    const std::size_t count = get_fixed<std::uint16_t>(value, 6);
    const std::size_t size = get_fixed<std::uint32_t>(value, 8);
    if (size < kHeaderBytes || size > value.size()) return corrupt("impossible size");
    if (get_fixed<std::uint32_t>(value, kCheckOffset) != check_of(value.substr(0, size))) {
      return corrupt("checksum differs");
    }
    std::string_view rest = value.substr(kHeaderBytes, size - kHeaderBytes);
    for (std::size_t i = 0; i < count; ++i) {
      if (rest.size() < kEntryHeaderBytes) return corrupt("ends inside an entry");
      const std::size_t length = get_fixed<std::uint16_t>(rest, 12);
      if (rest.size() - kEntryHeaderBytes < length || length > kMaxPropertyNameBytes) {
        return corrupt("impossible name length");
      }
      entries.push_back({get_fixed<std::uint32_t>(rest, 0), get_fixed<std::uint64_t>(rest, 4),
                         rest.substr(kEntryHeaderBytes, length)});
      rest.remove_prefix(kEntryHeaderBytes + length);
    }
    if (!rest.empty()) return corrupt("bytes after its entries");
    value.remove_prefix(size);
  }
  return entries;
}

}  // namespace caveat::catalogue_format
