// Filters on a store, against what a loop over all records finds.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>

#include "caveat/storage_optimizer.h"
#include "test/filter/random_filter.h"
#include "tools/cli/filter/filter.h"
#include "tools/cli/filter/record_stream.h"

using namespace caveat;
using namespace caveat::cli;
using namespace caveat::test;

namespace {

std::uint64_t seed() {
  const char* const chosen = std::getenv("CAVEAT_SEED");
  return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : 20261126;
}

Options small_partitions() {
  Options options;
  options.partition_records = 16;
  options.background_maintenance = false;
  return options;
}

struct World {
  std::mt19937_64 random{seed()};
  FilterMaker maker{random};
  StorageOptimizer store{0, small_partitions()};
  std::map<ExceptionKey, ExceptionRecord> truth;

  World() {
    for (const auto& name : FilterMaker::properties()) REQUIRE(store.register_property(name));
    write(400);
    REQUIRE(store.flush());
    write(60);  // wait in the delta
  }
  void write(int count) {
    for (int i = 0; i < count; ++i) {
      const auto record = maker.record();
      truth[record.key] = record;
      REQUIRE(store.store_exception(record.key, record.exception));
    }
  }

  [[nodiscard]] std::vector<ExceptionRecord> expected(const Meets& meets,
                                                      const Query& query) const {
    std::vector<ExceptionRecord> found;
    for (const auto& [key, record] : truth) {
      if (query.source && record.exception.source != *query.source) continue;
      if (query.nodes && (key.node_id < query.nodes->first || key.node_id > query.nodes->last)) {
        continue;
      }
      if (meets(record)) found.push_back(record);
    }
    const auto before = [&](const ExceptionRecord& a, const ExceptionRecord& b) {
      if (query.order == QueryOrder::confidence && a.exception.confidence != b.exception.confidence)
        return a.exception.confidence < b.exception.confidence;
      if (query.order == QueryOrder::time && a.exception.created_at != b.exception.created_at)
        return a.exception.created_at < b.exception.created_at;
      return a.key < b.key;
    };
    std::sort(found.begin(), found.end(), before);
    if (query.descending) std::reverse(found.begin(), found.end());
    if (found.size() > query.limit) found.resize(query.limit);
    return found;
  }
};

std::vector<ExceptionRecord> all_of(RecordStream stream) {
  std::vector<ExceptionRecord> records;
  for (;;) {
    const auto record = stream.next();
    REQUIRE(record);
    if (*record == nullptr) return records;
    records.push_back((*record)->to_record());
  }
}

std::vector<ExceptionRecord> in_pages(const StorageOptimizer& store, Selection selection,
                                      std::size_t page) {
  std::vector<ExceptionRecord> records;
  selection.query.limit = page;
  for (;;) {
    auto stream = RecordStream::open(store, selection);
    REQUIRE(stream);
    for (;;) {
      const auto record = stream->next();
      REQUIRE(record);
      if (*record == nullptr) break;
      records.push_back((*record)->to_record());
    }
    selection.query.resume_token = stream->resume_token();
    const auto more = stream->cut_off();
    REQUIRE(more);
    if (!*more) return records;
  }
}

Selection selection_of(const std::string& text) {
  auto filter = parse_filter(text);
  INFO(text);
  REQUIRE(filter);
  Selection selection;
  selection.condition = filter->condition;
  return selection;
}

}  // namespace

TEST_CASE("a filter finds what a loop over all records finds, in order and each once") {
  World world;
  std::size_t several = 0;
  std::size_t rechecked = 0;
  for (int i = 0; i < 1500; ++i) {
    const auto made = world.maker.make(static_cast<int>(world.random() % 4));
    INFO("CAVEAT_SEED=" << seed() << ", filter " << i << ": " << made.text);
    auto selection = selection_of(made.text);
    REQUIRE(selection_of(to_text(selection.condition)).condition == selection.condition);
    auto& query = selection.query;
    query.order = static_cast<QueryOrder>(world.random() % 3);
    query.descending = world.random() % 2 == 0;
    if (world.random() % 4 == 0) query.source = static_cast<ExceptionSource>(world.random() % 5);
    if (world.random() % 4 == 0) query.nodes = {world.random() % 20, 10 + world.random() % 60};
    if (world.random() % 3 == 0) query.limit = world.random() % 20;
    const auto expected = world.expected(made.meets, query);
    auto stream = RecordStream::open(world.store, selection);
    REQUIRE(stream);
    REQUIRE(all_of(std::move(*stream)) == expected);
    const auto counted = count_of(world.store, selection, [] { return false; });
    REQUIRE(counted);
    REQUIRE(*counted == expected.size());
    if (i % 5 == 0) {
      query.limit = Query().limit;
      REQUIRE(in_pages(world.store, selection, 1 + world.random() % 30) ==
              world.expected(made.meets, query));
    }
    const auto plan = plan_of(selection, world.store, world.store.snapshot());
    REQUIRE(plan);
    several += plan->branches.size() > 1 ? 1U : 0U;
    rechecked += plan->recheck ? 1U : 0U;
  }
  CHECK(several > 50);  // else the test has lost what it is for
  CHECK(rechecked > 50);
}

