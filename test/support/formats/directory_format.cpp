#include "engine/partition/key_filter.h"
#include "engine/store/directory_page.h"

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/support/formats/format.h"
#include "test/support/formats/records.h"

namespace caveat::test {

namespace {

constexpr std::size_t kCheckAt = 12, kHeaderBytes = 32;

KeyFilter cldr_filter(std::size_t count) {
  KeyFilter filter(count * 2);
  for (const auto& record : cldr_records(count)) filter.add(record.key);
  return filter;
}

// As stores of before have them.
std::string page_of_version_2(const std::vector<PartitionEntry>& entries,
                              const std::optional<ExceptionKey>& upper) {
  std::string out;
  encode_directory_page(entries, upper, out);
  out.resize(kHeaderBytes);
  out[4] = 2;
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
  set_fixed(out, kCheckAt, static_cast<std::uint32_t>(checksum_around(out, kCheckAt, 4)));
  return out;
}

std::string cldr_page(std::size_t count, bool bounded, bool filters, int version = 3) {
  std::vector<PartitionEntry> entries;
  for (std::size_t i = 0; i < count; ++i) {
    PartitionEntry entry;
    entry.lower = {i * 61, i == 0 ? 0 : hash_property(cldr_property(i))};
    entry.id = 1 + i * 3;
    entry.rows = static_cast<std::uint32_t>(200 + i);
    entry.run_rows = static_cast<std::uint32_t>(i % 4);
    entry.bytes = static_cast<std::uint32_t>(6000 + 11 * i);
    entry.raw_bytes = 24'000 + i;
    entry.as_of_min = i % 5 == 0 ? kMaxSequence : 100'000 + i;
    if (filters && i % 3 != 2)
      entry.filter = std::make_shared<const KeyFilter>(cldr_filter(4 + i * 9));
    entries.push_back(std::move(entry));
  }
  const auto upper = bounded ? std::optional(ExceptionKey{count * 61, 7}) : std::nullopt;
  std::string out;
  if (version == 2) return page_of_version_2(entries, upper);
  encode_directory_page(entries, upper, out);
  return out;
}

Result<std::string> again(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto page, decode_directory_page(bytes, true));
  std::string out;
  encode_directory_page(page.entries, page.upper, out);
  return out;
}

Result<std::string> read(std::string_view bytes) {
  CAVEAT_ASSIGN(auto out, again(bytes));
  must_hold(bytes.size() < 5 || bytes[4] != 3 || out == bytes, "a page has two encodings");
  const auto bare = decode_directory_page(bytes, false);
  must_hold(bare.has_value(), "a page is refused only without its filters");
  const auto whole = decode_directory_page(bytes, true);
  must_hold(bare->upper == whole->upper && bare->entries.size() == whole->entries.size(),
            "a page says something else without its filters");
  for (std::size_t i = 0; i < bare->entries.size(); ++i) {
    must_hold(bare->entries[i].lower == whole->entries[i].lower && !bare->entries[i].filter,
              "an entry says something else without its filter");
    const auto& filter = whole->entries[i].filter;
    if (filter) static_cast<void>(filter->may_contain(filter_hash(NodeId{62})));
  }
  return out;
}

Result<std::string> filter_again(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto filter, KeyFilter::decode(bytes));
  if (!bytes.empty()) return fail(ErrorCode::corruption, "bytes behind the filter");
  for (NodeId node = 0; node < 100; ++node)
    static_cast<void>(filter.may_contain(filter_hash(node)));
  std::string out;
  filter.encode(out);
  return out;
}

}  // namespace

Format directory_page_format() {
  Format format;
  format.name = "directory_page";
  format.samples = {cldr_page(1, false, false), cldr_page(5, true, true), cldr_page(9, true, false),
                    cldr_page(5, true, true, 2)};
  format.read = read;
  format.write_again = again;
  format.seal = [](std::string& bytes) {
    if (bytes.size() < kHeaderBytes) return;
    set_fixed(bytes, kCheckAt, static_cast<std::uint32_t>(checksum_around(bytes, kCheckAt, 4)));
  };
  return format;
}

// A page carries its checksum.
Format key_filter_format() {
  Format format;
  format.name = "key_filter";
  for (const std::size_t count : {1, 30}) {
    std::string out;
    cldr_filter(count).encode(out);
    format.samples.push_back(std::move(out));
  }
  format.read = filter_again;
  format.write_again = filter_again;
  format.canonical = true;
  return format;
}

}  // namespace caveat::test
