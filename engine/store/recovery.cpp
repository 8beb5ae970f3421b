// Opening a store: superblock, dictionaries, catalogue, directory, then the delta's log.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/delta/delta_record.h"
#include "engine/maintenance/clear_store.h"
#include "engine/partition/container.h"
#include "engine/store/directory_page.h"
#include "engine/store/engine.h"
#include "engine/store/lost_families.h"

namespace caveat {

namespace {

// What is stored of the directory: pages, and which of them are out of date.
struct StoredPages {
  std::vector<std::pair<ExceptionKey, std::string>> pages;
  std::set<ExceptionKey> marks;
};

Result<StoredPages> read_pages(KvBackend& backend) {
  StoredPages stored;
  CAVEAT_ASSIGN(auto it, backend.iterate(Family::meta, nullptr, true));
  for (it->seek("D"); it->valid() && it->key().starts_with('D'); it->next()) {
    if (const auto lower = decode_key(it->key().substr(1))) {
      stored.pages.emplace_back(*lower, it->value());
    }
  }
  CAVEAT_TRY(it->status());  // the next seek forgets it
  for (it->seek("X"); it->valid() && it->key().starts_with('X'); it->next()) {
    if (const auto lower = decode_key(it->key().substr(1))) stored.marks.insert(*lower);
  }
  CAVEAT_TRY(it->status());
  return stored;
}

// Index families that the backend emptied: incomplete from now on, until they are rebuilt.
Result<void> heed_lost_families(KvBackend& backend, Superblock& superblock) {
  KvBatch batch;
  for (const Family family : kIndexFamilies) {
    std::string value;
    CAVEAT_ASSIGN(const bool lost,
                  backend.get(Family::meta, lost_family_key(family), nullptr, value));
    if (!lost) continue;
    superblock.index_complete[static_cast<std::size_t>(family)] = false;
    batch.erase(Family::meta, lost_family_key(family));
  }
  if (batch.empty()) return {};
  std::string bytes;
  superblock.encode(bytes);
  batch.put(Family::meta, kSuperblockKey, bytes);
  return backend.write(batch, Durability::fsync);
}

// Reads a stretch of the directory off the primary itself.
class DirectoryScan {
 public:
  DirectoryScan(Core& core, std::vector<PartitionEntry>& entries)
      : core_(core), entries_(entries) {}

  Result<void> add(const ExceptionKey& first, const std::optional<ExceptionKey>& last) {
    CAVEAT_ASSIGN(auto it, core_.backend->iterate(Family::primary, nullptr, true));
    for (it->seek(encode_key(first)); it->valid(); it->next()) {
      const auto lower = decode_key(it->key());
      if (!lower) return fail(ErrorCode::corruption, "primary: a key of a wrong length");
      if (last && *lower >= *last) break;
      PartitionEntry entry;
      entry.lower = *lower;
      entry.bytes = static_cast<std::uint32_t>(it->value().size());
      if (auto summary = summarise_container(it->value())) {
        entry.id = summary->id;
        entry.rows = summary->rows;
        entry.run_rows = summary->run_rows;
        entry.raw_bytes = summary->raw_bytes;
        entry.as_of_min = summary->as_of_min == kMaxSequence ? 0 : summary->as_of_min;
      } else {
        // Reads of its keys say what is wrong with it. Its hints cannot be told from others'
        // stale ones, so queries must come by whatever they ask for.
        damaged_ = true;
        core_.background_errors.report(summary.error().within("primary " + describe_key(*lower)),
                                       core_.counters);
      }
      entries_.push_back(std::move(entry));
    }
    return it->status();
  }
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }

 private:
  Core& core_;
  std::vector<PartitionEntry>& entries_;
  bool damaged_ = false;
};

}  // namespace

