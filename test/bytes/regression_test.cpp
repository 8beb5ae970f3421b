// Bytes that were accepted once and must not be.
#include <catch2/catch.hpp>

#include "adapters/rocksdb/spare_copy.h"
#include "adapters/rocksdb/table_block.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/model/varint.h"
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

// Version 2 refuses it, so what had been read could not be written. Found by fuzzing.
TEST_CASE("a catalogue segment of version 1 with the last of all ids is refused",
          "[bytes][regression]") {
  const auto format = catalogue_format();
  int tried = 0;
  for (const auto& sample : format.samples) {
    if (sample.size() < 20 || sample[4] != 1) continue;
    ++tried;
    std::string bytes = sample;
    set_fixed(bytes, 16, std::uint32_t{0xFFFFFFFE});
    format.seal(bytes);
    const auto accepted = format.read(bytes);
    if (accepted) CHECK(format.write_again(bytes));
    set_fixed(bytes, 16, std::uint32_t{0xFFFFFFFF});
    format.seal(bytes);
    CHECK_FALSE(format.read(bytes));
  }
  CHECK(tried > 0);
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

// A frame may say that it unpacks to a gigabyte, and hold one byte: it was taken at its word.
TEST_CASE("a frame that claims to be huge takes no memory for it, in a salvage",
          "[bytes][regression]") {
  constexpr std::uint32_t kClaimed = 1U << 29;
  std::string frame("\x28\xB5\x2F\xFD\xA0", 5);  // a frame of one segment, its size in four bytes
  put_fixed(frame, kClaimed);
  frame += std::string("\x0B\0\0z", 4);  // its last block: one z

  std::string table;
  put_varint(kClaimed, table);
  table += frame;
  const detail::BlockPlace block{0, table.size()};
  table += '\x07';
  const auto sum = static_cast<std::uint32_t>(XXH3_64bits(table.data(), block.bytes));
  put_fixed(table, sum ^ (7 * 0x6B9083D9U));
  REQUIRE(is_sound_block(table, block, detail::TableChecksum::xxh3));
  std::uint64_t before = heap_bytes;
  CHECK_FALSE(read_block(table, block, detail::TableChecksum::xxh3));
  CHECK(heap_bytes - before < 4 << 20);

  std::string spare = detail::encode_spare({}).substr(0, 12);
  put_fixed(spare, kClaimed);
  put_fixed(spare, std::uint64_t{0});
  spare += frame;
  spare_format().seal(spare);
  before = heap_bytes;
  CHECK_FALSE(detail::decode_spare(spare));
  CHECK(heap_bytes - before < 4 << 20);
}

TEST_CASE("caveat.spare with reserved bytes, or keys that are never in it, is refused",
          "[bytes][regression]") {
  CHECK(accepts(spare_format(), 1, 5, 0));
  for (const std::size_t at : {5, 6, 7}) CHECK_FALSE(accepts(spare_format(), 1, at, 1));
  using detail::decode_spare;
  using detail::encode_spare;
  CHECK(decode_spare(encode_spare({{"C1", "a"}, {"C2", "b"}})));
  CHECK_FALSE(decode_spare(encode_spare({{"C2", "a"}, {"C1", "b"}})));
  CHECK_FALSE(decode_spare(encode_spare({{"C1", "a"}, {"C1", "b"}})));
  CHECK_FALSE(decode_spare(encode_spare({{"S", "the superblock is not copied"}})));
  CHECK_FALSE(decode_spare(encode_spare({{"", "no key"}})));
}

}  // namespace caveat::test
