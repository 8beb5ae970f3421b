// Steps of the maintenance thread: bounded pieces of work that bring a store back to shape.
#include <algorithm>

#include "engine/maintenance/clear_store.h"
#include "engine/maintenance/index_marks.h"
#include "engine/maintenance/mutator.h"
#include "engine/partition/container.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

constexpr std::size_t kPartitionsPerRewriteMax = 64;
constexpr std::size_t kFiltersPerStep = 64;
constexpr double kRewriteSlack = 1.25;

OldPartition old_partition(const Directory& directory, Directory::Position position) {
  OldPartition old;
  old.entry = directory.at(position);
  old.upper = directory.upper_bound(position);
  return old;
}

}  // namespace

Result<Mutator::Rewritten> Mutator::rewrite(std::vector<std::vector<OldPartition>> groups,
                                            const Encoding& encoding, double slack) {
  const auto version = core_.versions.current();
  const auto clears = version->clears;
  std::vector<RepartitionJob> jobs;
  jobs.reserve(groups.size());
  for (auto& group : groups) {
    jobs.emplace_back(std::move(group), std::span<const DeltaRow* const>{},
                      settings(*clears, version->folded_through, slack));
  }
  std::vector<OldPartition*> stored;
  for (auto& job : jobs) {
    for (auto& old : job.old()) stored.push_back(&old);
  }
  CAVEAT_TRY(read_containers(stored));
  std::vector<std::optional<StorageError>> failed;
  run_jobs(jobs, encoding, failed);
  CAVEAT_SYNC_POINT(rewrite_encoded);
  CAVEAT_TRY(raise_locked(Feature::frames_of_rows));
  PartitionCommit commit(core_, marks_, publication_);
  Rewritten did;
  std::vector<std::vector<OldPartition>> again;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& old = jobs[i].old();
    if (failed[i] && old.size() > 1) {
      // One of them; its neighbours are rewritten without it.
      for (const OldPartition& one : old) {
        OldPartition alone;
        alone.entry = one.entry;
        alone.upper = one.upper;
        again.emplace_back().push_back(std::move(alone));
      }
      continue;
    }
    if (failed[i]) {
      if (unreadable_.insert(old.front().entry.lower).second) note_failure(*failed[i]);
      ++did.skipped;
      if (!did.first_error) did.first_error = failed[i];
      continue;
    }
    did.partitions += old.size();
    commit.replace(jobs[i]);
    if (commit.full()) CAVEAT_TRY(commit.commit());
  }
  if (!commit.empty()) CAVEAT_TRY(commit.commit());
  if (again.empty()) return did;
  CAVEAT_ASSIGN(const auto more, rewrite(std::move(again), encoding, slack));
  did.partitions += more.partitions;
  did.skipped += more.skipped;
  if (!did.first_error) did.first_error = more.first_error;
  return did;
}

std::size_t Mutator::partitions_per_step(std::size_t most) const noexcept {
  const std::size_t fit = core_.memory.window_rows / core_.tuning.now()->layout.partition_records;
  return std::clamp<std::size_t>(fit, 1, most);
}

// Cut for other options than today's. (What is a little over is left to the next rewrite.)
bool Mutator::oversized(const PartitionEntry& entry) const noexcept {
  return entry.rows > core_.tuning.now()->layout.partition_records * 2;
}

void Mutator::queue_overdue() {
  const std::lock_guard lock(mutex_);
  const auto version = core_.versions.current();
  if (!version) return;
  for (const auto& group : version->directory->groups()) {
    for (const auto& entry : group->entries) {
      if (unreadable_.contains(entry.lower)) continue;
      if (entry.run_rows >= kLongRunRows || oversized(entry)) queue_.add_partition(entry.lower);
    }
  }
}

