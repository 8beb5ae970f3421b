#include "engine/store/directory_page.h"

#include <fmt/format.h>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/partition/container.h"
#include "pool/invariant.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x50445643;  // "CVDP"
constexpr std::uint8_t kVersion = 2;
constexpr std::size_t kBoundedOffset = 5;
constexpr std::size_t kReservedOffset = 6;
constexpr std::size_t kCheckOffset = 12;
constexpr std::size_t kUpperOffset = 16;
constexpr std::size_t kHeaderBytes = 32;
static_assert(kUpperOffset == kCheckOffset + 4 && kHeaderBytes == kUpperOffset + 16);

tl::unexpected<StorageError> corrupt(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("directory page: {}", what));
}

}  // namespace

std::string directory_page_key(const ExceptionKey& lower) {
  return "D" + encode_key(lower);
}
std::string directory_mark_key(const ExceptionKey& lower) {
  return "X" + encode_key(lower);
}

void encode_directory_page(std::span<const PartitionEntry> entries,
                           const std::optional<ExceptionKey>& upper, std::string& out) {
  CAVEAT_ASSERT(!entries.empty() && entries.size() <= kDirectoryPageEntriesMax);
  const std::size_t start = out.size();
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, static_cast<std::uint8_t>(upper ? 1 : 0));
  out.append(2, '\0');
  put_fixed(out, static_cast<std::uint32_t>(entries.size()));
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, upper ? upper->node_id : 0);
  put_fixed(out, upper ? upper->property_hash : 0);
  for (const auto& entry : entries) {
    put_fixed(out, entry.lower.node_id);
    put_fixed(out, entry.lower.property_hash);
    put_fixed(out, entry.id);
    put_fixed(out, entry.rows);
    put_fixed(out, entry.run_rows);
    put_fixed(out, entry.bytes);
    put_fixed(out, entry.raw_bytes);
    put_fixed(out, entry.as_of_min);
    put_fixed(out, static_cast<std::uint8_t>(entry.filter ? 1 : 0));
    if (entry.filter) entry.filter->encode(out);
  }
  set_fixed(out, start + kCheckOffset,
            static_cast<std::uint32_t>(
                checksum_around(std::string_view(out).substr(start), kCheckOffset, 4)));
}

Result<DirectoryPage> decode_directory_page(std::string_view bytes, bool with_filters) {
  if (bytes.size() < kHeaderBytes || get_fixed<std::uint32_t>(bytes, 0) != kMagic) {
    return corrupt("wrong magic");
  }
  if (static_cast<std::uint8_t>(bytes[4]) != kVersion) return corrupt("unknown version");
  const auto count = get_fixed<std::uint32_t>(bytes, 8);
  if (get_fixed<std::uint32_t>(bytes, kCheckOffset) !=
      static_cast<std::uint32_t>(checksum_around(bytes, kCheckOffset, 4))) {
    return corrupt("checksum differs");
  }
  if (count == 0 || count > kDirectoryPageEntriesMax) return corrupt("impossible entry count");
  DirectoryPage page;
  const auto bounded = static_cast<std::uint8_t>(bytes[kBoundedOffset]);
  if (bounded > 1) return corrupt("impossible upper bound");
  if (get_fixed<std::uint16_t>(bytes, kReservedOffset) != 0) {
    return corrupt("reserved bytes are not zero");
  }
  if (bounded == 0 && (get_fixed<std::uint64_t>(bytes, kUpperOffset) != 0 ||
                       get_fixed<std::uint64_t>(bytes, kUpperOffset + 8) != 0)) {
    return corrupt("the last page has an upper bound");
  }
  if (bounded == 1) {
    page.upper = ExceptionKey{get_fixed<std::uint64_t>(bytes, kUpperOffset),
                              get_fixed<std::uint64_t>(bytes, kUpperOffset + 8)};
  }
  std::vector<PartitionEntry>& entries = page.entries;
  entries.reserve(count);
  std::string_view rest = bytes.substr(kHeaderBytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    PartitionEntry entry;
    std::uint8_t has_filter = 0;
    if (!take_fixed(rest, entry.lower.node_id) || !take_fixed(rest, entry.lower.property_hash) ||
        !take_fixed(rest, entry.id) || !take_fixed(rest, entry.rows) ||
        !take_fixed(rest, entry.run_rows) || !take_fixed(rest, entry.bytes) ||
        !take_fixed(rest, entry.raw_bytes) || !take_fixed(rest, entry.as_of_min) ||
        !take_fixed(rest, has_filter)) {
      return corrupt("ends inside an entry");
    }
    if (has_filter > 1 || (!entries.empty() && !(entries.back().lower < entry.lower))) {
      return corrupt("entries out of order");
    }
    if (has_filter == 1) {
      CAVEAT_ASSIGN(auto filter, KeyFilter::decode(rest));
      if (with_filters) entry.filter = make_lasting<KeyFilter>(std::move(filter));
    }
    entries.push_back(std::move(entry));
  }
  if (!rest.empty()) return corrupt("bytes after its entries");
  if (page.upper && !(entries.back().lower < *page.upper)) return corrupt("entries out of bounds");
  return page;
}

}  // namespace caveat
