// Results in the order of a value: window by window, the best few of each gathered and sorted.
//
// A pass over a window's partitions keeps the positions of at most kGatherMax results, the first
// ones in order. Where a window holds more, the next pass begins behind the last value shown;
// where all that were gathered have one value, the rest of that value streams in key order, so
// that a million equal confidences cost one pass, not one for every kGatherMax.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/query/key_stream.h"
#include "engine/query/opening.h"
#include "engine/query/window.h"

namespace caveat::detail {

class ValueStream {
 public:
  struct Start {
    QueryOrder order = QueryOrder::confidence;
    bool descending = false;
    // As it is, not complemented. The windows begin with its value.
    std::optional<SortPosition> after;
    std::size_t limit = 0;                // of results in all: a pass gathers no more
    std::size_t gather_max = kGatherMax;  // fewer in tests
  };
  // Context and view must outlive it.
  ValueStream(const QueryContext& context, const ReadView& view, const Conditions& conditions,
              WindowCutter windows, const Start& start);

  // False at the end. The view is valid until the next call.
  [[nodiscard]] Result<bool> next(ExceptionView& out);

 private:
  static constexpr std::uint32_t kRecent = ~std::uint32_t{0};

  struct Found {
    SortPosition at;  // in ascending terms
    // A row of a partition, by its index in places_; or kRecent and an index in delta_.
    std::uint32_t place = 0;
    std::uint32_t row = 0;
  };
  struct Loaded {
    std::uint32_t place = 0;
    std::shared_ptr<const PartitionImage> image;
  };

  [[nodiscard]] Result<bool> refill();
  // One pass over the window.
  [[nodiscard]] Result<void> gather();
  void gather_delta();
  [[nodiscard]] Result<void> gather_partitions();
  [[nodiscard]] Result<void> gather_partition(std::shared_ptr<const PartitionImage> image,
                                              Directory::Position position);
  [[nodiscard]] bool can_improve(Directory::Position position) const noexcept;
  void trim();
  void finish_gathering();
  // Streams what has this value (in ascending terms) behind `key` before the window goes on.
  void begin_tie(SortValue value, const ExceptionKey& key);
  // The values of the window up to `value` are done with.
  void pass_value(SortValue value) noexcept;

  [[nodiscard]] Result<void> load_images();
  [[nodiscard]] const PartitionImage& image_of(std::uint32_t place) const noexcept;
  [[nodiscard]] SortPosition position_of(SortValue value, const ExceptionKey& key) const noexcept {
    return ascending(SortPosition{value, key}, descending_);
  }

  const QueryContext& context_;
  const ReadView& view_;
  RowRoom room_;  // of the last result
  Conditions conditions_;
  WindowCutter windows_;
  QueryOrder order_;
  bool descending_;
  std::optional<SortPosition> after_;
  std::size_t left_;  // of the limit
  std::size_t gather_max_;

  std::optional<Window> window_;  // its values shrink as passes are done; nothing: take the next
  std::size_t gather_ = 0;        // results that the pass in hand keeps
  bool overflowed_ = false;       // it met more
  RowMatcher matcher_;
  std::vector<Match> matches_;
  std::vector<Found> found_;
  std::size_t shown_ = 0;
  std::optional<SortPosition> worst_;  // once it had to drop some: others must come before
  std::vector<const DeltaRow*> delta_;
  std::vector<Directory::Position> places_;  // partitions with results, as they were visited
  std::size_t kept_bytes_ = 0;               // of those, as they are stored
  bool tie_follows_ = false;                 // all gathered have one value, and there are more

  std::vector<Loaded> loaded_;  // images of the next results, sorted by place
  std::size_t loaded_end_ = 0;  // results before this have their image
  std::size_t load_size_ = 0;
  std::unique_ptr<KeyStream> tie_;
};

}  // namespace caveat::detail
