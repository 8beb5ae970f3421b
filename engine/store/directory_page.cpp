#include "engine/store/directory_page.h"

#include <fmt/format.h>

#include <limits>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
#include "engine/partition/container.h"
#include "pool/invariant.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x50445643;  // "CVDP"
constexpr std::uint8_t kVersion = 3;
constexpr std::uint8_t kVersionBefore = 2;
constexpr std::size_t kBoundedOffset = 5;
constexpr std::size_t kReservedOffset = 6;
constexpr std::size_t kCheckOffset = 12;
constexpr std::size_t kUpperOffset = 16;
constexpr std::size_t kHeaderBytes = 32;
static_assert(kUpperOffset == kCheckOffset + 4 && kHeaderBytes == kUpperOffset + 16);

tl::unexpected<StorageError> corrupt(std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("directory page: {}", what));
}

// Wraps around as it was made: any two numbers have a difference.
std::uint64_t difference(std::uint64_t to, std::uint64_t from) noexcept {
  return zigzag(static_cast<std::int64_t>(to - from));
}

// `number(entry, before)` of each entry and the one before it.
template <class Number>
void put_column(std::span<const PartitionEntry> entries, std::string& out, const Number& number) {
  const PartitionEntry none;
  const PartitionEntry* before = &none;
  for (const auto& entry : entries) {
    put_varint(number(entry, *before), out);
    before = &entry;
  }
}

void encode_entries(std::span<const PartitionEntry> entries, std::string& out) {
  using Entry = PartitionEntry;
  const auto plain = [&](auto member) {
    put_column(entries, out, [member](const Entry& entry, const Entry&) -> std::uint64_t {
      return entry.*member;
    });
  };
  put_column(entries, out, [](const Entry& entry, const Entry& before) {
    return entry.lower.node_id - before.lower.node_id;
  });
  for (const auto& entry : entries) put_fixed(out, entry.lower.property_hash);
  put_column(entries, out, [](const Entry& entry, const Entry& before) {
    return difference(entry.id, before.id);
  });
  plain(&Entry::rows);
  plain(&Entry::run_rows);
  plain(&Entry::bytes);
  plain(&Entry::raw_bytes);
  put_column(entries, out, [](const Entry& entry, const Entry& before) {
    return difference(entry.as_of_min, before.as_of_min);
  });
  put_column(entries, out, [](const Entry& entry, const Entry&) -> std::uint64_t {
    return entry.filter ? entry.filter->size().blocks : 0;
  });
  for (const auto& entry : entries) {
    if (!entry.filter) continue;
    put_varint(entry.filter->size().added, out);
    put_varint(entry.filter->size().capacity, out);
  }
  for (const auto& entry : entries) {
    if (entry.filter) entry.filter->append_words(out);
  }
}

// Takes a column off the front; false where the bytes end or a number is no T.
template <class T, class Set>
bool take_column(std::vector<PartitionEntry>& entries, std::string_view& rest, const Set& set) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    std::uint64_t number = 0;
    if (!take_varint(rest, number) || number > std::numeric_limits<T>::max()) return false;
    set(i, static_cast<T>(number));
  }
  return true;
}

