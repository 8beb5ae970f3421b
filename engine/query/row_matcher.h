// Which rows of a partition are results: columns first, keys later.
//
// Conditions are checked over whole columns of the base block. Only for rows that pass are keys
// made, put in order, merged with the runs over them, and asked of the clears and of the delta.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/query/conditions.h"
#include "engine/query/query_engine.h"

namespace caveat::detail {

struct Match {
  ExceptionKey key;
  PartitionImage::Row row;
};

// For one query and one thread; keeps its scratch memory from partition to partition.
class RowMatcher {
 public:
  RowMatcher(const QueryContext& context, const ReadView& view, const Conditions& conditions);

  // May be narrowed between calls. The property and the nodes must stay.
  [[nodiscard]] Conditions& conditions() noexcept { return conditions_; }
  // Columns that callers want loaded beside those of the conditions.
  void want(ColumnMask columns) noexcept { extra_ = columns; }

  // The matches of a partition in key order (`out` is replaced).
  [[nodiscard]] Result<void> match(const PartitionImage& image, std::vector<Match>& out);
  // Fetches from memory what match() of each of these and the results will touch. Once it was
  // called, every batch of images is announced before it is matched: what is known of the last
  // one's blocks would be taken for that of others at the same place in memory.
  void look_ahead(std::span<const std::shared_ptr<const PartitionImage>> images);
  // How many match() would give; cheaper.
  [[nodiscard]] Result<std::uint64_t> count(const PartitionImage& image);

  // Did the last partition hold a row that matches, be it out of date by now? No: a hint that led
  // there was stale.
  [[nodiscard]] bool held_match() const noexcept { return held_match_; }

 private:
  // Fills selected_. `in_key_order`: in that order where the block knows it or it is worth finding
  // out; else in the order of rows.
  [[nodiscard]] Result<void> select(const PartitionImage& image, bool in_key_order);
  static void select_property(std::span<const std::uint32_t> ids, std::uint32_t begin,
                              PropertyId id, std::vector<std::uint32_t>& selected);
  [[nodiscard]] Result<void> key_base(const PartitionImage& image, std::vector<Match>& out) const;
  void merge_runs(const PartitionImage& image, std::vector<Match>& out);
  void drop_shadowed(std::vector<Match>& out) const;
  [[nodiscard]] bool run_matches(const ExceptionView& record) const noexcept;

  const Catalogue& catalogue_;
  const ClearList& clears_;
  DeltaView delta_;
  Conditions conditions_;
  std::optional<PropertyId> property_id_;
  ColumnMask extra_ = 0;
  bool delta_rows_ = false;
  bool delta_clears_ = false;
  bool held_match_ = false;

  ColumnValues values_;                  // of an image that decodes none itself
  std::vector<std::uint8_t> keep_;       // a byte a row: what compilers vectorise
  std::vector<std::uint32_t> selected_;  // rows of the base block that meet the conditions
  // What look_ahead() selected: rows [first, last) of ahead_rows_ are of the block.
  struct Ahead {
    const DecodedBlock* block;
    std::size_t first;
    std::size_t last;
  };
  std::vector<Ahead> ahead_;
  std::vector<std::uint32_t> ahead_rows_;
  std::vector<Match> merged_;
  std::vector<Match> counted_;
};

}  // namespace caveat::detail
