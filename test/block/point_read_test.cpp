// One record out of a block of which nothing is decoded: what it is, and what it costs.
#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

std::string hex(std::uint64_t value) {
  return fmt::format("{:016x}{:016x}", value * 0x9E3779B97F4A7C15, value * 0xC2B2AE3D27D4EB4F);
}

// Each row by itself, and each as the first of several that end with the block read whole.
void check_rows(const RowSet& set, CodecId codec) {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
  const auto shared = block.open(resolver, Reasons::halves).value();
  const auto keys = block.open(resolver, Reasons::halves, BlockForm::keys).value();
  const auto rows = static_cast<std::uint32_t>(set.rows.size());
  RowRoom room;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const auto fresh = block.open(resolver, Reasons::halves).value();
    const auto expected = block.open(resolver, Reasons::halves).value();
    expected->expect_reads(1 + row % 8);
    for (const auto& opened : {fresh, fresh, expected, shared, keys}) {
      ExceptionView view;
      const auto read = opened->materialise(row, view, room);
      if (!read) FAIL("row " << row << ": " << read.error().message());
      REQUIRE(same_record(view, set.rows[row].view));
    }
  }
}

// Some rows at once, few and many, in any order.
void check_together(const RowSet& set, CodecId codec) {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
  const auto keys = block.open(resolver, Reasons::halves, BlockForm::keys).value();
  const auto count = static_cast<std::uint32_t>(set.rows.size());
  RowRoom room;
  for (std::uint32_t some = 0; some <= 20; ++some) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < some; ++i) rows.push_back((i * 7 + some * 13) % count);
    std::vector<ExceptionView> views(rows.size());
    REQUIRE(keys->materialise(rows, views, room));
    for (std::size_t i = 0; i < rows.size(); ++i)
      REQUIRE(same_record(views[i], set.rows[rows[i]].view));
  }
}

// Frames inflated to read one row of a fresh block, and the bytes of them.
struct Inflated {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
};
class CountingResolver final : public BlockResolver {
 public:
  explicit CountingResolver(const CodecRegistry& codecs) : inner_(codecs) {}
  [[nodiscard]] Result<const Codec*> codec(CodecId id) const override { return inner_.codec(id); }
  [[nodiscard]] Result<std::shared_ptr<const CompressionDictionary>> dictionary(
      std::uint32_t id) const override {
    return inner_.dictionary(id);
  }
  [[nodiscard]] BlockCounters* counters() const override { return &counters_; }
  [[nodiscard]] const std::shared_ptr<MemoryPool>& memory() const override {
    return inner_.memory();
  }
  [[nodiscard]] Inflated inflated() const {
    return {counters_.decompressions.load(), counters_.decompress_bytes_out.load()};
  }

 private:
  SimpleBlockResolver inner_;
  mutable BlockCounters counters_;
};

}  // namespace

TEST_CASE("a row by itself is the row among all others") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    BlockMaker maker(seed);
    const auto set = maker.rows(1 + maker.below(150));
    check_rows(set, std::array<CodecId, 4>{0, 1, 2, kRunCodec}[seed % 4]);
  }
}

