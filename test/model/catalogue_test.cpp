// Pages of property names: the layout, byte for byte, and what of it is refused.
// The file is the worked example of docs/format/catalogue.md. To write it anew after a change of
// format: CAVEAT_REGENERATE=1 ./test_model golden
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "engine/catalogue/catalogue_format.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/model/hex_dump.h"
#include "test/support/test_folder.h"

using namespace caveat;
using catalogue_format::Entry;

namespace {

constexpr PropertyHash kNameless = 0x8877665544332211;

std::string three_properties() {
  std::string page;
  catalogue_format::append_segments({{0, hash_property("can_fly"), "can_fly"},
                                     {1, hash_property("can_swim"), "can_swim"},
                                     {2, kNameless, {}}},
                                    page);
  return page;
}

std::string said(std::string_view page) {
  std::string text;
  const auto read = catalogue_format::read_page(page, [&](const Entry& entry) -> Result<void> {
    text += fmt::format("{} {:x} {}\n", entry.id, entry.hash, entry.name);
    return {};
  });
  if (!read) text += read.error().message();
  return text;
}

void seal(std::string& segment) {
  set_fixed(segment, 8, static_cast<std::uint32_t>(segment.size()));
  set_fixed(segment, 12, static_cast<std::uint32_t>(checksum_around(segment, 12, 4)));
}

std::string one_of_version_1(PropertyHash hash) {
  std::string segment("CVCT\x01\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
  put_fixed(segment, hash);
  put_fixed(segment, std::uint16_t{7});
  segment += "can_fly";
  seal(segment);
  return segment;
}

}  // namespace

TEST_CASE("names are laid out as docs/format/catalogue.md says", "[golden]") {
  test::HexDump dump;
  dump.note(0, "header: magic, version, entries, bytes, check");
  dump.note(16, "id of the first");
  dump.note(20, "bytes shared with the name before");
  dump.note(23, "bytes that follow");
  dump.note(26, "can_fly, can_swim");
  dump.note(37, "hash of the one without a name");
  const auto text = dump.text(three_properties());
  const auto path = test::test_folder() / "golden" / "catalogue.hex";
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  CHECK(text == golden);
}

TEST_CASE("names of both versions are read, also from one page") {
  const std::string old = one_of_version_1(hash_property("can_fly"));
  REQUIRE(old.size() == 0x25);
  const std::string fly = fmt::format("0 {:x} can_fly\n", hash_property("can_fly"));
  CHECK(said(old) == fly);
  const std::string all =
      fly + fmt::format("1 {:x} can_swim\n2 {:x} \n", hash_property("can_swim"), kNameless);
  CHECK(said(three_properties()) == all);
  CHECK(said(old + three_properties()) == fly + all);
}

TEST_CASE("ids with a gap become segments of their own") {
  std::string page;
  catalogue_format::append_segments({{7, 1, {}}, {8, 2, {}}, {10, 3, {}}, {4, 4, {}}}, page);
  CHECK(said(page) == "7 1 \n8 2 \n10 3 \n4 4 \n");
}

TEST_CASE("a name that shares more than there is, or is too long, is refused") {
  std::string segment = three_properties();
  segment[21] = 8;  // of seven
  seal(segment);
  CHECK_THAT(said(segment), Catch::Contains("impossible name length"));
  std::string page;
  const std::string longest(kMaxPropertyNameBytes, 'n');
  catalogue_format::append_segments({{0, hash_property(longest), longest}}, page);
  CHECK(said(page) == fmt::format("0 {:x} {}\n", hash_property(longest), longest));
  page.insert(page.end() - 1, 'n');
  page[21] = static_cast<char>(page[21] + 1);  // the low bits of its length
  seal(page);
  CHECK_THAT(said(page), Catch::Contains("impossible name length"));
}

TEST_CASE("a segment of names that claims what it does not hold is refused") {
  const auto refused = [](std::string segment, const char* why) {
    seal(segment);
    CHECK_THAT(said(segment), Catch::Contains(why));
  };
  const std::string sound = three_properties();
  refused(sound.substr(0, 18), "ends inside its header");  // of the first id
  std::string last_id = sound;
  last_id.replace(16, 4, "\xFE\xFF\xFF\xFF");
  refused(last_id, "impossible id");
  // Varints that never end, of what is shared and of what follows.
  refused(sound.substr(0, 20) + std::string(6, '\xFF'), "ends inside its lengths");
  refused(sound.substr(0, 20) + std::string(3, '\0') + std::string(3, '\xFF'),
          "ends inside its lengths");
  // Longer than any name may be, with all of its bytes there.
  const std::string longest(kMaxPropertyNameBytes + 1, 'n');
  std::string old = one_of_version_1(17).substr(0, 20);
  put_fixed(old, hash_property(longest));
  put_fixed(old, static_cast<std::uint16_t>(longest.size()));
  refused(old + longest, "impossible name length");
}

TEST_CASE("a name of version 1 with another hash, and a version to come, are refused") {
  CHECK_THAT(said(one_of_version_1(17)), Catch::Contains("another hash"));
  std::string later = three_properties();
  later[4] = 3;
  seal(later);
  const auto read =
      catalogue_format::read_page(later, [](const Entry&) -> Result<void> { return {}; });
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == ErrorCode::unsupported_format);
}

// A store whose properties have no names is one like any other.
TEST_CASE("pages of nothing but properties without names are read, in both versions") {
  std::string page;
  catalogue_format::append_segments({{7, 1, {}}, {8, 2, {}}, {9, 3, {}}}, page);
  CHECK(said(page) == "7 1 \n8 2 \n9 3 \n");
  std::string old = one_of_version_1(17).substr(0, 20);
  put_fixed(old, PropertyHash{0xABC});
  put_fixed(old, std::uint16_t{0});
  seal(old);
  CHECK(said(old) == "0 abc \n");
  CHECK(said(old + page) == "0 abc \n7 1 \n8 2 \n9 3 \n");
}

TEST_CASE("the longest name of version 1, and the last of all ids, are read") {
  const std::string longest(kMaxPropertyNameBytes, 'n');
  std::string old = one_of_version_1(17).substr(0, 20);
  put_fixed(old, hash_property(longest));
  put_fixed(old, static_cast<std::uint16_t>(longest.size()));
  old += longest;
  seal(old);
  CHECK(said(old) == fmt::format("0 {:x} {}\n", hash_property(longest), longest));
  for (const std::uint32_t last : {UINT32_MAX - 1, UINT32_MAX}) {
    std::string page;
    catalogue_format::append_segments({{last - 1, 5, {}}, {last, 6, {}}}, page);
    const bool is_one = last != UINT32_MAX;
    CHECK((said(page) == fmt::format("{} 5 \n{} 6 \n", last - 1, last)) == is_one);
  }
}