Result<bool> Mutator::rewrite_queued() {
  const auto lowers = queue_.take_partitions(partitions_per_step(kPartitionsPerRewriteMax));
  if (lowers.empty()) return false;
  CAVEAT_ASSIGN(const auto lock, begin_step());
  const auto version = core_.versions.current();
  if (!version) return false;
  const Directory& directory = *version->directory;
  const std::size_t rows_max = core_.tuning.now()->layout.partition_records;
  const std::size_t small = rows_max / 4;
  std::vector<std::vector<OldPartition>> groups;
  std::optional<ExceptionKey> taken_to = ExceptionKey{};  // bounds below are in a group already
  std::size_t bytes = 0;
  for (const auto& lower : lowers) {
    if (directory.empty() || !taken_to || lower < *taken_to) continue;
    if (bytes >= core_.memory.fold_bytes) {
      queue_.add_partition(lower);
      continue;
    }
    auto position = directory.locate(lower);
    const PartitionEntry& entry = directory.at(position);
    // Gone since, or rewritten since: then there is nothing to do.
    if (entry.lower != lower || unreadable_.contains(lower)) continue;
    if (entry.run_rows == 0 && !oversized(entry)) continue;
    std::vector<OldPartition> group{old_partition(directory, position)};
    bytes += step_bytes(entry);
    // A partition that has shrunk takes its right neighbour in.
    std::size_t rows = entry.rows + entry.run_rows;
    for (auto next = directory.next(position); rows < small && next != directory.end();
         next = directory.next(next)) {
      rows += directory.at(next).rows + directory.at(next).run_rows;
      const std::size_t more = step_bytes(directory.at(next));
      if (rows > rows_max || bytes + more > core_.memory.fold_bytes ||
          unreadable_.contains(directory.at(next).lower)) {
        break;
      }
      bytes += more;
      group.push_back(old_partition(directory, next));
    }
    taken_to = group.back().upper;
    groups.push_back(std::move(group));
  }
  CAVEAT_TRY(rewrite(std::move(groups), normal_encoding(), kRewriteSlack));
  return true;
}

Result<bool> Mutator::rewrite_index_container() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  for (const auto& [family, key] : queue_.take_index_containers()) {
    core_.indexes->queue_rewrite(family, key);
  }
  // Unless what it stages is written it is forgotten.
  struct Staged {
    IndexManager& indexes;
    bool written = false;
    ~Staged() {
      if (!written) indexes.reset();
    }
  } staged{*core_.indexes};
  KvBatch batch;
  CAVEAT_ASSIGN(const bool rewritten, core_.indexes->rewrite_next(batch));
  if (batch.empty()) {
    staged.written = true;
    CAVEAT_TRY(settle_indexes_locked());
    // All that waited are merged: nobody needs what they replaced any more.
    if (!rewritten) CAVEAT_TRY(renew_stale_snapshot());
    return rewritten;
  }
  CAVEAT_SYNC_POINT(postings_merged);
  snapshot_stale_ = true;
  CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
  staged.written = true;
  core_.indexes->committed();
  return rewritten;
}

