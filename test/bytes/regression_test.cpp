// Bytes that were accepted once and must not be.
#include <catch2/catch.hpp>

#include "engine/model/bytes.h"
#include "test/support/counting_heap.h"
#include "test/support/formats/format.h"

namespace caveat::test {

namespace {

// A sample with one byte changed and the checksum right again.
bool accepts(const Format& format, std::size_t sample, std::size_t at, char byte) {
  std::string bytes = format.samples.at(sample);
  bytes.at(at) = byte;
  format.seal(bytes);
  return format.read(bytes).has_value();
}

}  // namespace

// A later version that uses them would have been misread instead of refused.
TEST_CASE("reserved bytes that are not zero are refused", "[bytes][regression]") {
  const auto page = directory_page_format();
  CHECK(accepts(page, 0, 6, 0));
  CHECK_FALSE(accepts(page, 0, 6, '\xFF'));
  CHECK_FALSE(accepts(page, 0, 7, 1));
  CHECK_FALSE(accepts(page, 0, 21, '\xED'));  // the upper bound of a page that has none
  for (const std::size_t at : {5, 6, 7}) CHECK_FALSE(accepts(dictionary_format(), 0, at, 1));
}

TEST_CASE("a superblock that names an eighth family is refused", "[bytes][regression]") {
  CHECK(accepts(superblock_format(), 0, 7, 0));
  CHECK_FALSE(accepts(superblock_format(), 0, 7, '\x80'));
}

// Its version was read behind its end. Found by fuzzing.
TEST_CASE("a run of no bytes is refused", "[bytes][regression]") {
  const std::vector<char> nothing(1);
  CHECK_FALSE(run_format().read(std::string_view(nothing.data(), 0)));
  CHECK_FALSE(run_format().read(std::string_view()));
}

// It took up to 4 MiB for a payload of a few bytes before it found out.
TEST_CASE("a posting segment that claims to be long is refused before memory is taken",
          "[bytes][regression]") {
  const auto format = posting_segment_format();
  std::string packed;
  for (const auto& sample : format.samples)
    if (sample[7] == 2) packed = sample;
  REQUIRE_FALSE(packed.empty());
  set_fixed(packed, 12, std::uint32_t{4} << 20);
  format.seal(packed);
  const std::uint64_t before = heap_bytes;
  CHECK_FALSE(format.read(packed));
  CHECK(heap_bytes - before < 64 << 10);
}

}  // namespace caveat::test
