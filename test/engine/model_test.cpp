// Random operations against a std::map, over both backends and under different options.
#include <cstdlib>

#include "test/engine/model_world.h"

namespace caveat::test {

namespace {

// CAVEAT_SEED repeats a failure; CAVEAT_STEPS makes the lists longer.
std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

struct NamedOptions {
  const char* name;
  Options options;
};

std::vector<NamedOptions> option_sets() {
  std::vector<NamedOptions> sets;
  sets.push_back({"default", {}});
  Options tiny;
  tiny.partition_records = 16;
  tiny.partition_bytes = 1024;
  tiny.memory_budget_bytes = kMemoryBudgetMin;
  tiny.delta_bytes = 16 << 10;
  sets.push_back({"tiny partitions, tiny delta", tiny});
  Options own_thread = tiny;
  own_thread.background_maintenance = false;
  own_thread.cache_bytes = 1;
  own_thread.compression = CompressionAlgorithm::Lz4;
  sets.push_back({"no background, no cache, lz4", own_thread});
  Options plain;
  plain.compression = CompressionAlgorithm::None;
  plain.partition_records = 4096;
  plain.dictionary_bytes = 0;
  sets.push_back({"large uncompressed partitions", plain});
  return sets;
}

void run(Backend backend, const NamedOptions& set, std::uint64_t seed, std::uint64_t steps) {
  INFO("seed " << seed << ", options: " << set.name << ", backend: " << name_of(backend)
               << "; repeat with CAVEAT_SEED=" << seed << " test_engine \"[model]\"");
  ModelWorld world(backend, set.options, seed);
  for (std::uint64_t i = 0; i < steps; ++i) {
    CAPTURE(i);
    world.step();
    if (i % 97 == 96) world.maintain();
    if (i % 193 == 192) world.check_all();
  }
  world.check_all();
}

}  // namespace

TEST_CASE("the store agrees with a map, in memory", "[model]") {
  const auto seed = from_environment("CAVEAT_SEED", 20260101);
  for (const auto& set : option_sets()) {
    run(Backend::memory, set, seed, from_environment("CAVEAT_STEPS", 1200));
  }
}

TEST_CASE("the store agrees with a map, on disk", "[model]") {
  const auto seed = from_environment("CAVEAT_SEED", 20260102);
  for (const auto& set : option_sets()) {
    run(Backend::rocksdb, set, seed, from_environment("CAVEAT_STEPS", 800));
  }
}

}  // namespace caveat::test
