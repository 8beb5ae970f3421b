// Recent writes in memory: into a generation, and out of it.
#include "engine/delta/delta_view.h"
#include "engine/delta/generation.h"

#include "caveat/memory_pool.h"
#include "caveat/write_batch.h"
#include "test/bench/caveat_views.h"
#include "test/bench/micro/cost.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {
namespace {

using peers::must;

// The sample in random order.
struct Writes {
  std::vector<ExceptionKey> keys;
  WriteBatch batch;

  Writes() {
    const auto rows = sample_rows();
    std::vector<std::size_t> order(rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), std::mt19937_64(5));
    for (const auto i : order) {
      keys.push_back(rows[i].view.key);
      must(batch.store_exception(rows[i].view));
    }
  }
};

void insert(benchmark::State& state) {
  const Writes writes;
  MemoryPool pool(std::size_t{1} << 30);
  double bytes = 0;
  Cost cost(state);
  for (auto _ : state) {
    Generation generation(1, pool);
    generation.reserve(writes.batch.rows(), writes.keys.size());
    generation.insert_rows(1, writes.batch.rows(), writes.keys.size());
    bytes = static_cast<double>(generation.bytes());
  }
  const auto rows = static_cast<double>(writes.keys.size());
  cost.finish(rows, static_cast<double>(writes.batch.bytes()), "row");
  state.counters["memory_bytes/row"] = bytes / rows;
}
BENCHMARK(insert)->Name("delta/insert");

void lookup(benchmark::State& state, bool present) {
  const Writes writes;
  MemoryPool pool(std::size_t{1} << 30);
  const auto generation = std::make_shared<Generation>(1, pool);
  generation->reserve(writes.batch.rows(), writes.keys.size());
  generation->insert_rows(1, writes.batch.rows(), writes.keys.size());
  const std::vector<std::shared_ptr<const Generation>> generations{generation};
  const DeltaView view(generations, kMaxSequence);
  std::vector<ExceptionKey> keys;
  std::mt19937_64 random(6);
  for (const auto i : random_numbers(1 << 16, writes.keys.size())) {
    keys.push_back(present ? writes.keys[i] : ExceptionKey{random(), random()});
  }
  std::size_t found = 0;
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& key : keys) found += view.shadows(key) ? 1 : 0;
  }
  benchmark::DoNotOptimize(found);
  cost.finish(static_cast<double>(keys.size()), 0, "key");
}
BENCHMARK_CAPTURE(lookup, hit, true)->Name("delta/lookup/hit");
BENCHMARK_CAPTURE(lookup, miss, false)->Name("delta/lookup/miss");

}  // namespace
}  // namespace caveat::bench
