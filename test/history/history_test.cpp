// One random list of operations, and one history: of a std::map, and of stores under many options.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "test/history/history.h"
#include "test/support/backend_double.h"
#include "test/support/seed.h"
#ifdef CAVEAT_SYNC_POINTS
#include "test/schedules/director.h"
#endif

namespace caveat::test {

namespace {

#ifdef NDEBUG
constexpr std::size_t kListLength = 900;
#else
constexpr std::size_t kListLength = 400;  // sanitizers, or no optimisation
#endif

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string describe(const Operations& operations, const Difference& difference) {
  return "line " + std::to_string(difference.at + 1) + ", \"" + to_text(operations[difference.at]) +
         "\": expected " + difference.expected + ", found " + difference.found;
}

void compare(const std::vector<OptionSet>& sets, bool on_disk, std::size_t count) {
  const std::uint64_t seed = chosen_seed();
  const auto operations = random_operations(seed, number_from("CAVEAT_STEPS", count));
  const auto expected = history_of_map(operations);
  for (const OptionSet& set : sets) {
    if (set.on_disk != on_disk) continue;
    const auto difference = first_difference(operations, expected, set);
    INFO("options: " << set.name << "; repeat with CAVEAT_SEED=" << seed
                     << " test_history \"[history]\"");
    INFO((difference ? describe(operations, *difference) : ""));
    CHECK_FALSE(difference);
  }
}

// Loses some entries of a family, always the same ones.
template <Family kFamily>
class LosesEntries final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const auto lost = [](const KvBatch::Entry& entry) {
      return entry.family == kFamily && entry.op != KvBatch::Op::erase_range &&
             std::hash<std::string_view>{}(entry.value) % 4 == 0;
    };
    return BackendDouble::write(without(batch, lost), durability);
  }
};

template <class Double>
Around around() {
  return [](std::shared_ptr<KvBackend> inner) { return std::make_unique<Double>(inner); };
}

// The fault is found, and by a list that is short, survives being written down, and finds nothing
// where there is no fault.
void require_caught(const Around& fault, const std::function<void(bool)>& plant,
                    std::size_t lines_max) {
  const OptionSet set = *option_set_named("a fold behind every seven, in memory");
  const OptionSet unforced = [&] {
    OptionSet same = set;
    same.forced_every = 0;
    same.options.background_maintenance = false;  // so that the fault strikes alike each time
    return same;
  }();
  const auto fails = [&](const Operations& operations) {
    return first_difference(operations, history_of_map(operations), unforced, fault).has_value();
  };
  plant(true);
  Operations operations;
  for (std::uint64_t seed = 1; seed < 10 && operations.empty(); ++seed) {
    operations = random_operations(seed, 500);
    if (!fails(operations)) operations.clear();
  }
  REQUIRE_FALSE(operations.empty());
  const auto shortest = reduce(operations, fails, 30);
  const auto text = to_text(Recorded{unforced.name, shortest});
  INFO(text);
  CHECK(shortest.size() <= lines_max);
  const auto again = parse_recorded(text);
  REQUIRE(again);
  CHECK(again->operations == shortest);
  CHECK(fails(again->operations));
  plant(false);
  CHECK_FALSE(first_difference(shortest, history_of_map(shortest), unforced));
}

void plant_nothing(bool) {}

}  // namespace

TEST_CASE("a list of operations gives one history under all options, in memory", "[history]") {
  const auto sets = option_sets();
  REQUIRE(sets.size() >= 16);
  compare(sets, false, kListLength);
}

TEST_CASE("a list of operations gives one history under all options, on rocksdb", "[history]") {
  compare(option_sets(), true, kListLength / 2);
}

TEST_CASE("an operation is what its text says", "[history]") {
  const auto operations = random_operations(7, 2000);
  for (const Operation& operation : operations) {
    const auto parsed = parse_operation(to_text(operation));
    REQUIRE(parsed);
    REQUIRE(*parsed == operation);
  }
  for (const char* line :
       {"", "stor 1 2 3", "store 1 2", "store 1 2 3 4", "store 1 2 x", "flush 1"}) {
    INFO(line);
    CHECK_FALSE(parse_operation(line));
  }
}

