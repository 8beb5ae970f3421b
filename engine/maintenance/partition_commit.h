// Changes to partitions: hints, containers and directory, written in batches and shown to readers
// version by version.
//
// Few changes are one batch, in which the order is: hints that are added, then containers (new
// lower bounds from right to left, then known ones, then erasures), then hints that are removed, so
// that every prefix of it is a whole store too; see DESIGN invariant 5 for backends that are atomic
// within one partition only. Many changes are several batches in the same order: containers chunk
// by chunk, each published. In between there are hints too many, never too few.
// The hints of many partitions together are few appends to each posting container; chunk by chunk
// they were most of what a load into a large store cost (docs/decisions/0112).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/maintenance/directory_marks.h"
#include "engine/maintenance/publication.h"
#include "engine/maintenance/repartition.h"

namespace caveat {

// A batch is written when it has this many bytes: larger ones stall concurrent puts (a batch of
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

  // Enough has gathered: time to commit.
  [[nodiscard]] bool full() const noexcept {
    // Of partitions that compress well, the hints are larger than they are.
    return bytes_ + hints_.count() * sizeof(PostingChange) / 4 >= core_.memory.commit_bytes;
  }
  [[nodiscard]] bool empty() const noexcept { return chunks_.empty(); }

  // Writes and publishes, and is empty then. After a failure, std::bad_alloc too, each chunk has
  // been written whole or not at all, and memory agrees with the disk; of the last one written
  // publication may be what is left to do. The rest is dropped with this object.
  [[nodiscard]] Result<void> commit();

 private:
  struct Change {
    ExceptionKey first;
    std::optional<ExceptionKey> last;
    std::vector<PartitionEntry> entries;
  };
  // Of the primary family: a container, or a run for the end of one.
  struct Stored {
    std::string key;
    std::string value;
    bool is_run = false;
  };
  // What one batch writes and one version shows.
  struct Chunk {
    std::vector<Change> changes;
    std::vector<Stored> fresh;  // new lower bounds, in the order found
    std::vector<Stored> known;  // lower bounds that exist already
    std::vector<std::string> erased;
    std::vector<std::pair<PartitionId, ExceptionKey>> ids;
    std::vector<BlockKey> superseded;
    std::size_t bytes = 0;
    std::uint64_t splits = 0;
    std::uint64_t joins = 0;
    std::uint64_t rewrites = 0;
  };
  [[nodiscard]] PartitionId new_id(Chunk& chunk, const ExceptionKey& lower);
  [[nodiscard]] Chunk& chunk_to_fill();
  void filled(Chunk& chunk, std::size_t bytes) noexcept;

  [[nodiscard]] Result<void> commit_in_steps(HintChanges& removals);
  [[nodiscard]] Result<void> write_hints(HintChanges& hints);
  // One batch: the hints, and the chunk if there is one, which is published; removals are written
  // behind it, and need one.
  [[nodiscard]] Result<void> write(HintChanges& hints, HintChanges& removals, Chunk* chunk);
  // Into batch_.
  [[nodiscard]] Result<void> gather(HintChanges& hints, HintChanges& removals, const Chunk* chunk,
                                    Superblock& superblock);
  void clear() noexcept;

  Core& core_;
  DirectoryMarks& marks_;
  Publication& publication_;
  std::vector<Chunk> chunks_;
  HintChanges hints_;          // of all chunks
  KvBatch batch_;              // of the last write: its room is for the next
  std::uint64_t ids_end_ = 0;  // as the superblock will say; 0: unchanged
  std::size_t bytes_ = 0;      // of all chunks
};

}  // namespace caveat
