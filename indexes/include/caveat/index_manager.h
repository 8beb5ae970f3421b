// The secondary indexes: property, source, confidence, temporal.
//
// An entry is a hint: the pair (term, partition) says that the partition may hold a record with
// the term. A hint may be stale, it is never missing; whoever follows one checks the record. The
// fifth index, primary, is the directory of partitions itself.
//
// Two sides. The mutator side changes hints and belongs to one thread at a time. The reader side
// is const, works on a backend snapshot, shares nothing with the mutator, and is for any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "caveat/error.h"
#include "caveat/kv_backend.h"
#include "caveat/types.h"

namespace caveat {

using PartitionId = std::uint64_t;  // as the directory numbers them; never reused

// Larger ids cannot be indexed: the posting format keeps two bits of each for itself.
inline constexpr PartitionId kMaxPartitionId = (PartitionId{1} << 62) - 1;

inline constexpr std::size_t kIndexCount = 4;  // secondary families
// In the order of their numbers.
inline constexpr std::array<Family, kIndexCount> kIndexFamilies = {
    Family::property, Family::source, Family::confidence, Family::temporal};

// Position of a secondary family in kIndexFamilies and in every array of kIndexCount below.
[[nodiscard]] constexpr std::size_t index_slot(Family family) noexcept {
  return static_cast<std::size_t>(family) - static_cast<std::size_t>(Family::property);
}
[[nodiscard]] constexpr bool is_index_family(Family family) noexcept {
  return family >= Family::property && family <= Family::temporal;
}

// A hint: this partition may hold records of this term.
struct PostingPair {
  std::uint64_t term = 0;     // of its family (TermRules)
  PartitionId partition = 0;  // at most kMaxPartitionId

  friend auto operator<=>(const PostingPair&, const PostingPair&) = default;
};

// One hint to add or to remove.
struct PostingChange {
  std::uint64_t term = 0;            // of its family (TermRules)
  std::uint64_t partition : 63 = 0;  // a PartitionId, at most kMaxPartitionId
  std::uint64_t add : 1 = 1;         // 0: remove

  // What is added or removed.
  [[nodiscard]] PostingPair pair() const noexcept { return {term, partition}; }
  friend bool operator==(const PostingChange&, const PostingChange&) = default;
};
static_assert(sizeof(PostingChange) == 16);  // a commit sorts a hundred thousand of them

// A closed range of terms of one family.
struct TermRange {
  Family family = Family::property;  // of the terms
  std::uint64_t lo = 0;              // the first term
  std::uint64_t hi = 0;              // the last one, included
};

// How columns become terms. All maps are monotone: a range of values maps to the range of the
// terms of its ends, rounded outward.
struct TermRules {
  // Low bits of a creation time that its term drops, 0 to 63. A property of the store: it changes
  // only by a rebuild. 2^36 ns are 69 seconds.
  unsigned temporal_shift = 36;

  // The catalogue's number of the property.
  [[nodiscard]] static std::uint64_t property(std::uint32_t property_id) noexcept {
    return property_id;
  }
  // The source's number.
  [[nodiscard]] static std::uint64_t source(ExceptionSource source) noexcept {
    return static_cast<std::uint64_t>(source);
  }
  // 12 bits. Values outside [0, 1] (bounds of a query) count as the nearer end; NaN as 0.
  [[nodiscard]] static std::uint64_t confidence(float confidence) noexcept;
  [[nodiscard]] std::uint64_t temporal(std::int64_t created_at) const noexcept {
    return (static_cast<std::uint64_t>(created_at) ^ (std::uint64_t{1} << 63)) >> temporal_shift;
  }
};

// The distinct terms of one partition's rows: each list sorted.
struct HintSet {
  std::array<std::vector<std::uint64_t>, kIndexCount> terms;  // by index_slot

  // Keeps its memory.
  void clear() noexcept {
    for (auto& list : terms) list.clear();
  }
  friend bool operator==(const HintSet&, const HintSet&) = default;
};

// Collects a HintSet row by row. Reused from partition to partition, it allocates nothing.
class HintBuilder {
 public:
  explicit HintBuilder(TermRules rules) : rules_(rules) {}  // of the store whose rows come

  // One row's fields.
  void add(std::uint32_t property_id, ExceptionSource source, float confidence,
           std::int64_t created_at) {
    if (properties_.empty() || properties_.back() != property_id)
      properties_.push_back(property_id);
    sources_ |= std::uint64_t{1} << static_cast<unsigned>(source);
    const auto bits = TermRules::confidence(confidence);
    confidences_[bits / 64] |= std::uint64_t{1} << (bits % 64);
    confidence_words_ |= std::uint64_t{1} << (bits / 64);
    const auto time = rules_.temporal(created_at);
    if (times_.empty() || times_.back() != time) times_.push_back(time);
  }

  // Writes the set into `out` (replaced) and starts anew.
  void finish(HintSet& out);
  // Forgets the rows so far.
  void reset() noexcept;

