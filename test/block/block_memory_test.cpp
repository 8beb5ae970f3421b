// Where blocks live: heap allocations per operation, counted, and memory that is given back.
#include <catch2/catch.hpp>
#include <thread>

#include "pool/poison.h"
#include "test/block/block_maker.h"
#include "test/support/counting_heap.h"

using namespace caveat;
using namespace caveat::test;

namespace {

constexpr int kRounds = 64;

// Per call of `work`, once everything is warm.
template <class Work>
double heap_per_call(const Work& work) {
  for (int i = 0; i < 4; ++i) work();
  const std::size_t before = heap_allocations.load();
  for (int i = 0; i < kRounds; ++i) work();
  return static_cast<double>(heap_allocations.load() - before) / kRounds;
}

// Of ordinary rows: some hundred, strings that repeat, reasons that split.
RowSet ordinary_rows() {
  BlockMaker maker(5);
  RowSet set = maker.rows(256);
  for (BlockRow& row : set.rows) {
    const std::string id = std::to_string(row.property_id % 12);
    row.view.inherited_value = set.value(PropertyValue("inherited by " + id));
    row.view.actual_value = set.value(PropertyValue(static_cast<std::int64_t>(row.property_id)));
    row.view.reason = set.keep("node " + std::to_string(row.view.key.node_id) +
                               " differs from its block, where " + id + " of 128 have it");
  }
  return set;
}

}  // namespace

TEST_CASE("opening a block and reading a record of it allocates nothing once the pool is warm") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const RowSet set = ordinary_rows();
  for (const CodecId codec : {CodecId{0}, CodecId{1}, CodecId{2}}) {
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, codec)).value();
    const double one = heap_per_call([&] {
      const auto opened = block.open(resolver).value();
      ExceptionView view;
      if (!opened->materialise(17, view)) std::abort();
    });
    const double whole = heap_per_call([&] {
      const auto opened = block.open(resolver).value();
      if (!opened->load(kAllColumns)) std::abort();
    });
    WARN("codec " << int{codec} << ": heap allocations to open and read a record " << one
                  << " (25.5 before blocks were pooled), to open and load all " << whole
                  << " (25)");
    CHECK(one <= 2);
    CHECK(whole <= 2);
  }
}

TEST_CASE("encoding a block allocates nothing once the pool is warm") {
  const auto codecs = all_codecs();
  MemoryPool pool;
  const RowSet set = ordinary_rows();
  for (const CodecId codec : {CodecId{0}, CodecId{1}, CodecId{2}}) {
    BlockContext context = context_for(codecs, codec);
    context.memory = &pool;
    std::string out;
    const double each = heap_per_call([&] {
      out.clear();
      if (!encode_block(set.rows, context, out)) std::abort();
    });
    WARN("codec " << int{codec} << ": heap allocations to encode a block " << each
                  << " (307 before)");
    CHECK(each <= 2);
  }
}

TEST_CASE("the pool's statistics count what decoders and encoders take") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const RowSet set = ordinary_rows();
  BlockContext context = context_for(codecs, 2);
  context.memory = resolver.memory().get();
  std::string out;
  REQUIRE(encode_block(set.rows, context, out));
  const auto encoded_once = resolver.memory()->statistics();
  CHECK(encoded_once.pool_misses == 1);
  out.clear();
  REQUIRE(encode_block(set.rows, context, out));
  CHECK(resolver.memory()->statistics().pool_hits == encoded_once.pool_hits + 1);

  const auto bytes = std::make_shared<const std::string>(out);
  const auto open = [&] { return DecodedBlock::open(bytes, 0, bytes->size(), resolver).value(); };
  auto block = open();
  REQUIRE(block->load(kAllColumns));
  const auto in_use = resolver.memory()->statistics();
  CHECK(in_use.bytes_in_use + bytes->size() == block->charge_bytes());
  block.reset();
  const auto after = resolver.memory()->statistics();
  CHECK(after.bytes_in_use == 0);
  CHECK(after.allocations_avoided > in_use.allocations_avoided + 10);  // the block's pieces
  block = open();
  CHECK(resolver.memory()->statistics().pool_hits == after.pool_hits + 1);
}

TEST_CASE("a block that keeps reasons in halves takes less memory, and says so") {
  const auto codecs = all_codecs();
  const RowSet set = ordinary_rows();
  std::size_t reasons = 0;
  for (const auto& row : set.rows) reasons += row.view.reason.size();
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  const auto taken_by = [&](Reasons how) {
    const SimpleBlockResolver resolver(codecs);
    const auto opened = block.open(resolver, how).value();
    REQUIRE(opened->load(kAllColumns));
    const std::size_t in_use = resolver.memory()->statistics().bytes_in_use;
    CHECK(in_use + block.bytes().size() == opened->charge_bytes());
    return in_use;
  };
  CHECK(taken_by(Reasons::halves) + reasons / 2 < taken_by(Reasons::whole));
}

