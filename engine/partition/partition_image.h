// A partition, decoded: its base block and the runs over it, as one sorted set of records.
//
// Immutable and thread-safe; shared by the block cache and by readers. String sections inflate on
// demand. Rows outside [lower, upper) are not seen (a half-done split leaves some).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "caveat/compressed_block.h"
#include "engine/catalogue/catalogue.h"
#include "engine/partition/clear_list.h"
#include "engine/partition/container.h"

namespace caveat {

class PartitionImage {
 public:
  // Takes the container's bytes.
  [[nodiscard]] static Result<std::shared_ptr<const PartitionImage>> open(
      std::string container, const ExceptionKey& lower, const std::optional<ExceptionKey>& upper,
      const BlockResolver& resolver, const Catalogue& catalogue, Reasons reasons = Reasons::whole,
      BlockForm form = BlockForm::columns);

  // Are columns never decoded? Then load() fails, and materialise() leaves all text in the room.
  [[nodiscard]] bool keys_alone() const noexcept {
    return base_ != nullptr && keys_.rows == nullptr;  // asked by every get: not the block's line
  }
  // One that has columns, of the same bytes: rows are the same rows. Of one with keys_alone().
  [[nodiscard]] Result<std::shared_ptr<const PartitionImage>> with_columns(
      const BlockResolver& resolver) const;
  // Of one with keys_alone(): so many rows of it were read lately, this one included.
  unsigned count_read() const noexcept {
    const unsigned before = reads_.load(std::memory_order_relaxed);
    const unsigned now = before < 0xFFFF ? before + 1 : 0x8000;  // and on, where no hand passes
    reads_.store(static_cast<std::uint16_t>(now), std::memory_order_relaxed);
    return now;
  }
  // For its cache, now and then: less than half of the reads that were counted are of late.
  void grow_older() const noexcept {
    const unsigned reads = reads_.load(std::memory_order_relaxed);
    if (reads != 0) reads_.store(static_cast<std::uint16_t>(reads / 2), std::memory_order_relaxed);
  }

  [[nodiscard]] PartitionId id() const noexcept { return id_; }

  // A logical row: of the base block, or of the runs over it.
  struct Row {
    static constexpr std::uint32_t kRunBit = 0x80000000;
    std::uint32_t value = 0;
    [[nodiscard]] bool in_run() const noexcept { return (value & kRunBit) != 0; }
    [[nodiscard]] std::uint32_t index() const noexcept { return value & ~kRunBit; }
  };

  // The record under a key; nothing if absent, removed or hidden by a clear.
  [[nodiscard]] Result<std::optional<Row>> find(const ExceptionKey& key,
                                                const ClearList& clears) const;

  // Any record of the node?
  [[nodiscard]] Result<bool> has_node(NodeId node, const ClearList& clears) const;

  // All records in key order, removals, superseded and cleared rows left out. With a node: its
  // records only.
  [[nodiscard]] Result<std::vector<Row>> rows(const ClearList& clears,
                                              std::optional<NodeId> node = std::nullopt) const;

  // Makes the columns available to the accessors below (inflates them once).
  [[nodiscard]] Result<void> load(ColumnMask columns) const;

  // Need load() of the column; keys are always there.
  [[nodiscard]] ExceptionKey key(Row row) const noexcept;
  [[nodiscard]] PropertyHash property_hash(Row row) const noexcept;
  [[nodiscard]] ExceptionSource source(Row row) const noexcept;
  [[nodiscard]] float confidence(Row row) const noexcept;
  [[nodiscard]] std::int64_t created_at(Row row) const noexcept;

  // Works out the key order of the base's rows, for whoever goes through most of them: afterwards
  // base()->has_key_order(), unless a node has more than 256 rows or an id is unknown (a damaged
  // block, which readers of its rows report).
  void order_keys() const;

  // The whole record; views live as long as this image, save for the reason of an image that was
  // opened with Reasons::halves, and all text of one with keys_alone(): that is good until `room`
  // is used again. Inflates only what it needs.
  [[nodiscard]] Result<void> materialise(Row row, ExceptionView& out, RowRoom& room) const;

  // Of an image with keys_alone(): columns of its base block, for the caller.
  [[nodiscard]] Result<void> decode(ColumnMask columns, ColumnValues& out) const;

  // Rows that exist at all (before clears): base rows plus run rows. An upper bound of rows().
  [[nodiscard]] std::size_t row_limit() const noexcept;
  // False: rows of the base block lie outside of the partition, as a half-done split leaves them.
  [[nodiscard]] bool base_is_inside() const noexcept { return base_is_inside_; }
  [[nodiscard]] const ExceptionKey& lower() const noexcept { return lower_; }
  [[nodiscard]] const std::optional<ExceptionKey>& upper() const noexcept { return upper_; }
  [[nodiscard]] bool has_runs() const noexcept { return !runs_.empty(); }
  [[nodiscard]] const DecodedBlock* base() const noexcept { return base_.get(); }
  [[nodiscard]] std::span<const RunRow> run_rows() const noexcept { return runs_; }
  // Superseded rows of runs as well, in no order: the hints that a rewrite takes back.
  [[nodiscard]] Result<std::vector<RunRow>> all_run_rows() const;

  // The error of a row or column of it, with the partition's name put in front.
  [[nodiscard]] tl::unexpected<StorageError> at_fault(const StorageError& error) const;

  // What a cache charges for it, fixed from the start.
  [[nodiscard]] std::size_t charge_bytes() const noexcept { return charge_bytes_; }

 private:
  PartitionImage() = default;
  [[nodiscard]] static std::shared_ptr<PartitionImage> make();
  void set_charge(std::size_t container_bytes) noexcept;
  [[nodiscard]] bool inside(const ExceptionKey& key) const noexcept {
    return key >= lower_ && (!upper_ || key < *upper_);
  }
  void set_base(std::shared_ptr<const DecodedBlock> base);
  [[nodiscard]] const RunRow* find_run(const ExceptionKey& key) const noexcept;

  // What a point read asks for, together.
  std::vector<RunRow> runs_;                  // merged: newest per key, sorted by key
  std::shared_ptr<const DecodedBlock> base_;  // null where the partition is runs alone
  DecodedBlock::Keys keys_;                   // of the base
  Sequence base_as_of_ = 0;
  const Catalogue* catalogue_ = nullptr;

  std::shared_ptr<const std::string> bytes_;  // null where there are no runs
  ExceptionKey lower_;
  std::optional<ExceptionKey> upper_;
  PartitionId id_ = 0;
  bool base_is_inside_ = true;
  mutable std::atomic<std::uint16_t> reads_{0};
  std::size_t charge_bytes_ = 0;
};

}  // namespace caveat
