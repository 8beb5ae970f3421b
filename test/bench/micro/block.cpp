// Whole blocks: made, opened, asked for a record, read through.
#include "test/bench/micro/blocks.h"
#include "test/bench/micro/cost.h"

namespace caveat::bench {
namespace {

enum Kind : std::int64_t { kNone, kLz4, kZstd3, kZstd3Dictionary, kZstd12Dictionary, kKinds };

std::unique_ptr<CodecChoice> choice_of(benchmark::State& state) {
  static constexpr const char* kNames[] = {"none", "lz4", "zstd 3", "zstd 3, dictionary",
                                           "zstd 12, dictionary"};
  const auto kind = state.range(0);
  const auto dictionary = kind >= kZstd3Dictionary ? sample_dictionary() : nullptr;
  const bool missing = kind >= kZstd3Dictionary && !dictionary;
  state.SetLabel(std::string(kNames[kind]) + (missing ? " (too little data to train one)" : ""));
  const auto algorithm = kind == kNone  ? CompressionAlgorithm::None
                         : kind == kLz4 ? CompressionAlgorithm::Lz4
                                        : CompressionAlgorithm::Zstd;
  return std::make_unique<CodecChoice>(algorithm, kind == kZstd12Dictionary ? 12 : 3, dictionary);
}

double blocked_rows() {
  double rows = 0;
  for (std::size_t i = 0; i < sample_blocks(); ++i)
    rows += static_cast<double>(sample_block(i).size());
  return rows;
}

double blocked_bytes() {
  double bytes = 0;
  for (std::size_t i = 0; i < sample_blocks(); ++i) {
    bytes += static_cast<double>(plain_bytes(sample_block(i)));
  }
  return bytes;
}

void encode(benchmark::State& state) {
  const auto choice = choice_of(state);
  std::string out;
  std::size_t stored = 0;
  Cost cost(state);
  for (auto _ : state) {
    stored = 0;
    for (std::size_t i = 0; i < sample_blocks(); ++i) {
      out.clear();
      must(encode_block(sample_block(i), choice->context, out));
      stored += out.size();
    }
  }
  cost.finish(blocked_rows(), blocked_bytes(), "record");
  state.counters["stored_bytes/record"] = static_cast<double>(stored) / blocked_rows();
}

void open(benchmark::State& state) {
  const auto choice = choice_of(state);
  const auto encoded = encode_all(*choice);
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& bytes : encoded) benchmark::DoNotOptimize(open_block(bytes, *choice));
  }
  cost.finish(static_cast<double>(encoded.size()), 0, "block");
}

// A get that finds its block in the cache.
void point(benchmark::State& state) {
  const auto choice = choice_of(state);
  std::vector<std::shared_ptr<const DecodedBlock>> blocks;
  for (const auto& bytes : encode_all(*choice)) blocks.push_back(open_block(bytes, *choice));
  for (const auto& block : blocks) must(block->load(kAllColumns));
  const auto rows = sample_rows();
  const auto order = random_numbers(4096, static_cast<std::size_t>(blocked_rows()));
  ExceptionView view;
  Cost cost(state);
  for (auto _ : state) {
    for (const auto i : order) {
      const auto& block = blocks[i / kBlockRows];
      const auto row = block->find(rows[i].view.key.node_id, rows[i].property_id);
      must(block->materialise(row.value(), view));
      benchmark::DoNotOptimize(view);
    }
  }
  cost.finish(static_cast<double>(order.size()), 0, "record");
}

// A get that has read its block's bytes just now: what is left of a cold get without the disk.
void point_in_fresh_block(benchmark::State& state) {
  const auto choice = choice_of(state);
  const auto encoded = encode_all(*choice);
  const auto rows = sample_rows();
  const auto order = random_numbers(256, static_cast<std::size_t>(blocked_rows()));
  ExceptionView view;
  Cost cost(state);
  for (auto _ : state) {
    for (const auto i : order) {
      const auto block = open_block(encoded[i / kBlockRows], *choice);
      const auto row = block->find(rows[i].view.key.node_id, rows[i].property_id);
      must(block->materialise(row.value(), view));
      benchmark::DoNotOptimize(view);
    }
  }
  cost.finish(static_cast<double>(order.size()), 0, "record");
}

// Every record of every block, from stored bytes.
void scan(benchmark::State& state) {
  const auto choice = choice_of(state);
  const auto encoded = encode_all(*choice);
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& bytes : encoded) {
      const auto block = open_block(bytes, *choice);
      must(block->load(kAllColumns));
      for (std::uint32_t row = 0; row < block->row_count(); ++row) {
        benchmark::DoNotOptimize(block->view(row));
      }
    }
  }
  cost.finish(blocked_rows(), blocked_bytes(), "record");
}

BENCHMARK(encode)->Name("block/encode")->DenseRange(0, kKinds - 1);
BENCHMARK(open)->Name("block/open")->DenseRange(0, kKinds - 1);
BENCHMARK(point)->Name("block/point")->Arg(kZstd3);
BENCHMARK(point_in_fresh_block)->Name("block/point_in_fresh_block")->DenseRange(0, kKinds - 1);
BENCHMARK(scan)->Name("block/scan")->DenseRange(0, kKinds - 1);

}  // namespace
}  // namespace caveat::bench
