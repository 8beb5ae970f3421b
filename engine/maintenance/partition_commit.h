// A chunk of changes to partitions: hints, containers and directory, committed as one write batch
// and then shown to readers as one version.
//
// Within the batch the order is: hints first, then containers (new lower bounds from right to
// left, then known ones, then erasures), so that every prefix of it is a whole store too; see
// DESIGN invariant 5 for backends that are atomic within one partition only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/maintenance/directory_marks.h"
#include "engine/maintenance/publication.h"
#include "engine/maintenance/repartition.h"

namespace caveat {

// A batch is committed when it has this many bytes: larger ones stall concurrent puts (a batch of
// 60,000 appends 70 ms, one of 500 under 2 ms).
inline constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

class PartitionCommit {
 public:
  PartitionCommit(Core& core, DirectoryMarks& marks, Publication& publication)
      : core_(core), marks_(marks), publication_(publication) {}

  // Changes come in key order and do not overlap.
  void replace(RepartitionJob& job);
  // Rows added to a partition unread: a run at the container's end.
  void append(const PartitionEntry& entry, const std::optional<ExceptionKey>& upper,
              std::span<const DeltaRow* const> rows, Sequence as_of);

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return changes_.empty(); }

  // Writes and publishes, and is empty then. After a failure, std::bad_alloc too, nothing has
  // changed, in memory or on disk; or all has, and publication is what is left to do.
  [[nodiscard]] Result<void> commit();

 private:
  struct Change {
    ExceptionKey first;
    std::optional<ExceptionKey> last;
    std::vector<PartitionEntry> entries;
  };
  [[nodiscard]] PartitionId new_id();
  [[nodiscard]] Result<void> gather(Superblock& superblock, KvBatch& batch);
  void clear() noexcept;

  Core& core_;
  DirectoryMarks& marks_;
  Publication& publication_;
  std::vector<Change> changes_;
  HintChanges hints_;
  KvBatch fresh_;  // new lower bounds, in the order found
  KvBatch known_;  // lower bounds that exist already, appends
  KvBatch erased_;
  std::vector<std::pair<PartitionId, ExceptionKey>> ids_;
  std::vector<BlockKey> superseded_;
  std::uint64_t ids_end_ = 0;  // as the superblock will say; 0: unchanged
  std::size_t bytes_ = 0;
  std::uint64_t removed_hints_ = 0;
  std::uint64_t splits_ = 0;
  std::uint64_t joins_ = 0;
  std::uint64_t rewrites_ = 0;
};

}  // namespace caveat
