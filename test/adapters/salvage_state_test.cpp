// Which state of a key a salvage takes, and the file that it may take names from.
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "adapters/rocksdb/salvage_state.h"
#include "adapters/rocksdb/spare_copy.h"
#include "test/adapters/harness.h"
#include "test/support/store_files.h"

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

TEST_CASE(
    "a second copy that cannot be written, or not be put in its place, leaves the older one") {
  namespace fs = std::filesystem;
  const test::ScratchDirectory scratch;
  const fs::path& path = scratch.path();
  const SpareEntries older = {{"C1", "older"}}, newer = {{"C1", "newer"}};
  REQUIRE(write_spare(path, older));
  REQUIRE(write_spare(path, older));  // in the place of one
  const auto check = [&](const Result<void>& written, ErrorCode code) {
    REQUIRE_FALSE(written);
    CHECK(written.error().code() == code);
    CHECK(written.error().message().find(path / kSpareDraft) == 0);
    CHECK_FALSE(fs::exists(fs::symlink_status(path / kSpareDraft)));
    CHECK(test::bytes_of(path / kSpareFile) == encode_spare(older));
  };
  // A disk that is full from the first byte on, and one that takes some.
  fs::create_symlink("/dev/full", path / kSpareDraft);
  check(write_spare(path, newer), ErrorCode::no_space);
  struct rlimit was {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &was) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {16, was.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto cut = write_spare(path, newer);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &was) == 0);
  std::signal(SIGXFSZ, handler);
  check(cut, ErrorCode::io_error);

  fs::create_directory(path / kSpareDraft);
  CHECK(write_spare(path, newer).error().code() == ErrorCode::io_error);
  fs::remove(path / kSpareDraft);
  CHECK(test::bytes_of(path / kSpareFile) == encode_spare(older));
  fs::remove(path / kSpareFile);
  fs::create_directories(path / kSpareFile / "full");
  CHECK(write_spare(path, newer).error().code() == ErrorCode::io_error);
  CHECK_FALSE(fs::exists(path / kSpareDraft));
  fs::remove_all(path / kSpareFile);
  REQUIRE(write_spare(path, newer));
  CHECK(test::bytes_of(path / kSpareFile) == encode_spare(newer));
  CHECK_FALSE(fs::exists(path / kSpareDraft));
}
