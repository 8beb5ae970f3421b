// Columns, through blocks: the one measured holds the sample's values, the others nothing.
#include "test/bench/micro/blocks.h"
#include "test/bench/micro/cost.h"

namespace caveat::bench {
namespace {

constexpr BlockColumn kBeyondKeys[] = {BlockColumn::source,     BlockColumn::confidence,
                                       BlockColumn::created_at, BlockColumn::inherited,
                                       BlockColumn::actual,     BlockColumn::reason};

// The rows with their keys and what `column` says; node or property: with the keys alone.
std::vector<BlockRow> only(std::span<const BlockRow> rows, BlockColumn column) {
  std::vector<BlockRow> kept;
  for (const auto& row : rows) {
    BlockRow bare;
    bare.property_id = row.property_id;
    bare.view.key = row.view.key;
    switch (column) {
      case BlockColumn::node:
      case BlockColumn::property:
        break;
      case BlockColumn::source:
        bare.view.source = row.view.source;
        break;
      case BlockColumn::confidence:
        bare.view.confidence = row.view.confidence;
        break;
      case BlockColumn::created_at:
        bare.view.created_at = row.view.created_at;
        break;
      case BlockColumn::inherited:
        bare.view.inherited_value = row.view.inherited_value;
        break;
      case BlockColumn::actual:
        bare.view.actual_value = row.view.actual_value;
        break;
      case BlockColumn::reason:
        bare.view.reason = row.view.reason;
        break;
    }
    kept.push_back(bare);
  }
  return kept;
}

struct Round {
  std::vector<std::vector<BlockRow>> blocks;
  double values = 0, bytes = 0;  // of the column, plain
};

Round round_of(BlockColumn column, const CodecChoice& choice) {
  Round round;
  for (std::size_t i = 0; i < sample_blocks(); ++i) {
    round.blocks.push_back(only(sample_block(i), column));
    BlockStatistics statistics;
    std::string out;
    must(encode_block(round.blocks.back(), choice.context, out, &statistics));
    round.values += static_cast<double>(round.blocks.back().size());
    round.bytes +=
        static_cast<double>(statistics.columns[static_cast<std::size_t>(column)].raw_bytes);
  }
  return round;
}

// Uncompressed: the codec has figures of its own. Subtract "keys" for a column alone.
void encode_column(benchmark::State& state, BlockColumn column) {
  const CodecChoice choice(CompressionAlgorithm::None, 0);
  const Round round = round_of(column, choice);
  std::string out;
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& rows : round.blocks) {
      out.clear();
      must(encode_block(rows, choice.context, out));
      benchmark::DoNotOptimize(out.data());
    }
  }
  cost.finish(round.values, round.bytes, "value");
}

void decode_column(benchmark::State& state, BlockColumn column) {
  const CodecChoice choice(CompressionAlgorithm::None, 0);
  const Round round = round_of(column, choice);
  const auto encoded = encode_all(choice);
  std::vector<std::shared_ptr<const DecodedBlock>> blocks(encoded.size());
  Cost cost(state);
  for (auto _ : state) {
    cost.pause();  // a block keeps what it decoded: each round takes fresh ones
    for (std::size_t i = 0; i < encoded.size(); ++i) blocks[i] = open_block(encoded[i], choice);
    cost.resume();
    for (const auto& block : blocks) must(block->load(mask_of(column)));
  }
  cost.finish(round.values, round.bytes, "value");
}

// Opening a block decodes its keys and checks its checksum.
void decode_keys(benchmark::State& state) {
  const CodecChoice choice(CompressionAlgorithm::None, 0);
  const Round round = round_of(BlockColumn::node, choice);
  std::vector<Bytes> encoded;
  for (const auto& rows : round.blocks) {
    std::string out;
    must(encode_block(rows, choice.context, out));
    encoded.push_back(std::make_shared<const std::string>(std::move(out)));
  }
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& bytes : encoded) benchmark::DoNotOptimize(open_block(bytes, choice));
  }
  cost.finish(round.values, round.values * 16, "value");
}

[[maybe_unused]] const bool registered = [] {
  benchmark::RegisterBenchmark("column/encode/keys", encode_column, BlockColumn::node);
  benchmark::RegisterBenchmark("column/decode/keys", decode_keys);
  for (const BlockColumn column : kBeyondKeys) {
    const std::string name(to_string(column));
    benchmark::RegisterBenchmark(("column/encode/keys+" + name).c_str(), encode_column, column);
    benchmark::RegisterBenchmark(("column/decode/" + name).c_str(), decode_column, column);
  }
  return true;
}();

}  // namespace
}  // namespace caveat::bench
