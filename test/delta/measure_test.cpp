// Figures for docs, not run by default: ./test_delta '[measure]' in a Release build.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <ctime>
#include <random>

#include "engine/delta/delta_record.h"
#include "engine/delta/delta_view.h"
#include "engine/delta/merge_generation.h"
#include "pool/arena.h"

using namespace caveat;

namespace {

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// CPU time per operation, the best of five.
template <class F>
double per_operation(std::size_t operations, const F& f, int repeats = 5) {
  double best = 1e18;
  for (int i = 0; i < repeats; ++i) {
    const double start = cpu_ns();
    f();
    best = std::min(best, (cpu_ns() - start) / static_cast<double>(operations));
  }
  return best;
}

ExceptionKey key_of(std::uint64_t i) {
  // Some seven properties a node, as in the data this is for.
  return {(i / 7) * 0x9E3779B97F4A7C15ULL >> 20, (i % 7 + 1) * 0xD6E8FEB86659FD93ULL};
}

WriteBatch batch_of(std::size_t rows, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  WriteBatch batch;
  Exception exception;
  exception.inherited_value = "inherited";
  exception.actual_value = "actual value";
  exception.reason = "some reason";
  std::vector<std::uint64_t> order(rows);
  for (std::size_t i = 0; i < rows; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), random);
  for (const std::uint64_t i : order) {
    exception.created_at = static_cast<std::int64_t>(i);
    exception.confidence = static_cast<float>(i % 1000) / 1000.0F;
    REQUIRE(batch.store_exception(key_of(i), exception));
  }
  return batch;
}

void measure(std::size_t rows) {
  MemoryPool pool(std::size_t{1} << 30);
  const WriteBatch batch = batch_of(rows, 1);
  std::shared_ptr<Generation> generation;
  const auto fill = [&](std::size_t capacity) {
    GenerationOptions options;
    options.capacity_rows = capacity;
    generation = std::make_shared<Generation>(1, pool, options);
  };
  fmt::print("{} rows of {} bytes\n", rows, batch.bytes() / rows - 4);
  fmt::print("  insert, in one batch       {:7.1f} ns a row\n", per_operation(rows, [&] {
               fill(0);
               generation->insert_rows(1, batch.rows(), rows);
             }));
  std::vector<std::pair<RowView, std::string_view>> singles;
  for (std::string_view rest = batch.rows(); !rest.empty();) {
    std::uint32_t length = 0;
    std::memcpy(&length, rest.data(), 4);
    singles.emplace_back(decode_trusted_row(rest.substr(4, length)), rest.substr(4, length));
    rest.remove_prefix(4 + length);
  }
  fmt::print("  insert, one by one         {:7.1f} ns a row\n", per_operation(rows, [&] {
               fill(0);
               Sequence s = 0;
               for (const auto& [row, encoded] : singles) generation->insert(++s, row, encoded);
             }));
  fmt::print("  memory                     {:7.1f} bytes a row\n",
             static_cast<double>(generation->bytes()) / static_cast<double>(rows));

  const std::vector<std::shared_ptr<const Generation>> one{generation};
  const std::vector<std::shared_ptr<const Generation>> with_empty{
      std::make_shared<Generation>(2, pool), generation};
  const std::vector<std::shared_ptr<const Generation>> empty{std::make_shared<Generation>(2, pool)};
  std::vector<ExceptionKey> hits;
  std::vector<ExceptionKey> misses;
  std::mt19937_64 random(2);
  constexpr std::size_t kProbes = 1 << 20;
  for (std::size_t i = 0; i < kProbes; ++i) {
    hits.push_back(key_of(random() % rows));
    misses.push_back({random(), random()});
  }
  std::size_t found = 0;
  const auto probe = [&](const char* name, const auto& generations, const auto& keys) {
    const DeltaView view(generations, kMaxSequence);
    fmt::print("  {:26} {:7.1f} ns\n", name, per_operation(kProbes, [&] {
                 for (const auto& key : keys) found += view.shadows(key) ? 1 : 0;
               }));
  };
  probe("lookup, empty delta", empty, misses);
  probe("lookup, miss", one, misses);
  probe("lookup, hit", one, hits);
  probe("lookup, miss, and an empty", with_empty, misses);
  const DeltaView view(one, kMaxSequence);
  fmt::print("  has node, miss             {:7.1f} ns\n", per_operation(kProbes, [&] {
               for (const auto& key : misses) found += view.may_have_node(key.node_id) ? 1 : 0;
             }));
  fmt::print("  node state, hit            {:7.1f} ns\n", per_operation(kProbes, [&] {
               for (const auto& key : hits) found += view.node_state(key.node_id).live ? 1 : 0;
             }));

  DeltaFilter filter;
  filter.time = {1000, 1099};
  const double first = per_operation(
      1, [&] { found += view.select(filter).size(); }, 1);
  fmt::print("  first select by time       {:7.1f} ns a row of the generation\n",
             first / static_cast<double>(rows));
  fmt::print("  select 100 rows by time    {:7.1f} us\n",
             per_operation(1, [&] { found += view.select(filter).size(); }) / 1000);
  filter = {};
  filter.node = hits[0].node_id;
  fmt::print("  select a node              {:7.2f} us\n",
             per_operation(1, [&] { found += view.select(filter).size(); }) / 1000);
  filter = {};
  fmt::print("  select everything          {:7.1f} ns a row\n",
             per_operation(rows, [&] { found += view.select(filter).size(); }));

  generation->seal();
  const std::shared_ptr<const Generation> sealed = generation;
  WorkerPool workers;
  fmt::print("  merge                      {:7.2f} ms\n",
             per_operation(1, [&] {
               found += merge_generations({&sealed, 1}, workers).rows.size();
             }) / 1e6);
  REQUIRE(found != 0);
}

}  // namespace

TEST_CASE("what a generation costs", "[.][measure]") {
  measure(65'536);
  measure(1'000'000);
}

TEST_CASE("what a log record costs", "[.][measure]") {
  const WriteBatch one = batch_of(1, 1);
  std::string out;
  constexpr std::size_t kTimes = 1'000'000;
  fmt::print("encode a record of one row ({} bytes): {:.1f} ns\n", one.bytes(),
             per_operation(kTimes, [&] {
               for (std::size_t i = 0; i < kTimes; ++i) {
                 out.clear();
                 encode_delta_record({1, i}, one.rows(), 1, out);
               }
             }));
  const WriteBatch many = batch_of(65'536, 1);
  fmt::print("encode a record of 65,536 rows: {:.1f} ns a row", per_operation(65'536, [&] {
               out.clear();
               encode_delta_record({1, 1}, many.rows(), many.count(), out);
             }));
  fmt::print(", {} bytes to {}\n", many.bytes(), out.size());
  MemoryPool pool(std::size_t{1} << 30);
  fmt::print("replay it: {:.1f} ns a row\n", per_operation(65'536, [&] {
               Generation generation(1, pool);
               REQUIRE(replay_delta_record({1, 1}, out, generation));
             }));
}