TEST_CASE("planted: lost index entries are caught by a list of a few lines", "[history][planted]") {
  require_caught(around<LosesEntries<Family::property>>(), plant_nothing, 6);
}

TEST_CASE("planted: lost partitions are caught by a list of a few lines", "[history][planted]") {
  require_caught(around<LosesEntries<Family::primary>>(), plant_nothing, 6);
}

#ifdef CAVEAT_SYNC_POINTS
TEST_CASE("planted: faults of the engine are caught by a list of a few lines",
          "[history][planted]") {
  for (const Fault fault : {Fault::fold_forgets_filter, Fault::fold_claims_no_clears}) {
    INFO("fault number " << static_cast<int>(fault));
    std::optional<Director> director;
    const auto plant = [&](bool on) {
      director.reset();
      if (on) director.emplace(std::initializer_list<Fault>{fault});
    };
    require_caught({}, plant, 8);
  }
}
#endif

// Environment: see tools/campaigns/model.
TEST_CASE("the campaign: random lists under random options", "[.history-campaign]") {
  const std::uint64_t first = chosen_seed();
  const auto seconds = static_cast<double>(number_from("CAVEAT_TORTURE_SECONDS", 120));
  const char* const keep = std::getenv("CAVEAT_TORTURE_KEEP");
  std::printf("seed %llu\n", static_cast<unsigned long long>(first));
  const auto begun = std::chrono::steady_clock::now();
  std::uint64_t lists = 0, runs = 0, answers = 0;
  const auto took = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  };
  for (; took() < seconds; ++lists) {
    const std::uint64_t seed = first + lists;
    const auto operations = random_operations(seed, 300 + seed % 2700);
    const auto expected = history_of_map(operations);
    auto sets = option_sets();
    for (std::uint64_t i = 0; i < 8; ++i) sets.push_back(random_option_set(seed * 8 + i));
    for (const OptionSet& set : sets) {
      if (took() > seconds) break;
      const auto difference = first_difference(operations, expected, set);
      ++runs;
      answers += difference ? difference->at : operations.size();
      if (!difference) continue;
      const auto shortest = reduce(
          operations,
          [&](const Operations& some) {
            // What hangs on the maintenance thread may need another try.
            for (int tries = 0; tries < 3; ++tries) {
              if (first_difference(some, history_of_map(some), set)) return true;
            }
            return false;
          },
          120);
      const auto text = to_text(Recorded{set.name, shortest});
      std::printf("seed %llu, options \"%s\": %s\nthe shortest list that fails:\n%s",
                  static_cast<unsigned long long>(seed), set.name.c_str(),
                  describe(operations, *difference).c_str(), text.c_str());
      if (keep != nullptr) {
        std::filesystem::create_directories(keep);
        const auto file = std::filesystem::path(keep) / ("model-" + std::to_string(seed) + ".txt");
        std::ofstream(file) << text;
        std::printf("repeat with: tools/torture model --repeat %s\n", file.c_str());
      }
      FAIL("histories differ");
    }
  }
  std::printf(
      "lists %llu, runs of a list under an option set %llu, answers compared %llu, "
      "differences 0, %.0f s\n",
      static_cast<unsigned long long>(lists), static_cast<unsigned long long>(runs),
      static_cast<unsigned long long>(answers), took());
  CHECK(runs > 0);
}

TEST_CASE("the campaign: one list again", "[.history-repeat]") {
  const char* const kept = std::getenv("CAVEAT_TORTURE_REPEAT");
  REQUIRE(kept != nullptr);
  std::ifstream file(kept);
  const auto recorded = parse_recorded(std::string(std::istreambuf_iterator<char>(file), {}));
  REQUIRE(recorded);
  const auto set = option_set_named(recorded->set);
  REQUIRE(set);
  const auto difference =
      first_difference(recorded->operations, history_of_map(recorded->operations), *set);
  std::printf("%s\n",
              difference ? describe(recorded->operations, *difference).c_str() : "no difference");
  CHECK_FALSE(difference);
}

}  // namespace caveat::test