Result<void> decode_entries(std::string_view rest, bool with_filters,
                            std::vector<PartitionEntry>& entries) {
  using Entry = PartitionEntry;
  const auto plain = [&]<class T>(T Entry::*member) {
    return take_column<T>(entries, rest,
                          [&](std::size_t i, T value) { entries[i].*member = value; });
  };
  const auto changes = [&](std::uint64_t Entry::*member) {
    std::uint64_t before = 0;
    return take_column<std::uint64_t>(entries, rest, [&](std::size_t i, std::uint64_t change) {
      before += static_cast<std::uint64_t>(unzigzag(change));
      entries[i].*member = before;
    });
  };
  std::uint64_t node = 0;
  bool whole = take_column<std::uint64_t>(entries, rest, [&](std::size_t i, std::uint64_t more) {
    entries[i].lower.node_id = node += more;
  });
  for (std::size_t i = 0; whole && i < entries.size(); ++i) {
    whole = take_fixed(rest, entries[i].lower.property_hash);
  }
  std::vector<KeyFilter::Size> filters(entries.size());
  whole = whole && changes(&Entry::id) && plain(&Entry::rows) && plain(&Entry::run_rows) &&
          plain(&Entry::bytes) && plain(&Entry::raw_bytes) && changes(&Entry::as_of_min) &&
          take_column<std::uint32_t>(entries, rest, [&](std::size_t i, std::uint32_t blocks) {
            filters[i].blocks = blocks;
          });
  for (auto& filter : filters) {
    std::uint64_t added = 0;
    std::uint64_t capacity = 0;
    if (filter.blocks == 0) continue;
    whole = whole && take_varint(rest, added) && take_varint(rest, capacity) &&
            added <= UINT32_MAX && capacity <= UINT32_MAX;
    filter.added = static_cast<std::uint32_t>(added);
    filter.capacity = static_cast<std::uint32_t>(capacity);
  }
  if (!whole) return corrupt("ends inside a column, or holds no number");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (i > 0 && !(entries[i - 1].lower < entries[i].lower)) return corrupt("entries out of order");
    if (filters[i].blocks == 0) continue;
    CAVEAT_ASSIGN(auto filter, KeyFilter::from_words(filters[i], rest));
    if (with_filters) entries[i].filter = make_lasting<KeyFilter>(std::move(filter));
  }
  if (!rest.empty()) return corrupt("bytes after its entries");
  return {};
}

Result<void> decode_entries_of_version_2(std::string_view rest, bool with_filters,
                                         std::vector<PartitionEntry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PartitionEntry& entry = entries[i];
    std::uint8_t has_filter = 0;
    if (!take_fixed(rest, entry.lower.node_id) || !take_fixed(rest, entry.lower.property_hash) ||
        !take_fixed(rest, entry.id) || !take_fixed(rest, entry.rows) ||
        !take_fixed(rest, entry.run_rows) || !take_fixed(rest, entry.bytes) ||
        !take_fixed(rest, entry.raw_bytes) || !take_fixed(rest, entry.as_of_min) ||
        !take_fixed(rest, has_filter)) {
      return corrupt("ends inside an entry");
    }
    if (has_filter > 1 || (i > 0 && !(entries[i - 1].lower < entry.lower))) {
      return corrupt("entries out of order");
    }
    if (has_filter == 1) {
      CAVEAT_ASSIGN(auto filter, KeyFilter::decode(rest));
      if (with_filters) entry.filter = make_lasting<KeyFilter>(std::move(filter));
    }
  }
  if (!rest.empty()) return corrupt("bytes after its entries");
  return {};
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
  encode_entries(entries, out);
  set_fixed(out, start + kCheckOffset,
            static_cast<std::uint32_t>(
                checksum_around(std::string_view(out).substr(start), kCheckOffset, 4)));
}

Result<DirectoryPage> decode_directory_page(std::string_view bytes, bool with_filters) {
  if (bytes.size() < kHeaderBytes || get_fixed<std::uint32_t>(bytes, 0) != kMagic) {
    return corrupt("wrong magic");
  }
  const auto version = static_cast<std::uint8_t>(bytes[4]);
  if (version > kVersion) {
    return fail(
        ErrorCode::unsupported_format,
        fmt::format("directory page: version {}; this caveat knows up to {}", version, kVersion));
  }
  if (version < kVersionBefore) return corrupt("unknown version");
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
  entries.resize(count);
  const auto rest = bytes.substr(kHeaderBytes);
  CAVEAT_TRY(version == kVersion ? decode_entries(rest, with_filters, entries)
                                 : decode_entries_of_version_2(rest, with_filters, entries));
  if (page.upper && !(entries.back().lower < *page.upper)) return corrupt("entries out of bounds");
  return page;
}

}  // namespace caveat