TEST_CASE("halves too long for their places are found by their numbers") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  for (const std::size_t length : {252, 254, 255, 256, 300, 9000}) {
    CAPTURE(length);
    RowSet set = ordinary_rows();
    std::deque<std::string> texts;
    for (std::size_t i = 0; i < set.rows.size(); ++i) {
      const auto node = set.rows[i].view.key.node_id;
      const auto id = set.rows[i].property_id % 12;
      texts.push_back("node " + std::to_string(node) + std::string(node % 3 * length / 2, 'h') +
                      " differs from its block, where " + std::to_string(id) + " of 128 have it" +
                      std::string(id % 3 * length / 2, 't'));
      set.rows[i].view.reason = texts.back();
    }
    const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
    REQUIRE(describe_block(block.bytes()).to_text().find("split,") != std::string::npos);
    const auto opened = block.open(resolver, Reasons::halves).value();
    RowRoom room;
    for (std::uint32_t row = 0; row < set.rows.size(); row += 2) {
      ExceptionView view;
      REQUIRE(opened->materialise(row, view, room));
      if (!same_record(view, set.rows[row].view)) FAIL("row " << row);
    }
    REQUIRE(opened->load(kAllColumns));
    for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
      ExceptionView view;
      opened->view(row, view, room);
      if (!same_record(view, set.rows[row].view)) FAIL("row " << row << " of all");
    }
  }
}

TEST_CASE("a reason that begins with the word that others are cut at is whole") {
  const auto codecs = all_codecs();
  RowSet set = ordinary_rows();
  for (std::size_t i = 0; i < set.rows.size(); i += 50) {
    set.rows[i].view.reason = set.keep(" differs from its block, where 3 of 128 have it");
  }
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 2)).value();
  REQUIRE(describe_block(block.bytes()).to_text().find("split,") != std::string::npos);
  const SimpleBlockResolver resolver(codecs);
  const auto opened = block.open(resolver, Reasons::halves).value();
  REQUIRE(opened->load(kAllColumns));
  RowRoom room;
  for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
    ExceptionView view;
    opened->view(row, view, room);
    if (!same_record(view, set.rows[row].view)) FAIL("row " << row);
  }
}

TEST_CASE("a block outlives the resolver and the store's pool") {
  const RowSet set = ordinary_rows();
  std::shared_ptr<const DecodedBlock> block;
  std::weak_ptr<const DecodedBlock> weak;
  {
    const auto codecs = all_codecs();
    const SimpleBlockResolver resolver(codecs);
    block = CompressedBlock::encode(set.rows, context_for(codecs, 0))->open(resolver).value();
    REQUIRE(block->load(kAllColumns));
  }
  CHECK(same_record(block->view(9), set.rows[9].view));
  weak = block;
  block.reset();
  CHECK(weak.expired());  // and its chunk goes back when the last weak pointer does
}

TEST_CASE("memory of blocks that end is made useless") {
  if constexpr (!detail::kPoison) return;
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const RowSet set = ordinary_rows();
  auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0))->open(resolver).value();
  ExceptionView view;
  REQUIRE(block->materialise(3, view));
  const char* const stale = view.reason.data();
  block.reset();
#ifdef CAVEAT_ASAN
  CHECK(__asan_address_is_poisoned(stale));
#else
  CHECK(static_cast<unsigned char>(*stale) == detail::kPoisonByte);
#endif
}

TEST_CASE("threads that read rows of a block that is not inflated all read the same", "[threads]") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  BlockMaker maker(6);
  for (int round = 0; round < 20; ++round) {
    const RowSet set = maker.rows(300);
    const auto reasons = round % 2 == 0 ? Reasons::whole : Reasons::halves;
    const auto block =
        CompressedBlock::encode(set.rows, context_for(codecs, 2))->open(resolver, reasons);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        RowRoom room;
        if (t == 3) wrong += !(*block)->load(mask_of(BlockColumn::confidence));
        for (std::uint32_t i = 0; i < set.rows.size(); ++i) {
          const auto row = static_cast<std::uint32_t>((i * 7 + t * 31) % set.rows.size());
          ExceptionView view;
          wrong +=
              !(*block)->materialise(row, view, room) || !same_record(view, set.rows[row].view);
        }
      });
    for (auto& thread : threads) thread.join();
    CHECK(wrong == 0);
  }
}
