// Results in key order: partition by partition, the delta's rows merged in.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/query/position_walk.h"
#include "engine/query/row_matcher.h"

namespace caveat::detail {

// Loads a few partitions at a time, more the longer it runs, and lets go of each as it moves on.
class KeyStream {
 public:
  struct Start {
    PositionSet positions;
    bool descending = false;
    std::optional<ExceptionKey> after;      // in the direction of the stream
    std::optional<std::size_t> sole_index;  // whose hints led here: counted as good or stale
    std::size_t limit = 0;                  // how many results are wanted: a hint, the caller stops
  };
  // Context and view must outlive it.
  KeyStream(const QueryContext& context, const ReadView& view, const Conditions& conditions,
            Start start);

  // False at the end. The view is valid until the next call.
  [[nodiscard]] Result<bool> next(ExceptionView& out);

  // After next() gave corruption: leaves out the partition at fault.
  void skip_damage();

 private:
  [[nodiscard]] Result<bool> advance();  // makes rows or delta rows ready; false at the end
  [[nodiscard]] Result<void> load_batch();
  [[nodiscard]] Result<void> load_until_damage();
  [[nodiscard]] Result<void> enter_partition();
  // Has the image at this place read rows as pays for so many of them.
  [[nodiscard]] Result<void> prepare_rows(std::size_t place, std::size_t shown);
  void read_together(std::size_t shown);
  [[nodiscard]] bool more_partitions() const noexcept { return !rest_.empty() || walk_.left() > 0; }
  void select_delta(const std::optional<ExceptionKey>& end);
  void skip_passed();
  void fetch(std::size_t match) const noexcept;  // its record's memory, where that helps
  [[nodiscard]] Result<void> emit_row(ExceptionView& out);
  [[nodiscard]] bool before(const ExceptionKey& a, const ExceptionKey& b) const noexcept {
    return descending_ ? b < a : a < b;
  }

  const QueryContext& context_;
  const ReadView& view_;
  RowMatcher matcher_;
  DeltaFilter filter_;
  bool descending_;
  std::optional<ExceptionKey> after_;
  std::optional<std::size_t> sole_index_;
  std::size_t wanted_;
  PositionWalk walk_;
  CacheUse use_;
  bool selective_;  // some rows of many
  BlockForm form_;  // that the last partition would have been best read in
  std::size_t batch_size_;
  std::size_t loaded_ = 0;  // partitions so far

  std::vector<Directory::Position> positions_;  // of the batch, in key order
  // Taken from the walk and behind the damage in an earlier batch, in key order.
  std::vector<Directory::Position> rest_;
  std::optional<StorageError> damage_;  // of the partition behind the batch
  std::vector<std::shared_ptr<const PartitionImage>> images_;
  std::size_t entered_ = 0;  // partitions of the batch, in the stream's direction

  std::vector<Match> matches_;  // of the current partition, in the stream's direction
  std::size_t match_ = 0;
  const PartitionImage* image_ = nullptr;
  RowRoom room_;  // of the last result
  // The next matches that are of the base block, read before they are shown.
  std::vector<ExceptionView> together_;
  std::vector<std::uint32_t> together_rows_;
  std::size_t together_at_ = 0, together_end_ = 0;
  RowRoom together_room_;
  bool whole_columns_ = false;  // everything of the current partition is inflated
  bool fetch_ahead_ = false;

  // Delta rows in the stream's direction: all of them, or those of the stretch of keys that the
  // batch covers. Where a stretch ends the next batch's begins.
  std::vector<const DeltaRow*> delta_;
  std::size_t delta_at_ = 0;
  std::optional<ExceptionKey> stretch_end_;
  bool delta_at_once_ = false;
  bool delta_ended_ = false;
};

}  // namespace caveat::detail
