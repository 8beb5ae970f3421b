// A family on the in-memory backend beside a plain set of pairs, and random things to do to both.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "adapters/memory/memory_backend.h"
#include "engine/cache/index_cache.h"
#include "indexes/posting_family.h"
#include "indexes/posting_reader.h"

namespace caveat::test {

using Model = std::set<PostingPair>;
using Random = std::mt19937_64;

inline std::uint64_t below(Random& random, std::uint64_t bound) {
  return random() % bound;
}

// Pairs of one of several shapes that stores have.
enum class Shape { scattered, long_runs, like_times, extreme };
inline PostingPair random_pair(Random& random, Shape shape) {
  switch (shape) {
    case Shape::scattered:
      return {below(random, 500), below(random, 2000)};
    case Shape::long_runs:
      return {below(random, 5), 1000 + below(random, 5000)};
    case Shape::like_times: {
      const auto partition = below(random, 3000);
      return {(std::uint64_t{1} << 40) + partition * 3 + below(random, 40), partition};
    }
    case Shape::extreme: {
      const std::uint64_t terms[] = {
          0, 1, ~std::uint64_t{0}, ~std::uint64_t{0} - 1, std::uint64_t{1} << 63, random()};
      const std::uint64_t ids[] = {0,
                                   1,
                                   kMaxPartitionId,
                                   kMaxPartitionId - 1,
                                   random() & kMaxPartitionId,
                                   below(random, 100)};
      return {terms[below(random, 6)], ids[below(random, 6)]};
    }
  }
  return {};
}

inline std::vector<PostingChange> random_changes(Random& random, Shape shape, std::size_t count,
                                                 const Model& model) {
  std::vector<PostingChange> changes;
  for (std::size_t i = 0; i < count; ++i) {
    auto pair = random_pair(random, shape);
    const bool add = below(random, 3) != 0;
    if (!add && !model.empty()) {
      // Mostly remove what is there.
      const auto there = model.lower_bound(pair);
      if (there != model.end() && below(random, 4) != 0) pair = *there;
    }
    changes.push_back({pair.term, pair.partition, add});
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const auto& a, const auto& b) { return a.pair() < b.pair(); });
  return changes;
}

inline void apply_to(Model& model, const std::vector<PostingChange>& changes) {
  for (const auto& change : changes) {
    if (change.add) {
      model.insert(change.pair());
    } else {
      model.erase(change.pair());
    }
  }
}

inline std::vector<PartitionId> lookup_in(const Model& model, std::uint64_t lo, std::uint64_t hi) {
  std::set<PartitionId> ids;
  for (auto at = model.lower_bound({lo, 0}); at != model.end() && at->term <= hi; ++at)
    ids.insert(at->partition);
  return {ids.begin(), ids.end()};
}

// What a reader says that the model does not; nothing when they agree.
inline std::optional<std::string> difference(const PostingReader& reader, const Model& model,
                                             std::uint64_t lo, std::uint64_t hi,
                                             const KvSnapshot* snapshot) {
  const auto ids = reader.lookup(lo, hi, snapshot);
  if (!ids) return "lookup: " + ids.error().message();
  const auto expected = lookup_in(model, lo, hi);
  if (*ids != expected)
    return fmt::format("lookup [{}, {}]: {} ids, not {}", lo, hi, ids->size(), expected.size());
  const auto begin = model.lower_bound({lo, 0});
  const auto end = model.upper_bound({hi, kMaxPartitionId});
  const auto pairs = static_cast<std::uint64_t>(std::distance(begin, end));
  const auto probe = reader.probe(lo, hi, snapshot);
  if (!probe) return "probe: " + probe.error().message();
  const auto& estimate = probe->estimate;
  if (estimate.exact ? estimate.pairs != pairs : !estimate.floor && estimate.pairs < pairs)
    return fmt::format("estimate [{}, {}]: {} pairs, not {}", lo, hi, estimate.pairs, pairs);
  if (probe->ids && *probe->ids != expected) return "probe: other ids than lookup";
  for (const bool descending : {false, true}) {
    auto cursor = reader.cursor(lo, hi, descending, snapshot);
    if (!cursor) return "cursor: " + cursor.error().message();
    std::vector<PostingPair> walked;
    std::optional<std::uint64_t> last;
    while (true) {
      const auto group = (*cursor)->next();
      if (!group) return "cursor: " + group.error().message();
      if (!*group) break;
      const auto term = (*group)->term;
      if (last && (descending ? term >= *last : term <= *last)) return "cursor: terms out of order";
      last = term;
      const auto from = walked.size();
      for (const auto id : (*group)->partitions) walked.push_back({term, id});
      if (descending)
        std::reverse(walked.begin() + static_cast<std::ptrdiff_t>(from), walked.end());
    }
    if (descending) std::reverse(walked.begin(), walked.end());
    if (!std::equal(walked.begin(), walked.end(), begin, end))
      return fmt::format("cursor [{}, {}] {}: {} pairs, not {}", lo, hi,
                         descending ? "descending" : "ascending", walked.size(), pairs);
  }
  return std::nullopt;
}

inline std::optional<std::string> difference_of_all(const PostingReader& reader, const Model& model,
                                                    const KvSnapshot* snapshot) {
  std::vector<PostingPair> pairs;
  std::optional<std::string> found;
  const auto walked = reader.for_each_pair(
      snapshot,
      [&](const PostingPair& pair) {
        pairs.push_back(pair);
        return true;
      },
      [&](const StorageError& error) { found = error.message(); });
  if (!walked) return walked.error().message();
  if (found) return found;
  if (!std::equal(pairs.begin(), pairs.end(), model.begin(), model.end()))
    return fmt::format("all pairs: {}, not {}", pairs.size(), model.size());
  return std::nullopt;
}

struct World {
  std::unique_ptr<KvBackend> backend = make_memory_backend();
  Family family = Family::temporal;
  PostingFamily mutator{family, *backend};
  // Small: some containers are cached, others are not.
  IndexCache cache{std::size_t{256} << 10};
  PostingReader reader{family, *backend, &cache};
  Model model;

  [[nodiscard]] bool commit(const KvBatch& batch) {
    if (!backend->write(batch, Durability::wal)) return false;
    mutator.committed();
    return true;
  }
  [[nodiscard]] bool apply(const std::vector<PostingChange>& changes) {
    KvBatch batch;
    return mutator.apply(changes, batch).has_value() && commit(batch);
  }
  [[nodiscard]] std::string value(std::string_view key) {
    std::string bytes;
    const auto found = backend->get(family, key, nullptr, bytes);
    return found && *found ? bytes : std::string();
  }
  [[nodiscard]] std::vector<std::string> keys() {
    std::vector<std::string> all;
    const auto iterator = backend->iterate(family, nullptr, false);
    for ((*iterator)->seek_to_first(); (*iterator)->valid(); (*iterator)->next())
      all.emplace_back((*iterator)->key());
    return all;
  }
};

}  // namespace caveat::test
