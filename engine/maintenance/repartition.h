// Making partitions out of partitions: the one way in which containers are written.
//
// A job takes neighbouring partitions and new rows for them, merges, cuts the result into
// partitions of the wanted size and encodes each. A rewrite is a job of one partition, a split one
// that gives several, a join one of several that gives one, a fold a job with rows, optimize a
// job of many.
//
// prepare() and encode_piece() touch nothing shared and run on several threads.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/delta/delta_row.h"
#include "engine/partition/cut_rows.h"
#include "engine/store/core.h"

namespace caveat {

// What a partition becomes. The id is given when it is committed.
struct NewPartition {
  ExceptionKey lower;
  std::string block;  // encoded; empty where no row is left
  HintSet hints;
  std::shared_ptr<const KeyFilter> filter;
  std::uint32_t rows = 0;
  std::uint64_t raw_bytes = 0;
};

struct OldPartition {
  PartitionEntry entry;
  std::optional<ExceptionKey> upper;
  std::string container;               // empty: nothing is stored yet
  std::optional<StorageError> unread;  // for which there is no container: it stays as it is
};

class RepartitionJob {
 public:
  struct Settings {
    CutLimits limits;
    Sequence as_of = 0;  // clears up to here are applied
    const ClearList* clears = nullptr;
  };

  // Old partitions are neighbours in key order, at least one; rows are sorted, within their range.
  RepartitionJob(std::vector<OldPartition> old, std::span<const DeltaRow* const> rows,
                 const Settings& settings)
      : old_(std::move(old)), rows_(rows), settings_(settings) {}

  // Merges and cuts. Corruption and codec_missing as the partitions give them.
  [[nodiscard]] Result<void> prepare(const Core& core);

  [[nodiscard]] std::size_t piece_count() const noexcept { return cuts_.size(); }
  // The rows of a piece in block order.
  [[nodiscard]] std::span<const BlockRow> piece(std::size_t index) const;
  // Encodes a piece into result()[index].
  [[nodiscard]] Result<void> encode_piece(std::size_t index, const Core& core,
                                          const CodecRegistry& codecs, CodecId codec,
                                          const CompressionDictionary* dictionary);

  // Once all pieces are encoded: gives back what they were made of. The result waits for its commit
  // beside that of many other jobs, and the rows take more than it.
  void let_go_of_rows() noexcept;

  [[nodiscard]] const std::vector<OldPartition>& old() const noexcept { return old_; }
  [[nodiscard]] std::vector<OldPartition>& old() noexcept { return old_; }
  [[nodiscard]] std::span<const DeltaRow* const> rows() const noexcept { return rows_; }
  [[nodiscard]] std::vector<NewPartition>& result() noexcept { return result_; }
  // Hints that the old partition's rows had, superseded ones too; by position in old().
  [[nodiscard]] const std::vector<HintSet>& old_hints() const noexcept { return old_hints_; }
  [[nodiscard]] Sequence as_of() const noexcept { return settings_.as_of; }

 private:
  struct Cut {
    std::size_t begin = 0;
    std::size_t end = 0;
    ExceptionKey lower;
  };
  [[nodiscard]] Result<void> merge(const Core& core);
  void cut();

  std::vector<OldPartition> old_;
  std::span<const DeltaRow* const> rows_;
  Settings settings_;

  std::vector<std::shared_ptr<const PartitionImage>> images_;  // own what merged_ views
  std::vector<BlockRow> merged_;                               // in key order, then by piece
  std::vector<Cut> cuts_;
  std::vector<HintSet> old_hints_;
  std::vector<NewPartition> result_;
};

}  // namespace caveat
