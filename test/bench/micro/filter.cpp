// The key filter: in the caches, and when each probe comes from memory.
#include "engine/partition/key_filter.h"

#include "test/bench/micro/cost.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {
namespace {

// range(0): filters of kBlockRows keys each. Few fit the caches, many do not.
void probe(benchmark::State& state, bool present) {
  const auto count = static_cast<std::size_t>(state.range(0));
  std::mt19937_64 random(1);
  std::vector<KeyFilter> filters;
  std::vector<ExceptionKey> keys;
  for (std::size_t i = 0; i < count; ++i) {
    KeyFilter filter(kBlockRows * 2);
    for (std::size_t k = 0; k < kBlockRows; ++k) {
      const ExceptionKey key{random(), random()};
      filter.add(key);
      if (k == 0) keys.push_back(key);
    }
    filters.push_back(std::move(filter));
  }
  const auto order = random_numbers(1 << 16, count);
  std::vector<std::uint64_t> hashes;
  for (const auto i : order) {
    hashes.push_back(filter_hash(present ? keys[i] : ExceptionKey{random(), random()}));
  }
  std::size_t yes = 0;
  Cost cost(state);
  for (auto _ : state) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      yes += filters[order[i]].may_contain(hashes[i]) ? 1 : 0;
    }
  }
  const auto probes = static_cast<double>(order.size());
  cost.finish(probes, 0, "probe");
  state.counters["answered_yes"] =
      static_cast<double>(yes) / (probes * static_cast<double>(state.iterations()));
}

BENCHMARK_CAPTURE(probe, hit, true)->Name("filter/hit")->Arg(16)->Arg(20000);
BENCHMARK_CAPTURE(probe, miss, false)->Name("filter/miss")->Arg(16)->Arg(20000);

void build(benchmark::State& state) {
  Cost cost(state);
  std::uint64_t key = 0;
  for (auto _ : state) {
    KeyFilter filter(kBlockRows * 2);
    for (std::size_t k = 0; k < kBlockRows; ++k) filter.add(ExceptionKey{key / 7, ++key});
    benchmark::DoNotOptimize(filter);
  }
  cost.finish(kBlockRows, 0, "key");
}
BENCHMARK(build)->Name("filter/build");

}  // namespace
}  // namespace caveat::bench