Result<void> Engine::recover() {
  KvBackend& backend = *core_.backend;

  std::string bytes;
  CAVEAT_ASSIGN(const bool exists, backend.get(Family::meta, kSuperblockKey, nullptr, bytes));
  if (exists) {
    CAVEAT_ASSIGN(core_.superblock, Superblock::decode(bytes));
  } else {
    CAVEAT_ASSIGN(auto any, backend.iterate(Family::primary, nullptr, false));
    any->seek_to_first();
    if (any->valid()) return fail(ErrorCode::corruption, "superblock: missing");
    core_.superblock.created_ns = core_.clock.now_ns();
    core_.superblock.encode(bytes);
    KvBatch batch;
    batch.put(Family::meta, kSuperblockKey, bytes);
    CAVEAT_TRY(backend.write(batch, Durability::fsync));
  }
  CAVEAT_TRY(heed_lost_families(backend, core_.superblock));
  core_.next_partition_id = core_.superblock.partition_ids_end;
  TermRules rules;
  rules.temporal_shift = core_.superblock.temporal_shift;
  core_.indexes = std::make_unique<IndexManager>(backend, rules, &core_.index_cache);
  for (const Family family : kIndexFamilies) {
    if (!core_.superblock.index_complete[static_cast<std::size_t>(family)]) {
      core_.indexes->suspend(family);
    }
  }
  CAVEAT_TRY(core_.dictionaries.load(backend));
  CAVEAT_TRY(core_.catalogue.load(backend));
  CAVEAT_ASSIGN(auto clears, load_clears(backend));

  // Directory: pages that are up to date, the primary for the rest.
  CAVEAT_ASSIGN(const auto stored, read_pages(backend));
  std::vector<PartitionEntry> entries;  // of the group being gathered
  std::vector<std::shared_ptr<const PartitionGroup>> groups;
  bool impossible_id = false;
  const auto close_group = [&] {
    for (auto& entry : entries) {
      if (entry.id == 0) entry.id = core_.next_partition_id++;
      entry.version = core_.new_partition_version();
      impossible_id = impossible_id || entry.id >= PartitionIds::kIdsMax;
      if (!impossible_id) core_.partition_ids.set(entry.id, entry.lower);
    }
    for (std::size_t from = 0; from < entries.size(); from += kGroupPartitions) {
      const std::size_t to = std::min(entries.size(), from + kGroupPartitions);
      groups.push_back(std::make_shared<const PartitionGroup>(
          std::vector<PartitionEntry>(entries.begin() + static_cast<std::ptrdiff_t>(from),
                                      entries.begin() + static_cast<std::ptrdiff_t>(to))));
    }
    entries.clear();
  };
  DirectoryScan scan(core_, entries);
  std::size_t filter_bytes = 0;
  if (stored.pages.empty() || stored.pages.front().first != ExceptionKey{}) {
    CAVEAT_TRY(scan.add(
        {}, stored.pages.empty() ? std::nullopt : std::optional(stored.pages.front().first)));
  }
  for (std::size_t i = 0; i < stored.pages.size(); ++i) {
    const auto& [lower, page] = stored.pages[i];
    const auto last =
        i + 1 < stored.pages.size() ? std::optional(stored.pages[i + 1].first) : std::nullopt;
    auto decoded = stored.marks.contains(lower)
                       ? Result<std::vector<PartitionEntry>>(tl::make_unexpected(
                             StorageError(ErrorCode::not_found, "the page is out of date")))
                       : decode_directory_page(page, filter_bytes < core_.memory.filters);
    const bool clean =
        decoded && decoded->front().lower == lower && (!last || decoded->back().lower < *last);
    if (!clean) {
      CAVEAT_TRY(scan.add(lower, last));
      mutator_.marks().add_outdated(lower);
      continue;
    }
    // A clean page is a group by itself, and stays the page of just that group.
    close_group();
    for (auto& entry : *decoded) {
      if (entry.filter) filter_bytes += entry.filter->memory_bytes();
      entries.push_back(std::move(entry));
    }
    close_group();
    mutator_.marks().add_clean(*groups.back());
  }
  close_group();
  if (impossible_id) return fail(ErrorCode::corruption, "directory: impossible partition id");
  if (!groups.empty() && groups.front()->lower() != ExceptionKey{}) {
    return fail(ErrorCode::corruption, "primary: the first partition is missing");
  }
  const auto directory = std::make_shared<const Directory>(std::move(groups));

  // The log: each generation as it was, all of them sealed; the next write begins a new one.
  std::vector<std::shared_ptr<Generation>> generations;  // oldest first
  Sequence last_sequence = core_.superblock.folded_through;
  GenerationId last_generation = core_.superblock.dropped_generation;
  CAVEAT_ASSIGN(auto log, backend.iterate(Family::delta, nullptr, true));
  for (log->seek_to_first(); log->valid(); log->next()) {
    CAVEAT_ASSIGN(const auto key, decode_delta_key(log->key()));
    if (key.generation <= core_.superblock.dropped_generation) continue;
    last_generation = std::max(last_generation, key.generation);
    if (generations.empty() || generations.back()->id() != key.generation) {
      generations.push_back(std::make_shared<Generation>(key.generation, core_.pool));
    }
    auto replayed = replay_delta_record(key, log->value(), *generations.back());
    if (replayed) {
      last_sequence = std::max(last_sequence, *replayed);
      continue;
    }
    // The rest of the store is sound: open it, say what was lost, and keep the bytes for repair.
    core_.background_errors.report(replayed.error(), core_.counters);
    KvBatch keep;
    keep.put(Family::meta, "Q" + std::string(log->key()), log->value());
    CAVEAT_TRY(backend.write(keep, Durability::wal));
    last_sequence = std::max(last_sequence, key.first_sequence + 0xFFFF);
  }
  CAVEAT_TRY(log->status());
  std::erase_if(generations, [](const auto& generation) { return generation->empty(); });
  for (const auto& generation : generations) generation->seal();

  CAVEAT_ASSIGN(auto snapshot, backend.snapshot());
  core_.versions.update([&](Version& version) {
    version.generations.assign(generations.rbegin(), generations.rend());
    version.directory = directory;
    version.clears = std::make_shared<const ClearList>(std::move(clears));
    version.backend_snapshot = std::move(snapshot);
    version.folded_through = core_.superblock.folded_through;
    version.index_complete = core_.superblock.index_complete;
    if (scan.damaged()) version.index_complete.fill(false);
  });
  commits_.start(last_sequence + 1, last_generation + 1);
  return {};
}

}  // namespace caveat
