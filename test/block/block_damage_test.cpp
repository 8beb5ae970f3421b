// Damaged bytes are refused, or mean what they meant: never something else, and never more than
// an error. Run under the sanitizers this is where reading past an end would show.
#include <catch2/catch.hpp>
#include <cstring>

#include "engine/block/layout.h"
#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

enum class Outcome { refused, equal, wrong };

Outcome read_all(const std::string& bytes, const RowSet& set, const BlockResolver& resolver) {
  const auto shared = std::make_shared<const std::string>(bytes);
  const auto opened = DecodedBlock::open(shared, 0, shared->size(), resolver);
  if (!opened) return Outcome::refused;
  const auto& block = **opened;
  if (block.row_count() != set.rows.size()) return Outcome::wrong;
  bool equal = true;
  for (std::uint32_t row = 0; row < block.row_count(); ++row) {
    ExceptionView view;
    if (!block.materialise(row, view)) return Outcome::refused;
    equal = equal && same_record(view, set.rows[row].view) &&
            block.find(set.rows[row].view.key.node_id, set.rows[row].property_id) == row;
  }
  if (!block.load(kAllColumns)) return Outcome::refused;
  for (std::uint32_t row = 0; row < block.row_count(); ++row)
    equal = equal && same_record(block.view(row), set.rows[row].view);
  return equal ? Outcome::equal : Outcome::wrong;
}

// What an attacker would do, or a bug in the encoder: damage with a matching checksum.
void seal(std::string& bytes) {
  const std::uint64_t checksum = detail::block_checksum(bytes);
  std::memcpy(bytes.data() + detail::kChecksumAt, &checksum, sizeof checksum);
}

constexpr unsigned char kPatterns[] = {0x01, 0x80, 0xFF};

}  // namespace

TEST_CASE("each byte flipped and each truncation is refused") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(21);
  for (const CodecId codec : {CodecId{0}, CodecId{1}, CodecId{2}, kRunCodec}) {
    const auto set = maker.rows(40);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
    const std::string whole(block.bytes());
    REQUIRE(read_all(whole, set, resolver) == Outcome::equal);
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (const unsigned char pattern : kPatterns) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(damaged[at] ^ pattern);
        if (read_all(damaged, set, resolver) != Outcome::refused)
          FAIL("codec " << int{codec} << ": byte " << at << " ^ " << int{pattern} << " accepted");
      }
    for (std::size_t size = 0; size < whole.size(); ++size) {
      if (read_all(whole.substr(0, size), set, resolver) != Outcome::refused)
        FAIL("codec " << int{codec} << ": " << size << " bytes of " << whole.size() << " accepted");
      static_cast<void>(describe_block(std::string_view(whole).substr(0, size), &resolver));
    }
  }
}

TEST_CASE("without the checksum the damage is noticed: the sweep can fail") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(22);
  const auto set = maker.rows(60);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  int wrong = 0;
  for (std::size_t at = detail::kHeaderBytes; at < block.bytes().size(); ++at) {
    std::string damaged(block.bytes());
    damaged[at] = static_cast<char>(damaged[at] ^ 0x01);
    seal(damaged);
    wrong += read_all(damaged, set, resolver) == Outcome::wrong;
  }
  CHECK(wrong > 0);
}

TEST_CASE("damage under a right checksum never does worse than an error or another record") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(23);
  std::mt19937_64 random(24);
  for (int round = 0; round < 60; ++round) {
    const auto set = maker.rows(1 + maker.below(80));
    const CodecId codec = std::array<CodecId, 4>{0, 1, 2, kRunCodec}[maker.below(4)];
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
    for (int i = 0; i < 200; ++i) {
      std::string damaged(block.bytes());
      for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
        const std::size_t at =
            detail::kVersionAt + random() % (damaged.size() - detail::kVersionAt);
        damaged[at] = static_cast<char>(random());
      }
      if (random() % 8 == 0) {
        damaged.resize(detail::kHeaderBytes + random() % (damaged.size() - detail::kHeaderBytes));
        const auto size = static_cast<std::uint32_t>(damaged.size());
        std::memcpy(damaged.data() + detail::kStoredBytesAt, &size, sizeof size);
      }
      seal(damaged);
      static_cast<void>(read_all(damaged, set, resolver));
      static_cast<void>(describe_block(damaged, &resolver).to_text());
    }
  }
}