Result<bool> Mutator::apply_clears() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  const auto version = core_.versions.current();
  if (!version || version->clears->empty()) return false;
  const Directory& directory = *version->directory;
  const ClearList& clears = *version->clears;

  const std::size_t most = partitions_per_step(kPartitionsPerRewriteMax);

  // The end of a fold that was cut off may have left some that the log still has: they are its.
  const auto folded = [&](Sequence sequence) { return sequence <= version->folded_through; };
  // Partitions that may hold cleared rows: of nodes by the directory, of properties by the index.
  std::set<ExceptionKey> lowers;
  std::size_t bytes = 0;
  const auto enough = [&] { return lowers.size() >= most || bytes >= core_.memory.fold_bytes; };
  const auto consider = [&](Directory::Position position, Sequence sequence) {
    const PartitionEntry& entry = directory.at(position);
    if (entry.as_of_min < sequence && !unreadable_.contains(entry.lower) &&
        lowers.insert(entry.lower).second) {
      bytes += step_bytes(entry);
    }
  };
  if (!directory.empty()) {
    for (const auto& [node, sequence] : clears.nodes()) {
      if (enough()) break;
      if (!folded(sequence)) continue;
      auto position = directory.locate({node, 0});
      for (;
           position != directory.end() && directory.at(position).lower <= ExceptionKey{node, ~0ULL};
           position = directory.next(position)) {
        consider(position, sequence);
        if (enough()) break;
      }
    }
    for (const auto& [property, sequence] : clears.properties()) {
      if (enough()) break;
      if (!folded(sequence)) continue;
      const auto id = core_.catalogue.find(property);
      if (!id) continue;
      if (!version->index_complete[static_cast<std::size_t>(Family::property)]) {
        for (auto p = directory.begin(); p != directory.end(); p = directory.next(p)) {
          consider(p, sequence);
          if (enough()) break;
        }
        continue;
      }
      const auto candidates = core_.indexes->lookup({Family::property, *id, *id}, nullptr);
      if (!candidates && candidates.error().code() == ErrorCode::corruption) {
        // The next step goes by all partitions.
        mark_index_damaged(core_, *version, Family::property, candidates.error());
        return true;
      }
      if (!candidates) return fail(candidates.error());
      for (const PartitionId candidate : *candidates) {
        const auto lower = core_.partition_ids.find(candidate);
        if (!lower) continue;
        const auto position = directory.locate(*lower);
        if (directory.at(position).id == candidate) consider(position, sequence);
        if (enough()) break;
      }
    }
  }
  if (!lowers.empty()) {
    std::vector<std::vector<OldPartition>> groups;
    std::optional<ExceptionKey> group_end;
    for (const auto& lower : lowers) {
      auto old = old_partition(directory, directory.locate(lower));
      // Neighbours go together, so that what a large clear empties is joined at once.
      if (!groups.empty() && group_end == lower && groups.back().size() < 16) {
        group_end = old.upper;
        groups.back().push_back(std::move(old));
      } else {
        group_end = old.upper;
        groups.emplace_back();
        groups.back().push_back(std::move(old));
      }
    }
    CAVEAT_TRY(rewrite(std::move(groups), normal_encoding(), kRewriteSlack));
    return true;
  }
  // Nothing is left that they could hide.
  if (!unreadable_.empty()) return false;
  auto left = std::make_shared<ClearList>();
  for (const auto& [node, sequence] : clears.nodes()) {
    if (!folded(sequence)) left->add_node(node, sequence);
  }
  for (const auto& [property, sequence] : clears.properties()) {
    if (!folded(sequence)) left->add_property(property, sequence);
  }
  if (left->size() == clears.size()) return false;
  KvBatch batch;
  persist_clears(clears, *left, batch);
  CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
  core_.versions.update([&](Version& next) { next.clears = left; });
  return true;
}

Result<bool> Mutator::build_filters() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  const auto version = core_.versions.current();
  // Near their most, building some would only have others halved or dropped.
  const std::size_t filters_max = core_.memory.filters_max;
  if (!version || version->directory->filter_bytes() > filters_max - filters_max / 8) return false;
  const Directory& directory = *version->directory;
  std::vector<PartitionEntry> missing;
  for (const auto& group : directory.groups()) {
    for (const auto& entry : group->entries) {
      if (!entry.filter && !unreadable_.contains(entry.lower)) missing.push_back(entry);
      if (missing.size() == kFiltersPerStep) break;
    }
    if (missing.size() == kFiltersPerStep) break;
  }
  if (missing.empty()) return false;
  DirectoryEditor editor(directory);
  std::string container;
  const ClearList no_clears;
  for (auto& entry : missing) {
    const auto upper = directory.upper_bound(directory.locate(entry.lower));
    const auto found =
        core_.backend->get(Family::primary, encode_key(entry.lower), nullptr, container);
    if (!found && !is_damage(found.error().code())) return fail(found.error());
    auto image = found && *found
                     ? PartitionImage::open(container, entry.lower, upper, core_.dictionaries,
                                            core_.catalogue)
                     : Result<std::shared_ptr<const PartitionImage>>(tl::make_unexpected(
                           found ? core_.missing_container(entry.lower) : found.error()));
    auto rows = image ? (*image)->rows(no_clears) : tl::make_unexpected(image.error());
    if (!rows) {
      unreadable_.insert(entry.lower);
      note_failure(rows.error().within("primary " + describe_key(entry.lower)));
      continue;
    }
    KeyFilter filter(rows->size() * 5 / 4 + 1);
    for (const auto row : *rows) filter.add((*image)->key(row));
    entry.filter = make_lasting<KeyFilter>(std::move(filter));
    editor.replace(entry.lower, upper, {entry});
    marks_.improve(entry.lower);
  }
  const auto next = editor.finish();
  CAVEAT_SYNC_POINT(filters_made);
  core_.versions.update([&](Version& changed) { changed.directory = next; });
  fit_filters();
  return true;
}

}  // namespace caveat
