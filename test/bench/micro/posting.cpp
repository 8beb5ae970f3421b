// Index containers: made, read, and merged with what came later.
#include "indexes/posting_container.h"
#include "indexes/posting_segment.h"

#include "test/bench/caveat_views.h"
#include "test/bench/micro/cost.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {
namespace {

using peers::must;
using namespace caveat::posting;

enum Shape : std::int64_t { kFewTerms, kManyTerms, kTimes };

// One container's worth of pairs, in the shapes that indexes have.
std::vector<PostingPair> pairs_of(benchmark::State& state) {
  static constexpr const char* kNames[] = {"few terms", "many terms", "times"};
  const auto shape = state.range(0);
  state.SetLabel(kNames[shape]);
  std::mt19937_64 random(8);
  std::vector<PostingPair> pairs;
  while (pairs.size() < kContainerPairs) {
    const std::uint64_t partition = random() % 2000;
    switch (shape) {
      case kFewTerms:
        pairs.push_back({random() % 5, pairs.size() + 1});
        break;
      case kManyTerms:
        pairs.push_back({random() % 700 * 0x9E3779B97F4A7C15ULL, partition});
        break;
      default:
        pairs.push_back(
            {(std::uint64_t{1} << 60) + (partition * 64 + random() % 64) * 1000000, partition});
    }
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

void encode(benchmark::State& state) {
  const auto pairs = pairs_of(state);
  std::string out;
  Cost cost(state);
  for (auto _ : state) {
    out.clear();
    encode_base(pairs, out);
  }
  const auto count = static_cast<double>(pairs.size());
  cost.finish(count, count * 16, "pair");
  state.counters["stored_bytes/pair"] = static_cast<double>(out.size()) / count;
}
BENCHMARK(encode)->Name("posting/encode")->DenseRange(kFewTerms, kTimes);

void decode(benchmark::State& state) {
  const auto pairs = pairs_of(state);
  std::string out;
  encode_base(pairs, out);
  std::vector<PostingPair> adds, removes;
  Cost cost(state);
  for (auto _ : state) {
    adds.clear();
    std::string_view rest = out;
    const Segment segment = must(take_segment(rest));
    must(decode_segment(segment, 0, ~std::uint64_t{0}, true, adds, removes));
    benchmark::DoNotOptimize(adds.data());
  }
  cost.finish(static_cast<double>(pairs.size()), static_cast<double>(pairs.size()) * 16, "pair");
}
BENCHMARK(decode)->Name("posting/decode")->DenseRange(kFewTerms, kTimes);

void merge(benchmark::State& state) {
  const auto pairs = pairs_of(state);
  std::vector<PostingChange> changes;  // an eighth goes, as much comes
  for (std::size_t i = 0; i < pairs.size(); i += 8) {
    changes.push_back({pairs[i].term, pairs[i].partition, false});
    changes.push_back({pairs[i].term, pairs[i].partition + 1000000, true});
  }
  std::sort(changes.begin(), changes.end(),
            [](const auto& a, const auto& b) { return a.pair() < b.pair(); });
  std::vector<PostingPair> merged;
  Cost cost(state);
  for (auto _ : state) {
    cost.pause();
    merged = pairs;
    cost.resume();
    merge_changes(merged, changes);
    benchmark::DoNotOptimize(merged.data());
  }
  cost.finish(static_cast<double>(pairs.size()), static_cast<double>(pairs.size()) * 16, "pair");
}
BENCHMARK(merge)->Name("posting/merge")->DenseRange(kFewTerms, kTimes);

}  // namespace
}  // namespace caveat::bench
