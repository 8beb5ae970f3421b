// What records a command is about: its options' conditions and its filter's, both of which hold.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "caveat/storage_optimizer.h"
#include "tools/cli/filter/box.h"

namespace caveat::cli {

struct Selection {
  // Order, direction, limit and where to go on; and the conditions that options give.
  Query query;
  // On top of them.
  Condition condition = {Condition::All{}, false};

  [[nodiscard]] bool filtered() const { return condition != Condition{Condition::All{}, false}; }
};

// One query to the store, and where it lies in the order of keys.
struct Branch {
  Query query;         // without limit and token
  Span<NodeId> nodes;  // none others are in it
};

// How a selection is found. Indexes can serve several queries where that reads less than one that
// covers them all.
struct SelectionPlan {
  std::vector<Branch> branches;  // none: nothing can meet the conditions
  bool recheck = false;          // records need a look at the condition
  bool disjoint = false;         // no record is in two branches
};

// How many partitions a query would visit.
using CostOf = std::function<Result<std::uint64_t>(const Branch&)>;
[[nodiscard]] Result<SelectionPlan> plan_of(const Selection& selection, const CostOf& cost_of);
[[nodiscard]] Result<SelectionPlan> plan_of(const Selection& selection,
                                            const StorageOptimizer& store,
                                            const Snapshot& snapshot);

// How many records there are, without a look at each where the store can count them.
[[nodiscard]] Result<std::uint64_t> count_of(const StorageOptimizer& store,
                                             const Selection& selection,
                                             const std::function<bool()>& stop);

}  // namespace caveat::cli
