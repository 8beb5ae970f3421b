// Pages of the directory and superblocks whose numbers stand on their borders: what is just allowed
// is read, what is just not is refused.
#include <catch2/catch.hpp>
#include <limits>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
#include "engine/store/directory_page.h"
#include "engine/store/partition_ids.h"
#include "engine/store/superblock.h"

namespace caveat::test {

namespace {

std::string page_of(const std::vector<PartitionEntry>& entries,
                    const std::optional<ExceptionKey>& upper = std::nullopt) {
  std::string out;
  encode_directory_page(entries, upper, out);
  return out;
}

bool reads(std::string page) {
  set_fixed(page, 12, static_cast<std::uint32_t>(checksum_around(page, 12, 4)));
  return decode_directory_page(page, true).has_value();
}

PartitionEntry entry_of(NodeId node, PropertyHash property = 0) {
  PartitionEntry entry;
  entry.lower = {node, property};
  entry.id = node + 1;
  return entry;
}

}  // namespace

TEST_CASE("a page of as many entries as one may have, with the largest numbers, is read",
          "[bytes]") {
  std::vector<PartitionEntry> entries;
  for (std::size_t i = 0; i < kDirectoryPageEntriesMax; ++i) {
    PartitionEntry entry = entry_of(i * 3);
    entry.id = i % 2 == 0 ? 1 : ~PartitionId{0};
    entry.rows = entry.run_rows = entry.bytes = UINT32_MAX - static_cast<std::uint32_t>(i % 2);
    entry.raw_bytes = ~std::uint64_t{0};
    entry.as_of_min = i % 3 == 0 ? 0 : kMaxSequence;
    entries.push_back(entry);
  }
  entries.back().lower = {~NodeId{0}, ~PropertyHash{0}};
  const auto page = decode_directory_page(page_of(entries), true);
  REQUIRE(page);
  REQUIRE(page->entries.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    CHECK(page->entries[i].lower == entries[i].lower);
    CHECK(page->entries[i].id == entries[i].id);
    CHECK(page->entries[i].rows == entries[i].rows);
    CHECK(page->entries[i].run_rows == entries[i].run_rows);
    CHECK(page->entries[i].bytes == entries[i].bytes);
    CHECK(page->entries[i].raw_bytes == entries[i].raw_bytes);
    CHECK(page->entries[i].as_of_min == entries[i].as_of_min);
  }
  // One that claims to have one more, with the bytes for it; and one that claims to have none.
  entries.pop_back();
  std::string claims = page_of(entries);
  set_fixed(claims, 8, std::uint32_t{0});
  CHECK_FALSE(reads(claims));
}

TEST_CASE("two entries of one lower bound, or one at the upper bound, are refused", "[bytes]") {
  CHECK(reads(page_of({entry_of(1), entry_of(2)})));
  CHECK(reads(page_of({entry_of(2, 4), entry_of(2, 5)}, ExceptionKey{2, 6})));
  CHECK_FALSE(reads(page_of({entry_of(2, 5), entry_of(2, 5)})));
  CHECK_FALSE(reads(page_of({entry_of(2, 5), entry_of(2, 4)})));
  CHECK_FALSE(reads(page_of({entry_of(2, 5)}, ExceptionKey{2, 5})));
  // The layout of version 2: the second entry is the first one again.
  std::string old = page_of({entry_of(2, 5), entry_of(3, 5)}).substr(0, 32);
  old[4] = 2;
  for (const PropertyHash property : {4U, 4U}) {
    put_fixed(old, NodeId{2});
    put_fixed(old, PropertyHash{property});
    old.append(8 + 4 + 4 + 4 + 8 + 8 + 1, '\0');
  }
  CHECK_FALSE(reads(old));
  old[32 + 8] = 3;
  CHECK(reads(old));
}

TEST_CASE("counts of a filter that are no 32 bits are refused, not cut", "[bytes]") {
  PartitionEntry entry = entry_of(2);
  KeyFilter filter(4);
  filter.add(ExceptionKey{2, 3});
  entry.filter = std::make_shared<const KeyFilter>(std::move(filter));
  const std::string page = page_of({entry});
  REQUIRE(reads(page));
  // A byte each of node, id and six numbers, the hash among them; then added and capacity.
  const std::size_t added = 32 + 1 + 8 + 7;
  REQUIRE(page[added] == 2);  // the key, and its node
  for (const std::size_t at : {added, added + 1}) {
    std::string large;
    put_varint((std::uint64_t{1} << 32) + static_cast<unsigned char>(page[at]), large);
    CHECK_FALSE(reads(page.substr(0, at) + large + page.substr(at + 1)));
  }
}

TEST_CASE("a filter without a block, or without room, is refused", "[bytes]") {
  const std::string words(128, '\x11');
  const auto made = [&](std::uint32_t blocks, std::uint32_t capacity) {
    std::string_view bytes = words;
    return KeyFilter::from_words({.added = 1, .capacity = capacity, .blocks = blocks}, bytes)
        .has_value();
  };
  CHECK(made(1, 1));
  CHECK(made(2, 1));
  CHECK_FALSE(made(0, 1));
  CHECK_FALSE(made(1, 0));
  CHECK_FALSE(made(3, 1));
  CHECK_FALSE(made(~0U, 1));
}

TEST_CASE("a superblock may shift times by 63 bits and no more", "[bytes]") {
  for (const std::uint8_t shift : {0, 36, 63, 64, 255}) {
    Superblock block;
    block.temporal_shift = shift;
    std::string bytes;
    block.encode(bytes);
    CHECK(Superblock::decode(bytes).has_value() == (shift <= 63));
  }
}

// Ids beyond wrote where there is no memory, and with the other two every later write counted as
// older than what is stored.
TEST_CASE("a superblock's counters end where the store's own do", "[bytes]") {
  const auto reads = [](const auto& set) {
    Superblock block;
    set(block);
    std::string bytes;
    block.encode(bytes);
    return Superblock::decode(bytes).has_value();
  };
  const auto ids = [&](std::uint64_t end) {
    return reads([&](Superblock& block) { block.partition_ids_end = end; });
  };
  CHECK_FALSE(ids(0));
  CHECK(ids(1));
  CHECK(ids(PartitionIds::kIdsMax));
  CHECK_FALSE(ids(PartitionIds::kIdsMax + 1));
  for (const std::uint64_t number : {kCountersEnd - 1, kCountersEnd, ~std::uint64_t{0}}) {
    const bool allowed = number < kCountersEnd;
    CHECK(reads([&](Superblock& block) { block.folded_through = number; }) == allowed);
    CHECK(reads([&](Superblock& block) { block.dropped_generation = number; }) == allowed);
  }
}

}  // namespace caveat::test
