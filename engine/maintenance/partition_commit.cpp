#include "engine/maintenance/partition_commit.h"

#include <algorithm>
#include <map>

#include "engine/maintenance/index_marks.h"
#include "engine/partition/container.h"
#include "engine/sync/sync_point.h"
#include "pool/invariant.h"

namespace caveat {

namespace {

// Ids are taken from the superblock in lots of this size, so that it is rarely written.
constexpr std::uint64_t kIdLot = 1024;
// Of one family in one batch; each may be an append to a container of its own. They are sorted, so
// that smaller batches are no more appends, only more calls, and keep other writers less long.
constexpr std::size_t kHintsOfBatch = 1024;
constexpr std::size_t kHintsOfOne = 8192;  // of all families, with one chunk in one batch

// What a batch is staged for; forgotten unless it is written.
class StagedBatch {
 public:
  StagedBatch(IndexManager& indexes, DirectoryMarks& marks) : indexes_(indexes), marks_(marks) {}
  ~StagedBatch() {
    if (written_) return;
    indexes_.reset();
    marks_.dropped();
  }
  StagedBatch(const StagedBatch&) = delete;
  StagedBatch& operator=(const StagedBatch&) = delete;
  void written() noexcept {
    written_ = true;
    indexes_.committed();
    marks_.committed();
  }

 private:
  IndexManager& indexes_;
  DirectoryMarks& marks_;
  bool written_ = false;
};

std::uint64_t count_removals(const HintChanges& changes) {
  std::uint64_t removals = 0;
  for (const auto& family : changes.families) {
    removals += static_cast<std::uint64_t>(std::count_if(
        family.begin(), family.end(), [](const PostingChange& change) { return !change.add; }));
  }
  return removals;
}

}  // namespace

PartitionCommit::Chunk& PartitionCommit::chunk_to_fill() {
  if (chunks_.empty() || chunks_.back().bytes >= kChunkBytes) chunks_.emplace_back();
  return chunks_.back();
}

void PartitionCommit::filled(Chunk& chunk, std::size_t bytes) noexcept {
  chunk.bytes += bytes;
  bytes_ += bytes;
}

PartitionId PartitionCommit::new_id(Chunk& chunk, const ExceptionKey& lower) {
  const PartitionId id = core_.next_partition_id++;
  if (id >= std::max(core_.superblock.partition_ids_end, ids_end_)) ids_end_ = id + kIdLot;
  chunk.ids.emplace_back(id, lower);
  return id;
}

void PartitionCommit::replace(RepartitionJob& job) {
  const auto& old = job.old();
  std::map<ExceptionKey, std::size_t> old_at;  // lower bound -> position
  for (std::size_t i = 0; i < old.size(); ++i) old_at[old[i].entry.lower] = i;
  std::vector<bool> kept(old.size(), false);

  Chunk& chunk = chunk_to_fill();
  Change change;
  change.first = old.front().entry.lower;
  change.last = old.back().upper;
  for (NewPartition& made : job.result()) {
    PartitionEntry entry;
    entry.lower = made.lower;
    entry.version = core_.new_partition_version();
    entry.rows = made.rows;
    entry.raw_bytes = made.raw_bytes;
    entry.as_of_min = job.as_of();
    entry.filter = made.filter;
    const auto found = old_at.find(made.lower);
    const bool known = found != old_at.end() && old[found->second].entry.id != 0;
    if (known) {
      kept[found->second] = true;
      entry.id = old[found->second].entry.id;
      hints_.diff(job.old_hints()[found->second], made.hints, entry.id);
    } else {
      entry.id = new_id(chunk, entry.lower);
      hints_.add_all(made.hints, entry.id);
    }
    std::string container;
    append_container_header(entry.id, container);
    container += made.block;
    std::string().swap(made.block);  // the job lives on
    entry.bytes = static_cast<std::uint32_t>(container.size());
    filled(chunk, container.size());
    (known ? chunk.known : chunk.fresh)
        .push_back({encode_key(entry.lower), std::move(container), false});
    change.entries.push_back(std::move(entry));
  }
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (old[i].entry.id == 0) continue;  // the place of an empty store's first partition
    chunk.superseded.push_back(block_key(old[i].entry.id, old[i].entry.version));
    if (kept[i]) continue;
    hints_.remove_all(job.old_hints()[i], old[i].entry.id);
    chunk.erased.push_back(encode_key(old[i].entry.lower));
  }
  ++chunk.rewrites;
  if (job.result().size() > old.size()) chunk.splits += job.result().size() - old.size();
  if (job.result().size() < old.size()) chunk.joins += old.size() - job.result().size();
  chunk.changes.push_back(std::move(change));
}

