// The directory: which partition holds a key, among two thousand (some hundred thousand records) or
// four hundred thousand (a hundred million).
#include "engine/partition/directory.h"

#include "test/bench/micro/cost.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {
namespace {

void locate(benchmark::State& state) {
  const auto partitions = static_cast<std::size_t>(state.range(0));
  constexpr NodeId kStep = 50;  // nodes a partition
  std::vector<std::shared_ptr<const PartitionGroup>> groups;
  for (std::size_t i = 0; i < partitions;) {
    std::vector<PartitionEntry> entries;
    for (; i < partitions && entries.size() < kGroupPartitions; ++i) {
      PartitionEntry entry;
      entry.lower = {i * kStep, 0};
      entry.id = i + 1;
      entries.push_back(std::move(entry));
    }
    groups.push_back(std::make_shared<PartitionGroup>(std::move(entries)));
  }
  const Directory directory(std::move(groups));
  std::vector<ExceptionKey> keys;
  std::mt19937_64 random(3);
  for (int i = 0; i < 1 << 16; ++i) keys.push_back({random() % (partitions * kStep), random()});
  Cost cost(state);
  for (auto _ : state) {
    for (const auto& key : keys)
      benchmark::DoNotOptimize(directory.probe(directory.locate(key)).id);
  }
  cost.finish(static_cast<double>(keys.size()), 0, "key");
}
BENCHMARK(locate)->Name("directory/locate")->Arg(2000)->Arg(400000);

}  // namespace
}  // namespace caveat::bench
