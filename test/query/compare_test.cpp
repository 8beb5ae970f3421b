// Random stores and random queries against a look at every record.
#include <catch2/catch.hpp>

#include "test/query/query_world.h"
#include "test/support/seed.h"

namespace caveat::test {
namespace {

using Records = std::vector<ExceptionRecord>;

std::string describe(const Query& query) {
  std::string out = "order " + std::to_string(static_cast<int>(query.order));
  if (query.descending) out += " descending";
  if (query.node) out += ", node " + std::to_string(*query.node);
  if (query.nodes) {
    out += ", nodes " + std::to_string(query.nodes->first) + " to " +
           std::to_string(query.nodes->last);
  }
  if (query.property) out += ", property " + std::to_string(*query.property);
  if (query.source) out += ", source " + std::string(to_string(*query.source));
  if (query.confidence) {
    out += ", confidence " + std::to_string(query.confidence->min) + " to " +
           std::to_string(query.confidence->max);
  }
  if (query.time) {
    out += ", time " + std::to_string(query.time->start_ns) + " to " +
           std::to_string(query.time->end_ns);
  }
  return out + ", limit " + std::to_string(query.limit);
}

// A run of a query: all records, and the token before each of them and at the end.
struct Run {
  Records records;
  std::vector<std::string> tokens;
};

Run run_query(QueryWorld& world, std::shared_ptr<const ReadView> view, const Query& query,
              std::size_t gather_max) {
  auto impl = Cursor::Impl::open(world.context(), std::move(view), query, gather_max);
  if (!impl) throw std::runtime_error(impl.error().message());
  Cursor cursor(std::move(*impl));
  Run run;
  for (;;) {
    run.tokens.push_back(cursor.resume_token());
    const auto next = cursor.next();
    if (!next) throw std::runtime_error(next.error().message());
    if (*next == nullptr) return run;
    run.records.push_back((*next)->to_record());
  }
}

// Compares cursors, counts, plans and pages of random queries; true if all agree.
bool agrees(QueryWorld& world, const std::shared_ptr<const ReadView>& view, std::size_t queries,
            bool resume) {
  for (std::size_t i = 0; i < queries; ++i) {
    Query query = world.random_query();
    INFO(describe(query));
    const std::size_t gather_max = world.random().chance(2) ? 1 + world.random().below(20) : 65536;
    const Records expected = world.expected(query);
    const Run run = run_query(world, view, query, gather_max);
    if (run.records != expected) return false;
    const auto count = count_matches(world.context(), *view, query);
    if (!count || *count != expected.size()) return false;
    const auto plan = explain_query(world.context(), *view, query);
    if (!plan || plan->candidates.empty() || plan->to_string().empty()) return false;
    if (!resume) continue;

    for (std::size_t at = 0; at <= expected.size(); ++at) {
      if (at > 20 && world.random().below(expected.size()) > 20) continue;
      Query rest = query;
      rest.resume_token = run.tokens[at];
      rest.limit = world.random().chance(2) ? 1 + world.random().below(30) : query.limit;
      Query unlimited = query;
      unlimited.limit = std::numeric_limits<std::size_t>::max();
      Records tail = world.expected(unlimited);
      tail.erase(tail.begin(), tail.begin() + static_cast<std::ptrdiff_t>(at));
      if (tail.size() > rest.limit) tail.resize(rest.limit);
      const Run page = run_query(world, view, rest, gather_max);
      if (page.records != tail || page.tokens.front() != run.tokens[at]) return false;
      const auto left = count_matches(world.context(), *view, rest);
      if (!left || *left != tail.size()) return false;
    }
  }
  return true;
}

WorldOptions shape(std::size_t i) {
  WorldOptions options;
  switch (i % 6) {
    case 0:  // nothing but partitions
      options.run_writes = options.delta_writes = options.clears = options.generations = 0;
      break;
    case 1:  // nothing but a delta
      options.base_records = options.run_writes = 0;
      break;
    case 2:  // many small partitions, so that windows are cut
      options.base_records = 1500;
      options.nodes = 200;
      options.partition_rows = 8;
      options.few_values = 4;
      break;
    case 3:  // ties everywhere
      options.few_values = 1;
      break;
    case 4:  // no clears
      options.clears = 0;
      break;
    default:
      break;
  }
  return options;
}

}  // namespace

TEST_CASE("queries agree with a look at every record", "[query]") {
  const auto seed = chosen_seed();
  INFO("seed " << seed);
  for (std::size_t i = 0; i < 12; ++i) {
    INFO("world " << i);
    QueryWorld world(seed + i, shape(i));
    REQUIRE(agrees(world, world.view(), 60, false));
    REQUIRE(agrees(world, world.view(), 6, true));
    // With some of the indexes out of order.
    auto view = world.changed_view();
    auto version = std::make_shared<Version>(*view->version);
    for (const Family family : kIndexFamilies) {
      version->index_complete[static_cast<std::size_t>(family)] = world.random().chance(2);
    }
    view->version = version;
    REQUIRE(agrees(world, view, 30, false));
  }
}

TEST_CASE("the comparison notices rows that the delta should have hidden", "[query]") {
  const auto seed = chosen_seed();
  INFO("seed " << seed);
  QueryWorld world(seed, {});
  auto view = world.changed_view();
  auto version = std::make_shared<Version>(*view->version);
  version->generations.clear();  // as if nobody asked the delta
  view->version = version;
  CHECK(!agrees(world, view, 60, false));

  auto uncleared = world.changed_view();
  version = std::make_shared<Version>(*uncleared->version);
  version->clears = std::make_shared<ClearList>();
  uncleared->version = version;
  CHECK(!agrees(world, uncleared, 60, false));
}

}  // namespace caveat::test