void PartitionCommit::append(const PartitionEntry& entry, const std::optional<ExceptionKey>& upper,
                             std::span<const DeltaRow* const> rows, Sequence as_of) {
  std::vector<std::string_view> encoded;
  encoded.reserve(rows.size());
  PartitionEntry next = entry;
  std::optional<KeyFilter> filter;
  if (entry.filter) filter = *entry.filter;
  HintBuilder builder(core_.indexes->rules());
  for (const DeltaRow* row : rows) {
    encoded.push_back(row->encoded());
    if (row->kind != RowKind::store) continue;
    if (filter && !CAVEAT_PLANTED(fold_forgets_filter)) filter->add(row->key);
    // The fold gave every property an id before it began.
    builder.add(*core_.catalogue.find(row->key.property_hash), row->source, row->confidence,
                row->created_at);
  }
  HintSet hints;
  builder.finish(hints);
  hints_.add_all(hints, entry.id);
  std::string run;
  append_run(encoded, as_of, run);
  Chunk& chunk = chunk_to_fill();
  filled(chunk, run.size());

  if (filter) next.filter = make_lasting<KeyFilter>(std::move(*filter));
  next.version = core_.new_partition_version();
  next.run_rows += static_cast<std::uint32_t>(rows.size());
  next.bytes += static_cast<std::uint32_t>(run.size());
  chunk.known.push_back({encode_key(entry.lower), std::move(run), true});
  chunk.superseded.push_back(block_key(entry.id, entry.version));
  Change change;
  change.first = entry.lower;
  change.last = upper;
  change.entries.push_back(std::move(next));
  chunk.changes.push_back(std::move(change));
}

// All that the batch says, and what it stages with indexes and marks.
Result<void> PartitionCommit::gather(HintChanges& hints, HintChanges& removals, const Chunk* chunk,
                                     Superblock& superblock) {
  batch_.clear();
  // What is known to be damaged is not touched, and what apply() finds damaged is left out of the
  // batch: in either case the batch itself says so.
  bool marked = adopt_index_damage(core_, superblock);
  CAVEAT_TRY(core_.indexes->apply(hints, batch_));
  marked = adopt_index_damage(core_, superblock) || marked;
  if (marked || ids_end_ != 0) {
    if (ids_end_ != 0) superblock.partition_ids_end = std::min(ids_end_, PartitionIds::kIdsMax);
    std::string bytes;
    superblock.encode(bytes);
    batch_.put(Family::meta, kSuperblockKey, bytes);
  }
  if (chunk == nullptr) return {};
  for (const Change& change : chunk->changes) marks_.mark(change.first, change.last, batch_);
  // New bounds from right to left: until the left one is written, it still holds their rows.
  for (auto fresh = chunk->fresh.rbegin(); fresh != chunk->fresh.rend(); ++fresh) {
    batch_.put(Family::primary, fresh->key, fresh->value);
  }
  for (const Stored& known : chunk->known) {
    if (known.is_run) {
      batch_.append(Family::primary, known.key, known.value);
    } else {
      batch_.put(Family::primary, known.key, known.value);
    }
  }
  for (const std::string& key : chunk->erased) batch_.erase(Family::primary, key);
  // Until here the partitions that they are of still have the rows.
  core_.indexes->remove_last(removals, batch_);
  return {};
}

