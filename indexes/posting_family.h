// The mutator's side of one secondary family: routes changes to containers and rewrites them.
//
// Keeps in memory the lower bound and the sizes of every container (32 bytes each, for some 8,000
// pairs), read once at first use. Each call stages what its batch will do to them; committed()
// makes it so, reset() forgets everything and reads again at the next use. One thread at a time,
// save for known_statistics().
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"
#include "caveat/kv_backend.h"
#include "indexes/posting_container.h"

namespace caveat {

class PostingFamily {
 public:
  PostingFamily(Family family, KvBackend& backend) : family_(family), backend_(backend) {}

  // Changes sorted by (term, partition); of several for one pair the last counts. A damaged
  // container that should have been merged is noted and appended to, blindly.
  [[nodiscard]] Result<void> apply(std::span<const PostingChange> changes, KvBatch& out);
  // Removals behind what the batch that apply() filled has had since, of pairs that it did not
  // change: sorted, distinct. Appends alone.
  void remove_last(std::span<const PostingChange> removals, KvBatch& out);
  [[nodiscard]] Result<bool> rewrite_next(KvBatch& out);
  [[nodiscard]] Result<void> rewrite(std::string_view key, KvBatch& out);
  void queue_rewrite(std::string_view key);
  // Queues every container with pending changes, and the small ones.
  [[nodiscard]] Result<void> queue_all();
  void committed() noexcept;
  void reset() noexcept;
  [[nodiscard]] std::optional<StorageError> take_damage() {
    return std::exchange(damage_, std::nullopt);
  }

  [[nodiscard]] Result<void> build(const IndexManager::PairSource& next,
                                   const IndexManager::BatchSink& commit,
                                   IndexManager::Erase erase = IndexManager::Erase::by_key);

  [[nodiscard]] PostingStatistics known_statistics() const noexcept;

 private:
  struct Bound {
    PostingPair lower;
    std::uint32_t bytes = 0;
    std::uint32_t change_bytes = 0;
    std::uint32_t pairs = 0;
    std::uint32_t changes = 0;
  };
  struct Range {  // of containers, half open
    std::size_t begin;
    std::size_t end;
  };
  struct Part {  // of changes: those of one container
    std::size_t index;
    std::span<const PostingChange> changes;
  };

  [[nodiscard]] Result<void> begin_call();
  [[nodiscard]] Result<void> load();
  [[nodiscard]] bool wants_rewrite(const Bound& bound) const noexcept;
  [[nodiscard]] static Bound describe(const PostingPair& lower, std::string_view value) noexcept;

  // `bound` is the staged one.
  void append_to(Bound& bound, std::span<const PostingChange> changes, KvBatch& out);
  // Pairs of a container within its bounds, read from the newest state.
  [[nodiscard]] Result<std::vector<PostingPair>> read_pairs(std::size_t index);
  // Replaces the containers of a range by others that hold `pairs`, in `out` and in staged_.
  void replace(Range range, std::vector<posting::EncodedContainer> containers, KvBatch& out);
  [[nodiscard]] Result<void> merge_into(std::size_t index, std::span<const PostingChange> changes,
                                        KvBatch& out);
  [[nodiscard]] Result<void> rewrite_at(std::size_t index, KvBatch& out);
  [[nodiscard]] Result<std::optional<Range>> join_range(std::size_t index,
                                                        std::vector<PostingPair>& pairs,
                                                        std::size_t value_bytes);
  [[nodiscard]] static std::size_t index_of(const std::vector<Bound>& bounds,
                                            const PostingPair& pair) noexcept;
  [[nodiscard]] static Part take_last(const std::vector<Bound>& bounds,
                                      std::span<const PostingChange>& rest) noexcept;
  [[nodiscard]] Result<void> erase_everything(const IndexManager::BatchSink& commit);
  void publish_statistics() noexcept;

  Family family_;
  KvBackend& backend_;
  bool loaded_ = false;
  bool used_ = false;  // since the store was opened, and so worth reading again after a reset
  std::vector<Bound> bounds_;
  std::optional<std::vector<Bound>> staged_;
  std::set<PostingPair> queue_;            // lower bounds
  std::vector<PostingPair> staged_queue_;  // what the batch adds to it
  std::optional<StorageError> damage_;

  struct Published {
    std::atomic<std::uint64_t> containers{0};
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> pairs{0};
    std::atomic<std::uint64_t> changes{0};
    std::atomic<std::uint64_t> memory{0};
    std::atomic<std::uint64_t> queue{0};
  };
  Published published_;
};

}  // namespace caveat