 private:
  TermRules rules_;
  std::vector<std::uint32_t> properties_;
  std::vector<std::uint64_t> times_;
  std::vector<std::uint32_t> scratch_;
  std::vector<std::uint64_t> time_scratch_;
  std::uint64_t sources_ = 0;
  std::uint64_t confidence_words_ = 0;  // which words of confidences_ are not zero
  std::array<std::uint64_t, 64> confidences_{};
};

// Changes to all four families, gathered over the partitions of one commit.
struct HintChanges {
  std::array<std::vector<PostingChange>, kIndexCount> families;  // by index_slot

  // What turns `before` into `after` for one partition. Call at most once a partition and commit.
  void diff(const HintSet& before, const HintSet& after, PartitionId partition);
  // Every hint of a partition that is new, or that is going away.
  void add_all(const HintSet& hints, PartitionId partition);
  void remove_all(const HintSet& hints, PartitionId partition);

  // By (term, partition), as apply() wants them; of one pair the order stays.
  void sort();
  // Moves them out: what is left are additions. No pair may be among both.
  [[nodiscard]] HintChanges take_removals();

  // Keeps its memory.
  void clear() noexcept {
    for (auto& list : families) list.clear();
  }
  [[nodiscard]] bool empty() const noexcept;         // no changes
  [[nodiscard]] std::size_t count() const noexcept;  // changes of all families
};

// How many pairs a range of terms holds. Each pair is a partition to visit, unless several terms
// of the range are in one partition. A narrow range is counted; of a wide one the first
// containers, and of the others what their headers say.
struct PostingEstimate {
  std::uint64_t pairs = 0;       // in the range
  std::uint64_t containers = 0;  // to be read for them
  bool exact = false;            // counted pair by pair
  bool floor = false;            // too wide to look at whole: there are at least as many
};

// What an index keeps.
struct PostingStatistics {
  std::uint64_t containers = 0;       // stored values
  std::uint64_t bytes = 0;            // values and keys
  std::uint64_t pairs = 0;            // after all changes; a known_statistics' is in base segments
  std::uint64_t pending_changes = 0;  // appended, not yet merged
  std::uint64_t memory_bytes = 0;     // of the mutator's list of bounds
  std::uint64_t rewrite_queue = 0;    // containers that wait
};

class PostingCursor;
class PostingFamily;
class PostingReader;
namespace posting {
class ContainerCache;
}

// The candidate partitions of several conditions that must all hold.
struct IndexCandidates {
  // One condition, as it was tried.
  struct Step {
    TermRange range;           // what was asked for
    PostingEstimate estimate;  // what it would cost
    bool used = false;         // looked up and intersected; false: would not have narrowed enough
    std::optional<StorageError> damage;  // why the family could not be read; then it is not used
  };
  std::vector<PartitionId> partitions;  // sorted, distinct
  std::vector<Step> steps;              // in the order tried, cheapest first
};

// The four secondary indexes: hints which partitions may hold what a condition asks for.
class IndexManager {
 public:
  // The backend must outlive it, and the cache of decoded containers if there is one. Reads
  // nothing yet.
  IndexManager(KvBackend& backend, TermRules rules, posting::ContainerCache* cache = nullptr);
  ~IndexManager();
  IndexManager(const IndexManager&) = delete;
  IndexManager& operator=(const IndexManager&) = delete;

  [[nodiscard]] const TermRules& rules() const noexcept { return rules_; }  // of the store

  // --- Mutator: one thread at a time -----------------------------------------------------------
  // Each call that fills a batch is followed, before the next such call, by committed() when the
  // batch was written, or by reset() when that failed or the batch was dropped. A call out of turn
  // is refused as internal.

  // Sorts the changes and adds them to `out`, for all families. Mostly appends; a container whose
  // appended changes have grown beyond measure is read and written anew.
  [[nodiscard]] Result<void> apply(HintChanges& changes, KvBatch& out);

  // Sorts removals and adds them to a batch that apply() began: they stand behind all that has come
  // into it since. No pair may be among the changes of both calls, nor twice among these.
  void remove_last(HintChanges& removals, KvBatch& out);

  // Merges one container that waits for it into `out`: splits, joins, drops removed pairs. False
  // when none waits.
  [[nodiscard]] Result<bool> rewrite_next(KvBatch& out);
  // Queues a container, as on_rewrite_candidates names them. A key that is none is ignored.
  void queue_rewrite(Family family, std::string_view key);
  // Queues all that have anything to gain (optimize_storage).
  [[nodiscard]] Result<void> queue_all();

  void committed() noexcept;  // the batch was written
  void reset() noexcept;      // it was not

  // A family that is suspended lacks hints: changes to it are dropped, and nothing of it is read.
  // The engine suspends what it has marked incomplete; the calls above suspend what they find
  // damaged, and go on with the others. Before a batch that lacks hints is written the mark must
  // be, or be in it.
  void suspend(Family family) noexcept { suspended_[index_slot(family)] = true; }
  // Its hints are whole again.
  void resume(Family family) noexcept { suspended_[index_slot(family)] = false; }
  // Whether it is.
  [[nodiscard]] bool suspended(Family family) const noexcept {
    return suspended_[index_slot(family)];
  }
  // A family that was found damaged.
  struct Damage {
    Family family = Family::property;  // whose
    StorageError error;                // names family and key
  };
  // What was found since the last question.
  [[nodiscard]] std::vector<Damage> take_damage() { return std::exchange(damage_, {}); }

