// Commits: from a caller's rows to logged and visible ones.
//
// Writers queue up; the one at the head takes those behind it along, logs all of them in one
// backend write, puts the rows into the active generation and makes them visible, in sequence
// order (group commit, as LevelDB's writer queue). A row is visible only after its log write
// succeeded, a batch as a whole.
#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "engine/delta/rows_part.h"
#include "engine/store/core.h"
#include "engine/store/delta_room.h"

namespace caveat {

class CommitQueue {
 public:
  // What a conditional commit has seen. Where the key may have changed since, it looks and decides
  // again in its turn, when nobody else writes: so it is done then, whatever writers and folds do.
  struct Precondition {
    ExceptionKey key;
    Sequence read_at = 0;
    std::function<Result<RowsParts>()> look_again;  // no parts: there is nothing to write
  };

  // `on_news`: a generation was sealed, or got its first row; called while committing, must not
  // block.
  CommitQueue(Core& core, std::function<void()> on_news);

  // After recovery: the first sequence to give out and the id of the first generation to make.
  void start(Sequence next_sequence, GenerationId next_generation);

  // At most this many parts.
  static constexpr std::size_t kPartsMax = 2 * WorkerPool::kThreadsMax;

  // All of the rows or none. Waits for its turn and for the log.
  [[nodiscard]] Result<void> commit(RowsParts parts, Durability durability,
                                    const Precondition* precondition = nullptr);

  // Seals the active generation if it holds anything. All rows committed before the call are then
  // in sealed generations.
  void seal();

  // Called by whoever folds: a generation less is waiting.
  void on_folded();

  // Without background maintenance nobody would fold for a waiting writer: it is told to instead.
  [[nodiscard]] bool overfull() const;

  // Writers in the queue, those of the group that is being written included.
  [[nodiscard]] std::size_t waiting() const;

  // Commits from now on give `closed`.
  void close();

 private:
  struct Request {
    RowsParts parts;
    std::size_t bytes = 0;
    std::size_t count = 0;
    Durability durability = Durability::wal;
    const Precondition* precondition = nullptr;
    Result<void> result;
    bool out_of_memory = false;
    bool done = false;
    Request* behind = nullptr;  // in the queue
  };
  // From the head of the queue on. Who leads may look at it without the lock: others only add
  // behind its last.
  struct Group {
    Request* first = nullptr;
    std::size_t size = 0;
  };
  static constexpr std::size_t kGroupBytesMax = std::size_t{1} << 20;
  static constexpr std::size_t kBuffersKeptMax = std::size_t{1} << 20;

  void lead(std::unique_lock<std::mutex>& lock);
  // A little, while a fold is under way and they are faster than it.
  void pace_writers(std::unique_lock<std::mutex>& lock);
  // While too much waits for a fold.
  void wait_for_folds(std::unique_lock<std::mutex>& lock);
  [[nodiscard]] Group head_group(Durability& durability) const;
  // What the group's requests get. Nothing of it is visible but what this returned well for.
  [[nodiscard]] Result<void> carry_out(const Group& group, Durability durability, bool closed,
                                       bool stuck);
  [[nodiscard]] Result<void> log_and_insert(const Group& group, Durability durability);
  [[nodiscard]] Result<void> log_and_insert(RowsParts parts, Durability durability);
  // Makes room for the rows, and of each part a record in the batch for the log.
  void prepare(Sequence first, RowsParts parts);
  // Gives back the memory of a large batch: who leads next may never need it.
  void trim_buffers() noexcept;
  [[nodiscard]] bool changed_since(const Precondition& precondition) const;
  void seal_locked(const GenerationOptions& next = {});
  // That sealed generations may have before writers wait.
  [[nodiscard]] std::size_t sealed_bytes_max() const;
  [[nodiscard]] DeltaRoom room_in(const Version& version) const;
  // Must writers wait for a fold? Not for one generation alone, which may be larger than any bound.
  [[nodiscard]] bool full() const;

  Core& core_;
  const std::function<void()> on_news_;

  mutable std::mutex mutex_;
  std::condition_variable turn_;    // the head of the queue changed, or a request is done
  std::condition_variable folded_;  // a generation less is waiting
  // The requests link themselves: to wait for one's turn, and to lead, takes no memory.
  Request* head_ = nullptr;
  Request* tail_ = nullptr;
  bool leading_ = false;  // somebody is writing, outside the lock
  bool closed_ = false;

  // The leader's.
  std::shared_ptr<Generation> active_;
  Sequence next_sequence_ = 1;
  GenerationId next_generation_ = 1;
  std::size_t unpaced_rows_ = 0;
  KvBatch batch_;
  std::string joined_;  // rows of a group of several
  std::array<std::string, kPartsMax> records_;
};

}  // namespace caveat
