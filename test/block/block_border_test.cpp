// Blocks whose strings stand exactly on the borders of the format: a frame that is full to the
// byte, text that is just kept in place, one more of each; and what may not be asked or is no
// value.
#include <catch2/catch.hpp>

#include "engine/block/bits.h"
#include "engine/block/column_forms.h"
#include "engine/block/decoded_parts.h"
#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// A row for each string, as its reason; `bytes` 256 makes every byte occur, so that lengths are
// stored.
RowSet rows_of_reasons(const std::vector<std::size_t>& sizes, unsigned bytes) {
  RowSet set;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    BlockRow row;
    row.view.key.node_id = i;
    row.view.confidence = 1;
    std::string text(sizes[i], 'x');
    for (std::size_t at = 0; at < text.size(); ++at) {
      text[at] = static_cast<char>(bytes == 256 ? at + i : 'a' + (at * at + i) % 20);
    }
    row.view.reason = set.keep(std::move(text));
    set.rows.push_back(row);
  }
  return set;
}

void require_round_trip(const RowSet& set) {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0));
  REQUIRE(block);
  RowRoom room;
  for (const Reasons reasons : {Reasons::whole, Reasons::halves}) {
    const auto whole = block->open(resolver, reasons).value();
    REQUIRE(whole->load(kAllColumns));
    const auto by_row = block->open(resolver, reasons).value();
    for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
      ExceptionView view;
      REQUIRE(whole->materialise(row, view, room));
      REQUIRE(view.reason == set.rows[row].view.reason);
      REQUIRE(by_row->materialise(row, view, room));
      REQUIRE(view.reason == set.rows[row].view.reason);
    }
  }
}

}  // namespace

TEST_CASE("frames that are full to the byte, and a byte more or less, are read") {
  for (const unsigned bytes : {20U, 256U}) {
    for (std::size_t size = kBlockFrameBytes - 3; size <= kBlockFrameBytes + 3; ++size) {
      CAPTURE(bytes, size);
      require_round_trip(rows_of_reasons({size}, bytes));
      require_round_trip(rows_of_reasons({300, size, 301}, bytes));
      require_round_trip(rows_of_reasons({size / 2, size - size / 2 - 1}, bytes));
      require_round_trip(rows_of_reasons({5000, size, size, 4000, size - 1}, bytes));
    }
  }
}

TEST_CASE("text that is just kept in place, and text that is not, is read") {
  for (const unsigned bytes : {20U, 256U}) {
    for (std::size_t all = detail::kTextInlineMax - 40; all <= detail::kTextInlineMax + 8;
         all += 2) {
      CAPTURE(bytes, all);
      std::vector<std::size_t> sizes(32, all / 33);
      sizes.push_back(all - 32 * (all / 33));
      require_round_trip(rows_of_reasons(sizes, bytes));
    }
  }
}

TEST_CASE("a row that a block does not have is refused before and after it is loaded") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto set = rows_of_reasons({10, 20, 30}, 20);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  const auto opened = block.open(resolver).value();
  for (int round = 0; round < 2; ++round) {
    for (const std::uint32_t row : {3U, 4U, ~0U}) {
      ExceptionView view;
      const auto refused = opened->materialise(row, view);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code() == ErrorCode::invalid_argument);
    }
    REQUIRE(opened->load(kAllColumns));
  }
}

TEST_CASE("a value whose bytes are none of its kind is refused, whole and in a row by itself") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const std::pair<ValueKind, std::string> kWrong[] = {
      {ValueKind::Null, "x"},   {ValueKind::Boolean, ""}, {ValueKind::Boolean, "12"},
      {ValueKind::Integer, ""}, {ValueKind::Float, "x"},  {ValueKind::List, "\xFF\xFF\xFF"},
  };
  for (const auto& [kind, bytes] : kWrong) {
    for (const bool actual : {false, true}) {
      CAPTURE(static_cast<int>(kind), bytes, actual);
      auto set = rows_of_reasons({3, 4, 5, 6}, 20);
      auto& view = set.rows[2].view;
      (actual ? view.actual_value : view.inherited_value) = ValueView(kind, bytes);
      const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
      const auto whole = block.open(resolver).value()->load(kAllColumns);
      REQUIRE_FALSE(whole);
      CHECK(whole.error().code() == ErrorCode::corruption);
      const auto by_row = block.open(resolver).value();
      ExceptionView read;
      CHECK(by_row->materialise(1, read));
      CHECK_FALSE(by_row->materialise(2, read));
      CHECK(by_row->materialise(3, read));
      for (int more = 0; more < 8; ++more) CHECK_FALSE(by_row->materialise(2, read));
    }
  }
}

TEST_CASE("a column that nobody asks for is not read, and may be damaged") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  auto set = rows_of_reasons({3, 4, 5}, 20);
  set.rows[1].view.source = static_cast<ExceptionSource>(9);
  set.rows[1].view.inherited_value = ValueView(ValueKind::Boolean, "12");
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  const auto loads = [&](BlockColumn column) {
    return block.open(resolver).value()->load(mask_of(column)).has_value();
  };
  CHECK(loads(BlockColumn::confidence));
  CHECK(loads(BlockColumn::created_at));
  CHECK(loads(BlockColumn::actual));
  CHECK(loads(BlockColumn::reason));
  CHECK_FALSE(loads(BlockColumn::source));
  CHECK_FALSE(loads(BlockColumn::inherited));
}

TEST_CASE("a time's factor may be the longest time there is, and no longer where it is aligned") {
  const auto least_of = [](std::uint64_t factor, char aligned, std::int64_t least) {
    std::string bytes;
    detail::put_varint(bytes, factor);
    bytes.push_back(aligned);
    detail::put_varint(bytes, detail::zigzag(least));
    detail::ByteReader in(bytes);
    detail::TimeForm form;
    return form.read(in) ? std::optional(form.least) : std::nullopt;
  };
  constexpr std::uint64_t kLongest = INT64_MAX;
  CHECK(least_of(kLongest, 1, 1) == INT64_MAX);
  CHECK(least_of(kLongest, 1, -1) == -INT64_MAX);
  CHECK_FALSE(least_of(kLongest, 1, 2));
  CHECK_FALSE(least_of(kLongest + 1, 1, 0));
  CHECK(least_of(kLongest + 1, 0, 5) == 5);
  CHECK_FALSE(least_of(1, 2, 0));
  CHECK_FALSE(least_of(0, 0, 0));
}