  // For rebuild_indexes: replaces one family by the pairs that `next` yields in strictly rising
  // order (false: no more). `commit` gets batches of at most about 256 KiB. Until the end the
  // family lacks hints: mark it incomplete first. What was there is erased key by key, which a
  // damaged family may refuse (corruption), or blindly, by KvBackend::clear and its conditions.
  enum class Erase : std::uint8_t { by_key, blindly };
  using PairSource = std::function<Result<bool>(PostingPair&)>;
  using BatchSink = std::function<Result<void>(const KvBatch&)>;
  [[nodiscard]] Result<void> build(Family family, const PairSource& next, const BatchSink& commit,
                                   Erase erase = Erase::by_key);

  // Should the mutator rewrite the container? For KvObserver::needs_rewrite: any thread; reads
  // the headers of segments, nothing else.
  [[nodiscard]] static bool needs_rewrite(std::string_view container) noexcept;

  // --- Readers: any thread ---------------------------------------------------------------------
  // `snapshot` null: the newest state. Damage is corruption, naming family and key.

  // The partitions of a range: sorted, distinct.
  [[nodiscard]] Result<std::vector<PartitionId>> lookup(const TermRange& range,
                                                        const KvSnapshot* snapshot) const;
  [[nodiscard]] Result<PostingEstimate> estimate(const TermRange& range,
                                                 const KvSnapshot* snapshot) const;
  // Terms in order with their partitions. The snapshot must outlive the cursor.
  [[nodiscard]] Result<std::unique_ptr<PostingCursor>> cursor(const TermRange& range,
                                                              bool descending,
                                                              const KvSnapshot* snapshot) const;

  // Looks up the cheapest condition and intersects it with the others while that pays. At least
  // one range. `most`: for each range, from how many pairs on it is not worth reading; where none
  // is, nothing is looked up and no step is used. Empty: all are. `unindexed`: per family, sorted,
  // the partitions whose hints are not complete; they count as having every term. A condition
  // whose family is damaged is left out, and its step says so.
  using Unindexed = std::array<std::span<const PartitionId>, kIndexCount>;
  [[nodiscard]] Result<IndexCandidates> candidates(std::span<const TermRange> ranges,
                                                   const Unindexed& unindexed,
                                                   const KvSnapshot* snapshot,
                                                   std::span<const std::uint64_t> most = {}) const;

  // Every pair of a family in order, for verify. `on_pair` false ends it. A damaged container is
  // given to `on_error`, and the walk goes on behind it.
  using PairVisitor = std::function<bool(const PostingPair&)>;
  using ErrorVisitor = std::function<void(const StorageError&)>;
  [[nodiscard]] Result<void> for_each_pair(Family family, const KvSnapshot* snapshot,
                                           const PairVisitor& on_pair,
                                           const ErrorVisitor& on_error) const;

  // Counts from the headers of all containers, and from the pairs of those with appended changes;
  // reads the whole family.
  [[nodiscard]] Result<PostingStatistics> statistics(Family family,
                                                     const KvSnapshot* snapshot) const;
  // What the mutator knows: free, and zero before its first use of the family.
  [[nodiscard]] PostingStatistics known_statistics(Family family) const noexcept;

 private:
  // True, and the damage noted, where the error is that of a damaged family.
  [[nodiscard]] bool note_damage(std::size_t slot, const StorageError& error);

  TermRules rules_;
  std::array<bool, kIndexCount> suspended_{};
  std::vector<Damage> damage_;
  std::array<std::unique_ptr<PostingFamily>, kIndexCount> families_;
  std::array<std::unique_ptr<PostingReader>, kIndexCount> readers_;
};

// A walk over the terms of a range in order; made by IndexManager::cursor.
class PostingCursor {
 public:
  // A term and where it may be.
  struct Group {
    std::uint64_t term = 0;                   // of its family (TermRules)
    std::span<const PartitionId> partitions;  // sorted, distinct; valid until the next call
  };

  ~PostingCursor();
  PostingCursor(const PostingCursor&) = delete;
  PostingCursor& operator=(const PostingCursor&) = delete;

  // The next term that has partitions; nothing at the end. An error ends the cursor.
  [[nodiscard]] Result<std::optional<Group>> next();

 private:
  friend class PostingReader;
  class Impl;
  explicit PostingCursor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Elements of both sorted lists. Gallops through the longer one.
[[nodiscard]] std::vector<PartitionId> intersect_sorted(std::span<const PartitionId> a,
                                                        std::span<const PartitionId> b);
// Elements of either.
[[nodiscard]] std::vector<PartitionId> unite_sorted(std::span<const PartitionId> a,
                                                    std::span<const PartitionId> b);

}  // namespace caveat
