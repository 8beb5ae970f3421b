// The seed of a test that draws at random. CAVEAT_SEED=NUMBER repeats a run, CAVEAT_SEED=random is
// for campaigns. Without it the seed is always the same: whether a change passes its tests must not
// depend on luck.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

namespace caveat::test {

inline std::uint64_t chosen_seed() {
  const char* const text = std::getenv("CAVEAT_SEED");
  if (text == nullptr) return 1;
  if (std::string_view(text) == "random") return std::random_device{}();
  return std::strtoull(text, nullptr, 10);
}

}  // namespace caveat::test
