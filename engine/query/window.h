// Windows: an order by value cut into ranges that few enough partitions hold.
//
// The index of the ordered column is walked term by term; a window is the terms whose pairs
// together reach a bound, and the partitions they name. Windows follow each other without gaps, so
// that recent rows with values that no partition has fall into one as well.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/query/plan.h"

namespace caveat::detail {

struct Window {
  ValueRange values;  // in ascending terms: complemented for a descending order
  PositionSet positions;
};

class WindowCutter {
 public:
  struct Order {
    QueryOrder order = QueryOrder::confidence;
    bool descending = false;
    ValueRange values;  // of the whole query, in ascending terms
  };

  // One window over everything that the plan leaves.
  WindowCutter(const Plan& plan, const Order& order);
  // Many; only for a version whose index of the order is complete. `first_pairs`: how many pairs
  // the first window should hold; later ones hold more.
  [[nodiscard]] static Result<WindowCutter> by_index(const QueryContext& context,
                                                     const Version& version, const Plan& plan,
                                                     const Order& order, std::size_t first_pairs);

  // Nothing at the end. Where the index turns out damaged, the rest is one window.
  [[nodiscard]] Result<std::optional<Window>> next();

  static constexpr std::size_t kPairsMin = 16;
  static constexpr std::size_t kPairsMax = 65536;

 private:
  WindowCutter() = default;
  [[nodiscard]] Result<void> do_without(const StorageError& error);
  [[nodiscard]] SortValue last_value_of(std::uint64_t term) const;
  [[nodiscard]] std::uint64_t term_of(SortValue value) const noexcept;

  Order order_;
  bool ended_ = false;
  std::optional<PositionSet> whole_;  // of the one window
  PositionSet all_;                   // all that the plan leaves
  const QueryContext* context_ = nullptr;
  const Version* version_ = nullptr;
  std::optional<std::vector<PartitionId>> others_;  // ids that the other conditions leave
  std::optional<PositionSet> stretch_;              // that a range of nodes leaves
  std::unique_ptr<PostingCursor> terms_;
  SortValue from_ = 0;  // where the next window begins
  std::size_t pairs_ = kPairsMin;
};

// The index behind an order by value.
[[nodiscard]] inline Family family_of(QueryOrder order) noexcept {
  return order == QueryOrder::confidence ? Family::confidence : Family::temporal;
}

}  // namespace caveat::detail