// Only the code of a source is in the block: no name would be there for the sixth.
TEST_CASE("a source that there is not is refused under a right checksum") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(25);
  auto set = maker.rows(20);
  for (const unsigned source : {4U, 5U, 6U}) {
    for (BlockRow& row : set.rows) row.view.source = static_cast<ExceptionSource>(source);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
    const auto outcome = read_all(std::string(block.bytes()), set, resolver);
    CHECK((outcome == Outcome::equal) == (source < 5));
    CHECK((outcome == Outcome::refused) == (source >= 5));
  }
}

// Two strings would be three, and all behind them other ones.
TEST_CASE("a frame with one separator too many is refused under a right checksum") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  for (const std::size_t length : {3U, 40U, 200U}) {
    RowSet set;
    for (std::uint64_t i = 0; i < 9; ++i) {
      BlockRow row;
      row.view.key.node_id = i;
      row.view.reason = set.keep(std::string(length + i * i * 7 % 11, 'q') + std::to_string(i * 7));
      row.view.confidence = 1;
      set.rows.push_back(row);
    }
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
    const std::string whole(block.bytes());
    REQUIRE(read_all(whole, set, resolver) == Outcome::equal);
    for (const std::size_t at : {whole.find("qqq"), whole.rfind("qqq")}) {
      REQUIRE(at != std::string::npos);
      std::size_t refused = 0;
      for (int byte = 0; byte < 256; ++byte) {
        std::string damaged = whole;
        damaged[at] = static_cast<char>(byte);
        seal(damaged);
        refused += read_all(damaged, set, resolver) == Outcome::refused ? 1 : 0;
      }
      CHECK(refused == 1);
    }
  }
}

TEST_CASE("a codec or dictionary that is missing is named") {
  const auto codecs = all_codecs();
  const auto built_in = CodecRegistry::built_in(3);
  BlockRow row;
  const auto block = CompressedBlock::encode({&row, 1}, context_for(codecs, kRunCodec)).value();
  const SimpleBlockResolver without(built_in);
  const auto refused = block.open(without);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::codec_missing);
  CHECK(refused.error().message().find("200") != std::string::npos);

  const auto dictionary = make_dictionary(77, std::string(4096, 'd'));
  const auto other = CompressedBlock::encode({&row, 1}, context_for(codecs, 2, dictionary.get()));
  const auto missing = other->open(without);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message().find("77") != std::string::npos);
}

TEST_CASE("a newer version is not taken for damage") {
  const auto codecs = all_codecs();
  BlockRow row;
  const auto block = CompressedBlock::encode({&row, 1}, context_for(codecs, 0)).value();
  std::string newer(block.bytes());
  newer[detail::kVersionAt] = static_cast<char>(detail::kBlockVersion + 1);
  seal(newer);
  CHECK(read_header(newer).error().code() == ErrorCode::unsupported_format);
  newer[detail::kVersionAt] = 0;
  seal(newer);
  CHECK(read_header(newer).error().code() == ErrorCode::corruption);
}

TEST_CASE("a frame that would inflate to more than it says is refused") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  for (const CodecId codec : {CodecId{1}, CodecId{2}}) {
    RowSet set;
    BlockRow row;
    row.view.reason = set.keep(std::string(20'000, 'b'));
    set.rows.push_back(row);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
    std::string bomb(block.bytes());
    // The frame's raw size is a varint in the string table: 20,001 is a1 9c 01. Say 19,873.
    const std::size_t at = bomb.find("\xA1\x9C\x01");
    REQUIRE(at != std::string::npos);
    bomb[at + 1] = '\x9B';
    seal(bomb);
    CHECK(read_all(bomb, set, resolver) == Outcome::refused);
  }
}

TEST_CASE("claims of more than the limits are refused before anything is allocated") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockRow row;
  row.view.reason = "x";
  const auto block = CompressedBlock::encode({&row, 1}, context_for(codecs, 2)).value();
  const auto described = describe_block(block.bytes());
  for (const auto& field : described.fields) {
    if (field.name != "strings") continue;
    // ends, separator, frames, then strings, raw and stored bytes of the first frame
    for (std::size_t i = 2; i < 6; ++i) {
      std::string damaged(block.bytes());
      damaged.replace(field.offset + i, 1, "\xFF\xFF\xFF\xFF\x0F");
      for (const auto& entry : described.fields)
        if (entry.name == "directory.strings") damaged[entry.offset] += 4;
      const auto size = static_cast<std::uint32_t>(damaged.size());
      std::memcpy(damaged.data() + detail::kStoredBytesAt, &size, sizeof size);
      seal(damaged);
      RowSet set;
      set.rows.push_back(row);
      CAPTURE(i);
      CHECK(read_all(damaged, set, resolver) == Outcome::refused);
    }
  }
}
