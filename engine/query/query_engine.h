// Queries over one version: cursors, counts and plans.
//
// The results of a query are the live rows of the delta that match, and the rows of partitions
// that match and that the delta says nothing about. Indexes only narrow the partitions down; every
// record is checked against the conditions, and each comes once. docs/querying.md.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "caveat/index_manager.h"
#include "caveat/query.h"
#include "engine/catalogue/catalogue.h"
#include "engine/query/candidate_cache.h"
#include "engine/store/partition_reader.h"
#include "engine/store/version.h"

namespace caveat {

// How well the hints of each secondary index (by index_slot) serve queries, since open.
struct QueryCounters {
  struct Index {
    std::atomic<std::uint64_t> candidates{0};    // partitions that queries were sent to
    std::atomic<std::uint64_t> stale{0};         // of those, gone or without a match
    std::atomic<std::uint64_t> rows_checked{0};  // in those partitions
    std::atomic<std::uint64_t> rows_matched{0};

    // A partition that hints led to. `held`: it held a match, be that out of date by now.
    void add_partition(std::uint64_t rows, std::uint64_t matched, bool held) noexcept {
      candidates.fetch_add(1, std::memory_order_relaxed);
      if (!held) stale.fetch_add(1, std::memory_order_relaxed);
      rows_checked.fetch_add(rows, std::memory_order_relaxed);
      if (matched != 0) rows_matched.fetch_add(matched, std::memory_order_relaxed);
    }
    // Partitions that hints named and that are gone.
    void add_gone(std::uint64_t count) noexcept {
      if (count == 0) return;
      candidates.fetch_add(count, std::memory_order_relaxed);
      stale.fetch_add(count, std::memory_order_relaxed);
    }
  };
  std::array<Index, kIndexCount> indexes;
};

// What queries work with. Everything outlives the cursors made from it.
struct QueryContext {
  const PartitionReader& reader;
  const IndexManager& indexes;
  const Catalogue& catalogue;
  QueryCounters& counters;
  CandidateCache& candidates;
  // Queries of at most so many partitions may take part in deciding what is cached.
  std::size_t selective_partitions = 0;

  [[nodiscard]] CacheUse cache_use(std::size_t partitions) const noexcept {
    return partitions <= selective_partitions ? CacheUse::point : CacheUse::scan;
  }
};

// Errors of all four: invalid_argument for NaN bounds, an unknown source or order, and a resume
// token that is damaged or of another query; and what loading partitions and indexes gives.

// The cursor shares the view.
[[nodiscard]] Result<Cursor> open_cursor(const QueryContext& context,
                                         std::shared_ptr<const ReadView> view, const Query& query);

// Heeds the limit and the resume token.
[[nodiscard]] Result<std::uint64_t> count_matches(const QueryContext& context, const ReadView& view,
                                                  const Query& query);

[[nodiscard]] Result<QueryPlan> explain_query(const QueryContext& context, const ReadView& view,
                                              const Query& query);

// All results at once: what the query_by_* calls return.
[[nodiscard]] Result<std::vector<ExceptionRecord>> collect_matches(const QueryContext& context,
                                                                   const ReadView& view,
                                                                   const Query& query);

}  // namespace caveat