// The check above must be able to fail.
TEST_CASE("a plan that is wrong is found out", "[planted]") {
  World world;
  const auto snapshot = world.store.snapshot();
  const auto run = [&](const std::string& text, const std::function<void(SelectionPlan&)>& spoil) {
    const auto selection = selection_of(text);
    auto plan = plan_of(selection, world.store, snapshot).value();
    spoil(plan);
    auto stream = RecordStream::open(world.store, selection, snapshot, plan);
    REQUIRE(stream);
    return all_of(std::move(*stream));
  };
  const auto right = [](SelectionPlan&) {};
  const std::string reasons = "reason contains '3'";
  CHECK(run(reasons, right) != run(reasons, [](SelectionPlan& plan) { plan.recheck = false; }));
  const std::string nodes = "node in (3, 5, 7)";
  CHECK(run(nodes, right) != run(nodes, [](SelectionPlan& plan) { plan.branches.pop_back(); }));
  const std::string range = "node between 10 and 30";
  CHECK(run(range, right) !=
        run(range, [](SelectionPlan& plan) { plan.branches[0].query.nodes->last = 20; }));
}

TEST_CASE("what indexes can serve is left to them") {
  World world;
  const auto plan = [&](const std::string& text, QueryOrder order = QueryOrder::key) {
    auto selection = selection_of(text);
    selection.query.order = order;
    return plan_of(selection, world.store, world.store.snapshot()).value();
  };
  const auto exact =
      plan("property = 'legs' and source = Detected and confidence >= 0.5 and time <= 2022-01-10");
  REQUIRE(exact.branches.size() == 1);
  CHECK_FALSE(exact.recheck);
  const auto& query = exact.branches[0].query;
  CHECK(query.property == hash_property("legs"));
  CHECK(query.source == ExceptionSource::Detected);
  CHECK(query.confidence->min == 0.5F);
  CHECK(query.time.has_value());

  CHECK(plan("node = 1 and node = 2").branches.empty());
  // Neighbours lie together: one range reads no more than a query each.
  CHECK(plan("node in (1, 2, 3)").branches.size() == 1);
  CHECK(plan("node in (1, 2, 3)").recheck);
  CHECK(plan("node in (1, 20, 40)").branches.size() == 3);
  CHECK_FALSE(plan("node in (1, 20, 40)").recheck);
  CHECK(plan("confidence > 0.25 and confidence > 0.5").branches[0].query.confidence->min > 0.5F);
  const auto range = plan("node between 10 and 20");
  REQUIRE(range.branches.size() == 1);
  REQUIRE(range.branches[0].query.nodes.has_value());
  CHECK(range.branches[0].query.nodes->first == 10);
  CHECK(range.branches[0].query.nodes->last == 20);
  CHECK_FALSE(range.recheck);
  CHECK_FALSE(plan("node > 10 and source = Detected", QueryOrder::time).recheck);
  // One query around them all, where several would read no less.
  CHECK(plan("confidence >= 0 or source = Detected").branches.size() == 1);
  std::string many = "node in (0";
  for (int i = 1; i < 2000; ++i) many += "," + std::to_string(i);
  CHECK(plan(many + ")").branches.size() == 1);
}

TEST_CASE("a token goes on with its own filter only") {
  World world;
  auto selection = selection_of("confidence >= 0.5");
  selection.query.limit = 3;
  auto stream = RecordStream::open(world.store, selection).value();
  REQUIRE(stream.next());
  const auto token = stream.resume_token();
  auto other = selection_of("confidence >= 0.25");
  other.query.resume_token = token;
  CHECK(RecordStream::open(world.store, other).error().code() == ErrorCode::invalid_argument);
  selection.query.resume_token = token;
  CHECK(RecordStream::open(world.store, selection));
}