Result<void> PartitionCommit::write(HintChanges& hints, HintChanges& removals, Chunk* chunk) {
  Superblock superblock = core_.superblock;
  const std::uint64_t removed = count_removals(hints) + removals.count();
  std::function<void(Version&)> change;
  {
    StagedBatch staged(*core_.indexes, marks_);
    CAVEAT_TRY(gather(hints, removals, chunk, superblock));
    if (chunk != nullptr) {
      for (const auto& [id, lower] : chunk->ids) core_.partition_ids.set(id, lower);
      DirectoryEditor editor(*core_.versions.current()->directory);
      for (Change& one : chunk->changes) {
        editor.replace(one.first, one.last, std::move(one.entries));
      }
      change = [directory = editor.finish()](Version& version) { version.directory = directory; };
    }
    if (!batch_.empty()) CAVEAT_TRY(core_.backend->write(batch_, Durability::wal));
    staged.written();
  }
  core_.superblock.partition_ids_end = superblock.partition_ids_end;
  core_.superblock.index_complete = superblock.index_complete;
  ids_end_ = 0;
  core_.counters.hints_removed.fetch_add(removed, std::memory_order_relaxed);
  if (chunk == nullptr) return {};
  CAVEAT_SYNC_POINT(chunk_written);
  CAVEAT_TRY(publication_.publish(std::move(change)));
  for (const BlockKey& key : chunk->superseded) core_.block_cache.erase(key);
  chunk->fresh = std::vector<Stored>();
  chunk->known = std::vector<Stored>();
  core_.counters.rewrites.fetch_add(chunk->rewrites, std::memory_order_relaxed);
  core_.counters.splits.fetch_add(chunk->splits, std::memory_order_relaxed);
  core_.counters.joins.fetch_add(chunk->joins, std::memory_order_relaxed);
  return {};
}

Result<void> PartitionCommit::write_hints(HintChanges& hints) {
  hints.sort();
  HintChanges part;
  HintChanges none;
  std::size_t begin = 0;
  for (bool more = !hints.empty(); more; begin += kHintsOfBatch) {
    more = false;
    part.clear();
    for (std::size_t i = 0; i < kIndexCount; ++i) {
      const auto& all = hints.families[i];
      const std::size_t from = std::min(begin, all.size());
      const std::size_t to = std::min(begin + kHintsOfBatch, all.size());
      part.families[i].assign(all.begin() + static_cast<std::ptrdiff_t>(from),
                              all.begin() + static_cast<std::ptrdiff_t>(to));
      more = more || to < all.size();
    }
    CAVEAT_TRY(write(part, none, nullptr));
  }
  return {};
}

Result<void> PartitionCommit::commit_in_steps(HintChanges& removals) {
  const bool early = !CAVEAT_PLANTED(hints_after_chunks);
  if (early) CAVEAT_TRY(write_hints(hints_));
  HintChanges none;
  for (Chunk& chunk : chunks_) CAVEAT_TRY(write(none, none, &chunk));
  if (!early) CAVEAT_TRY(write_hints(hints_));
  if (removals.empty()) return {};
  CAVEAT_TRY(write_hints(removals));
  return publication_.publish([](Version&) {});  // readers see that they are gone
}

Result<void> PartitionCommit::commit() {
  if (core_.next_partition_id > PartitionIds::kIdsMax) {
    return fail(ErrorCode::limit_exceeded, "all partition ids of the store are taken");
  }
  const bool few = hints_.count() <= kHintsOfOne;
  HintChanges removals = hints_.take_removals();
  if (chunks_.size() == 1 && few) {
    CAVEAT_TRY(write(hints_, removals, &chunks_.front()));
  } else {
    CAVEAT_TRY(commit_in_steps(removals));
  }
  clear();
  core_.heap_spare.give_back();
  return {};
}

void PartitionCommit::clear() noexcept {
  chunks_.clear();
  hints_.clear();
  ids_end_ = 0;
  bytes_ = 0;
}

}  // namespace caveat
