// Power is lost at any write to the disk: what was synced is there, and the rest is a prefix.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "test/torture/power_loss_campaign.h"

namespace caveat::test {

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t chosen_seed() {
  std::random_device device;
  return number_from("CAVEAT_SEED", device());
}

constexpr std::uint64_t kGatePoints = 24;

}  // namespace

TEST_CASE("after a loss of power all that was synced is there, on rocksdb", "[power]") {
  const std::uint64_t seed = chosen_seed();
  for (const std::string_view name : kWorkloads) {
    const PowerLossResults results =
        lose_power(make_workload(name, seed), {.seed = seed, .points = kGatePoints, .keep = {}});
    UNSCOPED_INFO("repeat with CAVEAT_SEED=" << seed);
    for (const std::string& violation : results.violations) UNSCOPED_INFO(violation);
    CHECK(results.violations.empty());
    std::printf("%s: %llu operations, %llu points, %llu losses of power, seed %llu, %.1f s\n",
                std::string(name).c_str(), static_cast<unsigned long long>(results.operations),
                static_cast<unsigned long long>(results.points),
                static_cast<unsigned long long>(results.cases),
                static_cast<unsigned long long>(seed), results.seconds);
  }
}

}  // namespace caveat::test