TEST_CASE("a row by itself is right in a block of many frames") {
  RowSet set;
  for (std::uint64_t i = 0; i < 600; ++i) {
    BlockRow row;
    row.view.key.node_id = i / 5;
    row.property_id = static_cast<std::uint32_t>(i % 5);
    row.view.inherited_value = set.value(PropertyValue("inherited " + hex(i)));
    row.view.actual_value =
        set.value(PropertyValue(i % 97 == 0 ? std::string(9'000 + i, 'x') : "actual " + hex(i)));
    row.view.reason = set.keep("node " + hex(i / 5) + " differs from its block, where " +
                               std::to_string(i % 5) + " of 128 have it");
    row.view.confidence = 1;
    set.rows.push_back(row);
  }
  check_rows(set, 2);
  // A byte that ends strings elsewhere: here they have lengths.
  for (BlockRow& row : set.rows) {
    std::string all(256, ' ');
    for (int byte = 0; byte < 256; ++byte)
      all[static_cast<std::size_t>(byte)] = static_cast<char>(byte);
    if (row.view.key.node_id == 7) row.view.actual_value = set.value(PropertyValue(all));
  }
  check_rows(set, 2);
}

TEST_CASE("one record inflates its own rows and what all rows share, not the block") {
  const auto codecs = all_codecs();
  RowSet set;
  std::uint64_t text = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    BlockRow row;
    row.view.key.node_id = i;
    row.view.inherited_value = set.value(PropertyValue("inherited " + hex(i)));
    row.view.actual_value = set.value(PropertyValue("actual " + hex(i)));
    row.view.reason = i % 2 == 0 ? "differs from the parent locale" : "differs from the root";
    row.view.confidence = 1;
    text += row.view.inherited_value.payload().size() + row.view.actual_value.payload().size();
    set.rows.push_back(row);
  }
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  RowRoom room;
  for (const std::uint32_t row : {0U, 1U, 200U, 399U}) {
    const CountingResolver resolver(codecs);
    const auto opened = block.open(resolver, Reasons::halves).value();
    ExceptionView view;
    REQUIRE(opened->materialise(row, view, room));
    CHECK(same_record(view, set.rows[row].view));
    CHECK(resolver.inflated().frames <= 2);
    CHECK(resolver.inflated().bytes * 8 < text);
  }
}

TEST_CASE(
    "a block that is opened for its keys has all of them, and keeps nothing of what is read") {
  const auto codecs = all_codecs();
  BlockMaker maker(11);
  for (const std::size_t count : {1, 7, 250}) {
    const auto set = maker.rows(count);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
    const CountingResolver resolver(codecs);
    const auto keys = block.open(resolver, Reasons::halves, BlockForm::keys).value();
    const auto columns = block.open(resolver, Reasons::halves).value();
    REQUIRE(keys->form() == BlockForm::keys);
    REQUIRE(columns->form() == BlockForm::columns);
    CHECK(keys->encoded() == block.bytes());
    const std::uint64_t memory = resolver.memory()->statistics().bytes_in_use;
    CHECK(keys->charge_bytes() + columns->charge_bytes() - block.bytes().size() == memory);
    if (count > 100) CHECK(keys->charge_bytes() * 2 < columns->charge_bytes());
    RowRoom room;
    for (std::uint32_t row = 0; row < keys->row_count(); ++row) {
      CHECK(keys->node(row) == columns->node(row));
      CHECK(keys->property_id(row) == columns->property_id(row));
      CHECK(keys->find(keys->node(row), keys->property_id(row)) == row);
      ExceptionView view;
      REQUIRE(keys->materialise(row, view, room));
      for (const auto text :
           {view.inherited_value.payload(), view.actual_value.payload(), view.reason})
        CHECK((text.empty() || room.holds(text)));
    }
    CHECK(resolver.memory()->statistics().bytes_in_use == memory);
    // Columns are for others.
    const auto loaded = keys->load(mask_of(BlockColumn::source));
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().code() == ErrorCode::invalid_argument);
    keys->expect_reads(1'000);
    const std::vector<std::uint8_t> places(keys->row_count());
    keys->set_key_order(places);
    CHECK_FALSE(keys->has_key_order());
    keys->prefetch_row(0);
    keys->prefetch_record(0);
  }
}

TEST_CASE("rows read together are those read one by one") {
  BlockMaker maker(17);
  for (const std::size_t count : {1, 3, 40, 250})
    for (const CodecId codec : {CodecId{0}, CodecId{2}}) check_together(maker.rows(count), codec);
}

TEST_CASE("rows read together inflate what they share once") {
  const auto codecs = all_codecs();
  const auto set = BlockMaker(18).rows(200);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  const CountingResolver alone(codecs), together(codecs);
  const auto one_by_one = block.open(alone, Reasons::halves, BlockForm::keys).value();
  const auto at_once = block.open(together, Reasons::halves, BlockForm::keys).value();
  std::vector<std::uint32_t> rows;
  for (std::uint32_t row = 40; row < 56; ++row) rows.push_back(row);
  std::vector<ExceptionView> views(rows.size());
  RowRoom room;
  for (const std::uint32_t row : rows) REQUIRE(one_by_one->materialise(row, views[0], room));
  REQUIRE(at_once->materialise(rows, views, room));
  CHECK(together.inflated().frames * 4 <= alone.inflated().frames);
}

TEST_CASE("columns decoded for a reader are those that a block keeps") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(19);
  for (const std::size_t count : {1, 9, 250}) {
    const auto set = maker.rows(count);
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
    const auto keys = block.open(resolver, Reasons::halves, BlockForm::keys).value();
    const auto columns = block.open(resolver, Reasons::halves).value();
    REQUIRE(columns->load(kAllColumns));
    using enum BlockColumn;
    for (const BlockColumn column : {source, confidence, created_at}) {
      ColumnValues alone;
      REQUIRE(keys->decode(mask_of(column), alone));
      CHECK(alone.sources.empty() == (column != source));
      CHECK(alone.confidences.empty() == (column != confidence));
      CHECK(alone.created_ats.empty() == (column != created_at));
    }
    ColumnValues values;
    REQUIRE(keys->decode(kAllColumns, values));
    REQUIRE(values.sources.size() == set.rows.size());
    REQUIRE(values.created_ats.size() == set.rows.size());
    for (std::uint32_t row = 0; row < keys->row_count(); ++row) {
      CHECK(values.sources[row] == columns->source(row));
      CHECK(values.confidences[row] == columns->confidence(row));
      CHECK(values.created_ats[row] == columns->created_at(row));
    }
    // Each form has its own way.
    CHECK(columns->decode(kAllColumns, values).error().code() == ErrorCode::invalid_argument);
    RowRoom room;
    const std::vector<std::uint32_t> none{keys->row_count()};
    std::vector<ExceptionView> views(1);
    CHECK(columns->materialise(std::span(none).first(0), std::span(views).first(0), room)
              .error()
              .code() == ErrorCode::invalid_argument);
    CHECK(keys->materialise(none, views, room).error().code() == ErrorCode::invalid_argument);
  }
}

TEST_CASE("a block whose text does not fit in its chunk keeps columns, whatever it is opened for") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  RowSet set;
  BlockRow row;
  row.view.key.node_id = 1;
  row.view.actual_value = set.value(PropertyValue(std::string(70'000, 'x')));
  set.rows.push_back(row);
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  const auto opened = block.open(resolver, Reasons::halves, BlockForm::keys).value();
  CHECK(opened->form() == BlockForm::columns);
  RowRoom room;
  ExceptionView view;
  REQUIRE(opened->materialise(0, view, room));
  CHECK(same_record(view, set.rows[0].view));
}

TEST_CASE("rows that are expected inflate no more than their own frames") {
  const auto codecs = all_codecs();
  RowSet set;
  for (std::uint64_t i = 0; i < 400; ++i) {
    BlockRow row;
    row.view.key.node_id = i / 8;
    row.property_id = static_cast<std::uint32_t>(i % 8);
    row.view.actual_value = set.value(PropertyValue("actual " + hex(i)));
    row.view.confidence = 1;
    set.rows.push_back(row);
  }
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  const CountingResolver resolver(codecs);
  const auto opened = block.open(resolver, Reasons::halves).value();
  opened->expect_reads(8);
  RowRoom room;
  for (std::uint32_t row = 160; row < 168; ++row) {
    ExceptionView view;
    REQUIRE(opened->materialise(row, view, room));
    CHECK(same_record(view, set.rows[row].view));
  }
  CHECK(resolver.inflated().frames <= 3);
}
