// One query object behind every search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/exception_view.h"
#include "caveat/types.h"

namespace caveat {

// The order of results; ties go by key.
enum class QueryOrder : std::uint8_t {
  key,         // (node, property hash)
  confidence,  // then key
  time,        // creation time, then key
};

// All conditions that are set must hold. Ranges are closed. A query without conditions is a scan.
struct Query {
  // A closed range, in the order of keys: of node ids as unsigned numbers.
  struct NodeRange {
    NodeId first = 0;                                  // included
    NodeId last = std::numeric_limits<NodeId>::max();  // included
  };
  // A closed range.
  struct ConfidenceRange {
    float min = 0.0F;  // included
    float max = 1.0F;  // included
  };
  // A closed range, in nanoseconds since the Unix epoch.
  struct TimeRange {
    std::int64_t start_ns = std::numeric_limits<std::int64_t>::min();  // included
    std::int64_t end_ns = std::numeric_limits<std::int64_t>::max();    // included
  };

  std::optional<NodeId> node = {};                 // of this node
  std::optional<PropertyHash> property = {};       // of this property
  std::optional<ExceptionSource> source = {};      // from this source
  std::optional<ConfidenceRange> confidence = {};  // NaN: invalid_argument; min > max: no results
  std::optional<TimeRange> time = {};              // by creation; start > end: no results
  // Of these nodes, whose records lie together: in the order of keys a query costs what its range
  // holds, whatever the rest of the store is. first > last: no results.
  std::optional<NodeRange> nodes = {};

  QueryOrder order = QueryOrder::key;                           // of the results
  bool descending = false;                                      // the exact reverse
  std::size_t limit = std::numeric_limits<std::size_t>::max();  // results at most

  // Where an earlier cursor of the same conditions and order stopped (Cursor::resume_token).
  // Survives closing and reopening the store. A token of another query, or one that was tampered
  // with, is invalid_argument.
  std::string resume_token = {};
};

// The index through which a query finds its candidates.
enum class IndexKind : std::uint8_t { primary, property, source, confidence, temporal };
[[nodiscard]] std::string_view to_string(IndexKind kind) noexcept;

// Why a query runs as it does. Figures are of partitions (a few hundred records each).
struct QueryPlan {
  // An index that was asked.
  struct Candidate {
    IndexKind index;               // which
    std::uint64_t partitions = 0;  // that this index alone would visit
    bool used = false;             // intersected into the plan
    std::string reason;            // one sentence
  };
  IndexKind index = IndexKind::primary;  // the one that drives
  std::uint64_t partitions_total = 0;    // of the store
  std::uint64_t partitions_visited = 0;  // estimate; exact for key order without a limit
  std::uint64_t delta_rows = 0;          // recent rows looked through beside the partitions
  std::vector<Candidate> candidates;     // cheapest first

  // The plan in lines for people.
  [[nodiscard]] std::string to_string() const;
};

// A stream of results. Holds one version of the store: later writes, folds and rewrites do not
// show, and do not wait for it. Belongs to one thread at a time. The store must outlive it. After
// std::bad_alloc it goes on behind the last record that it gave.
// Cost: a block's worth of memory for key order; for other orders a bounded window of sort keys.
class Cursor {
 public:
  Cursor(Cursor&&) noexcept;             // the other one is only to be destroyed then
  Cursor& operator=(Cursor&&) noexcept;  // the same
  ~Cursor();

  // The next result, or null at the end. Valid until the next call. After an error every further
  // call returns it again.
  [[nodiscard]] Result<const ExceptionView*> next();

  // After next() gave corruption: goes on behind the partition that cannot be read, whose records
  // are then left out. False where that cannot be done: after other errors, and in other orders
  // than that of keys.
  [[nodiscard]] bool skip_damage();

  // Continues after the last result that next() returned, also in another process later on.
  [[nodiscard]] std::string resume_token() const;

  // Made by the engine.
  class Impl;
  explicit Cursor(std::unique_ptr<Impl> impl);  // for the engine

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace caveat
