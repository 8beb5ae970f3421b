// Gets, misses and queries of a large store, with their answers checked.
#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "test/bench/harness/numbers.h"
#include "test/bench/scale/phases.h"

namespace caveat::bench {

using peers::must;
using peers::now;

void Phases::put_latencies(const std::string& name, std::vector<float>& seconds, double elapsed,
                           double results) {
  line(name + ", ops/s", static_cast<double>(seconds.size()) / elapsed, "");
  if (results > 0) line(name + ", results/s", results / elapsed, "");
  line(name + ", p50 us", peers::percentile(seconds, .5) * 1e6, "");
  line(name + ", p99 us", peers::percentile(seconds, .99) * 1e6, "");
}

void Phases::check(const peers::Record& expected, const ExceptionView& found) {
  const ExceptionView view = views_.of({&expected, 1}).front();
  if (found.key != view.key || found.inherited_value != view.inherited_value ||
      found.actual_value != view.actual_value || found.reason != view.reason ||
      found.created_at != view.created_at || found.confidence != view.confidence ||
      found.source != view.source) {
    throw std::runtime_error("a get returned another record");
  }
}

void Phases::gets(const std::string& name, std::uint64_t count, std::uint64_t seed) {
  peers::Rng random(seed);
  std::vector<float> seconds;
  double elapsed = 0;
  const bool changed = result.contains("upserts");  // then only presence is known
  for (std::uint64_t i = 0; i < count; ++i) {
    const peers::Record record = stream_.at(random.below(stream_.size()));
    const double start = now();
    const auto found = must(store_->retrieve_view({record.node, record.prop}));
    const double took = now() - start;
    elapsed += took;
    seconds.push_back(static_cast<float>(took));
    if (!found) throw std::runtime_error("a get found nothing");
    if (!changed) check(record, **found);
  }
  put_latencies(name, seconds, elapsed, 0);
}

void Phases::misses(const std::string& name) {
  peers::Rng random(settings_.seed + 4);
  std::vector<float> seconds;
  double elapsed = 0;
  for (std::uint64_t i = 0; i < settings_.reads; ++i) {
    const peers::Record record = stream_.at(random.below(stream_.size()));
    // A node that is there, a property that is nowhere.
    const ExceptionKey key{record.node, random.next()};
    const double start = now();
    const auto found = must(store_->retrieve_view(key));
    const double took = now() - start;
    elapsed += took;
    seconds.push_back(static_cast<float>(took));
    if (found) throw std::runtime_error("a miss found something");
  }
  put_latencies(name, seconds, elapsed, 0);
}

void Phases::query(const std::string& name, std::uint64_t count,
                   const std::function<Query(peers::Rng&)>& make) {
  peers::Rng random(settings_.seed + 5);
  std::vector<float> seconds;
  double elapsed = 0, results = 0;
  for (std::uint64_t i = 0; i < count && elapsed < 20; ++i) {
    const Query query = make(random);
    peers::Sink sink;  // every field is read, as in the comparison
    const double start = now();
    auto cursor = must(store_->query(query));
    while (const ExceptionView* view = must(cursor.next())) {
      peers::RecordHasher hasher;
      hasher.key(view->key.node_id, view->key.property_hash);
      hasher.string(view->inherited_value.payload());
      hasher.string(view->actual_value.payload());
      hasher.rest(view->reason, static_cast<std::uint8_t>(view->source), view->created_at,
                  view->confidence);
      sink.sum += hasher.finish();
      ++sink.count;
    }
    const double took = now() - start;
    elapsed += took;
    results += static_cast<double>(sink.count);
    seconds.push_back(static_cast<float>(took));
  }
  if (results == 0) throw std::runtime_error(name + " found nothing");
  put_latencies(name, seconds, elapsed, results);
}

void Phases::reads(const std::string& name) {
  section_ = &result[name];
  std::printf("%s\n", name.c_str());
  gets("get", settings_.reads, settings_.seed + 3);
  misses("get, absent");
  const auto any = [this](peers::Rng& random) { return stream_.at(random.below(stream_.size())); };
  query("by node", 2000, [&](peers::Rng& random) {
    Query query;
    query.node = any(random).node;
    return query;
  });
  query("by property, at most 1000", 200, [&](peers::Rng& random) {
    Query query;
    query.property = data_.props[random.below(data_.props.size())].hash;
    query.limit = 1000;
    return query;
  });
  query("by source, at most 1000", 50, [&](peers::Rng& random) {
    Query query;
    query.source = static_cast<ExceptionSource>(random.below(peers::kSourceCount));
    query.limit = 1000;
    return query;
  });
  query("confidence range, at most 10000", 50, [&](peers::Rng& random) {
    Query query;
    const float low = std::min(0.99F, any(random).confidence);
    query.confidence = Query::ConfidenceRange{low, low + 0.01F};
    query.limit = 10000;
    return query;
  });
  query("time range, at most 1000", 100, [&](peers::Rng& random) {
    Query query;
    const std::int64_t from = any(random).created_ns;
    query.time = Query::TimeRange{from, from + 3600LL * 1000000000};
    query.limit = 1000;
    return query;
  });
  memory_lines();
  line("resident", memory_.resident_mib(), "MiB above the data set");
}

}  // namespace caveat::bench
