// Which state of a key a salvage takes, and the file that it may take names from.
#include <catch2/catch.hpp>

#include "adapters/rocksdb/salvage_state.h"
#include "adapters/rocksdb/spare_copy.h"

using namespace caveat;
using namespace caveat::detail;

namespace {

SalvagedEntry entry(std::string key, std::uint64_t sequence, EntryKind kind, std::uint32_t number,
                    std::uint64_t bytes = 1) {
  return {std::move(key), sequence, kind, {ValuePlace::kInMemory, number, bytes, {}}};
}

std::vector<std::uint32_t> numbers(const ValueChain& chain) {
  std::vector<std::uint32_t> all;
  for (const auto& part : chain.parts) all.push_back(part.entry);
  return all;
}

std::string joined(const std::vector<std::pair<std::string, bool>>& parts) {
  JoinedValue value;
  for (const auto& [part, begins] : parts) value.add(part, begins);
  return value.take();
}

}  // namespace

TEST_CASE("a salvage takes the newest value and what was appended to it") {
  const auto states =
      newest_states({entry("a", 7, EntryKind::append, 3), entry("a", 2, EntryKind::put, 1),
                     entry("a", 5, EntryKind::put, 2), entry("a", 9, EntryKind::append, 4),
                     entry("b", 3, EntryKind::put, 5), entry("b", 4, EntryKind::erase, 6),
                     entry("c", 8, EntryKind::erase, 7), entry("c", 9, EntryKind::append, 8)},
                    {});
  REQUIRE(states.size() == 2);
  CHECK(states.at("a").begins);
  CHECK(numbers(states.at("a")) == std::vector<std::uint32_t>{2, 3, 4});
  CHECK_FALSE(states.at("c").begins);
  CHECK(numbers(states.at("c")) == std::vector<std::uint32_t>{8});
}

TEST_CASE("a salvage takes one of two entries of a sequence, the joined one") {
  const auto states = newest_states(
      {entry("a", 5, EntryKind::append, 1, 10), entry("a", 5, EntryKind::append, 2, 30),
       entry("a", 4, EntryKind::append, 3, 10)},
      {});
  CHECK(numbers(states.at("a")) == std::vector<std::uint32_t>{3, 2});
}

TEST_CASE("a salvage leaves out what a range was erased of") {
  const auto states =
      newest_states({entry("a", 5, EntryKind::put, 1), entry("b", 5, EntryKind::put, 2),
                     entry("b", 9, EntryKind::put, 3), entry("c", 5, EntryKind::put, 4)},
                    {{"a", "c", 7}});
  REQUIRE(states.size() == 2);
  CHECK(numbers(states.at("b")) == std::vector<std::uint32_t>{3});
  CHECK(states.contains("c"));
}

TEST_CASE("parts that a later part holds count once") {
  CHECK(joined({{"base", true}, {"1", false}, {"2", false}}) == "base12");
  CHECK(joined({{"1", false}, {"2", false}, {"123", false}, {"4", false}}) == "1234");
  CHECK(joined({{"1", false}, {"2", false}, {"23", false}}) == "123");
  CHECK(joined({{"base12", true}, {"1", false}, {"2", false}}) == "base12");
  CHECK(joined({{"11", false}, {"1", false}}) == "111");
}

TEST_CASE("caveat.spare has the bytes that its page says", "[golden]") {
  const std::string bytes = encode_spare({{"C1", "page"}, {"Z1", ""}});
  CHECK(bytes.substr(0, 16) == std::string("CVSP\x01\0\0\0\x02\0\0\0\x14\0\0\0", 16));
  // What is short does not shrink: a raw block of its 20 bytes.
  CHECK(bytes.substr(24, 9) == std::string("\x28\xB5\x2F\xFD\x20\x14\xA1\0\0", 9));
  CHECK(bytes.substr(33) == std::string("\x02\0\x04\0\0\0C1page\x02\0\0\0\0\0Z1", 20));
  const auto read = decode_spare(bytes);
  REQUIRE(read);
  CHECK(*read == SpareEntries{{"C1", "page"}, {"Z1", ""}});
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    auto damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    CHECK_FALSE(decode_spare(damaged));
    CHECK_FALSE(decode_spare(bytes.substr(0, at)));
  }
}

TEST_CASE("caveat.spare takes a fraction of what it copies", "[regression]") {
  SpareEntries entries;
  for (int page = 0; page < 100; ++page) {
    std::string names;
    for (int i = 0; i < 50; ++i) {
      names += "dates/calendars/calendar/months/monthWidth/month[@type=\"" +
               std::to_string(page * 50 + i) + "\"]";
    }
    entries.emplace_back("C" + std::to_string(100 + page), std::move(names));
  }
  const std::string bytes = encode_spare(entries);
  CHECK(decode_spare(bytes) == entries);
  CHECK(bytes.size() < 100 * 50 * 60 / 8);
}
