// Opening a store: superblock, dictionaries, catalogue, directory, then the delta's log.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/delta/delta_record.h"
#include "engine/encryption/encrypted_backend.h"
#include "engine/maintenance/clear_store.h"
#include "engine/partition/container.h"
#include "engine/store/directory_page.h"
#include "engine/store/directory_scan.h"
#include "engine/store/engine.h"
#include "engine/store/features.h"
#include "engine/store/lost_families.h"
#include "engine/store/salvaged_view.h"
#include "engine/store/set_aside.h"
#include "engine/store/stored_pages.h"
#include "engine/sync/sync_point.h"
#include "engine/tuning/tuning_page.h"

namespace caveat {

namespace {

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
  if (batch.empty() || backend.read_only()) return {};
  std::string bytes;
  superblock.encode(bytes);
  batch.put(Family::meta, kSuperblockKey, bytes);
  return backend.write(batch, Durability::fsync);
}

// A record of the log that cannot be read: the rest of the store is sound, so it opens, says what
// was lost, and keeps the bytes for repair.
Result<void> set_aside(Core& core, std::string_view key, std::string_view value,
                       const StorageError& error) {
  core.background_errors.notify(error, core.counters);
  if (core.read_only) return {};
  // Of a value that does not authenticate an encrypted backend's iterator gives nothing.
  std::string stored;
  if (core.encrypted != nullptr && value == kRefusedValue) {
    CAVEAT_ASSIGN(const bool found,
                  core.encrypted->inner().get(Family::delta, key, nullptr, stored));
    if (found) value = stored;
  }
  KvBatch keep;
  keep.put(Family::meta, set_aside_key(key), value);
  return core.backend->write(keep, Durability::wal);
}

// Generations and sequences go up one by one: a key that is so far ahead of what is known is none
// that the store has written, and what came behind it would soon have no number left.
constexpr std::uint64_t kAhead = std::uint64_t{1} << 56;

Result<DeltaRecordKey> log_key(std::string_view bytes, GenerationId generation, Sequence sequence) {
  CAVEAT_ASSIGN(const auto key, decode_delta_key(bytes));
  const auto far = [](std::uint64_t number, std::uint64_t from) {
    return number > from && number - from > kAhead;
  };
  if (far(key.generation, generation) || far(key.first_sequence, sequence)) {
    return fail(ErrorCode::corruption,
                fmt::format("delta generation {} sequence {}: the key is no record's",
                            key.generation, key.first_sequence));
  }
  return key;
}

// By the keys of the log. What cannot be listed stays; verify says so.
std::set<std::string, std::less<>> set_aside_before(KvBackend& backend) {
  std::set<std::string, std::less<>> keys;
  if (auto kept = read_set_aside(backend)) {
    for (SetAside& record : *kept) keys.insert(std::move(record.log_key));
  }
  return keys;
}

// No record needs it: without it the defaults are in force until the store chooses again.
Result<void> load_tuning(Core& core) {
  std::string bytes;
  const auto found = core.backend->get(Family::meta, kTuningKey, nullptr, bytes);
  if (!found && found.error().code() != ErrorCode::corruption) return fail(found.error());
  if (found && !*found) return {};
  auto tuning = found ? decode_tuning(bytes) : fail(found.error());
  if (tuning) {
    core.tuning.set(std::move(*tuning));
    return {};
  }
  core.tuning.damage = tuning.error();
  // A newer version is none.
  if (tuning.error().code() == ErrorCode::corruption) {
    core.background_errors.notify(tuning.error().within("what the store chose for itself"),
                                  core.counters);
  }
  return {};
}

// Pages that are not believed though nothing on disk says so: in case they can be read next time.
Result<void> write_marks(KvBackend& backend, const std::vector<ExceptionKey>& lowers) {
  KvBatch batch;
  for (const ExceptionKey& lower : lowers) {
    batch.put(Family::meta, directory_mark_key(lower), {});
  }
  return batch.empty() ? Result<void>() : backend.write(batch, Durability::wal);
}

}  // namespace

Result<void> Engine::recover() {
  KvBackend& backend = *core_.backend;
  core_.read_only = backend.read_only();

  // Of what was salvaged from a damaged store whatever is missing is done without.
  const bool salvaged = dynamic_cast<const SalvagedBackend*>(&backend) != nullptr;
  const auto passes = [&](const StorageError& error) {
    if (!salvaged || error.code() != ErrorCode::corruption) return false;
    core_.background_errors.notify(error, core_.counters);
    return true;
  };

  std::string bytes;
  CAVEAT_ASSIGN(const bool exists, backend.get(Family::meta, kSuperblockKey, nullptr, bytes));
  if (exists) {
    auto superblock = Superblock::decode(bytes);
    if (superblock) {
      CAVEAT_TRY(check_features(backend, superblock->features));
      core_.superblock = *superblock;
    } else if (!passes(superblock.error())) {
      return fail(superblock.error());
    }
  } else if (core_.read_only) {
    const StorageError missing(ErrorCode::corruption, "superblock: missing");
    if (!passes(missing)) return fail(missing);
  } else {
    CAVEAT_ASSIGN(auto any, backend.iterate(Family::primary, nullptr, false));
    any->seek_to_first();
    if (any->valid()) return fail(ErrorCode::corruption, "superblock: missing");
    core_.superblock.created_ns = core_.clock.now_ns();
    core_.superblock.features = kKnownFeatures;
    KvBatch batch;
    put_superblock_and_features(core_.superblock, batch);
    CAVEAT_TRY(backend.write(batch, Durability::fsync));
  }
  CAVEAT_TRY(heed_lost_families(backend, core_.superblock));
  core_.features = core_.superblock.features;
  core_.next_partition_id = core_.superblock.partition_ids_end;
  if (salvaged) {
    core_.superblock.index_complete.fill(false);
    core_.next_partition_id = kStandInIds + kStandInIds / 2;
  }
  TermRules rules;
  rules.temporal_shift = core_.superblock.temporal_shift;
  core_.indexes = std::make_unique<IndexManager>(backend, rules, &core_.index_cache);
  for (const Family family : kIndexFamilies) {
    if (!core_.superblock.index_complete[static_cast<std::size_t>(family)]) {
      core_.indexes->suspend(family);
    }
  }
  CAVEAT_TRY(core_.dictionaries.load(backend));
  CAVEAT_TRY(load_tuning(core_));
  if (salvaged) {
    CAVEAT_ASSIGN(const auto damage, core_.catalogue.load_salvaged(backend));
    if (damage) passes(*damage);
  } else {
    CAVEAT_TRY(core_.catalogue.load(backend));
  }
  CAVEAT_ASSIGN(auto clears, load_clears(backend));

  // Directory: pages that are up to date, the primary for the rest.
  CAVEAT_ASSIGN(const auto stored, read_stored_pages(backend));
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
      groups.push_back(make_lasting<PartitionGroup>(
          std::span<const PartitionEntry>(entries).subspan(from, to - from)));
    }
    entries.clear();
  };
  DirectoryScan scan(core_, entries);
  std::size_t filter_bytes = 0;
  std::vector<ExceptionKey> doubted;
  // Where pages could not be read: each of these may begin one.
  const auto doubt_pages_of_entries = [&](std::size_t from) {
    for (std::size_t i = from; i < entries.size(); ++i) {
      doubted.push_back(entries[i].lower);
      mutator_.marks().add_outdated(entries[i].lower);
    }
  };
  const auto& pages = stored.pages;
  if (salvaged) {
    CAVEAT_ASSIGN(auto first, backend.iterate(Family::primary, nullptr, false));
    first->seek_to_first();
    if (first->valid() && first->key() != encode_key({})) scan.add_missing_first();
  }
  if (pages.empty() || pages.front().lower != ExceptionKey{}) {
    CAVEAT_TRY(scan.add({}, pages.empty() ? std::nullopt : std::optional(pages.front().lower)));
    if (stored.gap_before) doubt_pages_of_entries(0);
  }
  for (std::size_t i = 0; i < pages.size(); ++i) {
    const auto& page = pages[i];
    const auto& lower = page.lower;
    const auto last = i + 1 < pages.size() ? std::optional(pages[i + 1].lower) : std::nullopt;
    auto decoded = stored.believable(page)
                       ? decode_directory_page(page.bytes, filter_bytes + page.bytes.size() <=
                                                               core_.memory.filters_max)
                       : fail(ErrorCode::not_found, "the page is not to be believed");
    const bool clean = decoded && decoded->entries.front().lower == lower && decoded->upper == last;
    if (!clean) {
      const std::size_t before = entries.size();
      CAVEAT_TRY(scan.add(lower, last));
      mutator_.marks().add_outdated(lower);
      if (!stored.marked(page)) doubted.push_back(lower);
      if (page.gap_behind) doubt_pages_of_entries(before);
      continue;
    }
    // A clean page is a group by itself, and stays the page of just that group.
    close_group();
    for (auto& entry : decoded->entries) {
      if (entry.filter) filter_bytes += entry.filter->memory_bytes();
      entries.push_back(std::move(entry));
    }
    close_group();
    mutator_.marks().add_clean(*groups.back(), last);
  }
  close_group();
  if (impossible_id) return fail(ErrorCode::corruption, "directory: impossible partition id");
  if (!groups.empty() && groups.front()->lower() != ExceptionKey{}) {
    return fail(ErrorCode::corruption, "primary: the first partition is missing");
  }
  if (scan.damaged() && CAVEAT_PLANTED(recovery_refuses_damage)) {
    return fail(ErrorCode::corruption, "primary: a block is damaged");
  }
  core_.lost_stretches.insert(scan.lost().begin(), scan.lost().end());
  if (!scan.lost().empty() && !core_.read_only) {
    core_.read_only = StorageError(
        ErrorCode::corruption,
        "the store is open for reading only, because a part of its partitions cannot be read (" +
            scan.lost().front().second.message() +
            "): restore it from a backup, or write what is left into a new one: caveat repair "
            "STORE NEW");
  }
  if (core_.read_only) {
    if (!salvaged) core_.background_errors.notify(*core_.read_only, core_.counters);
  } else {
    CAVEAT_TRY(write_marks(backend, doubted));
  }
  for (const StorageError& error : stored.damage) {
    core_.background_errors.notify(
        error.within("read off the partitions instead, which costs time at each open"),
        core_.counters);
  }
  const auto directory = std::make_shared<const Directory>(std::move(groups));

  // The log: each generation as it was, all of them sealed; the next write begins a new one.
  std::vector<std::shared_ptr<Generation>> generations;  // oldest first
  Sequence last_sequence = core_.superblock.folded_through;
  GenerationId last_generation = core_.superblock.dropped_generation;
  KvBatch strays;  // of no generation, so none takes them along when it is dropped
  KvBatch healed;  // set aside by an earlier open, and read by this one
  const auto kept = set_aside_before(backend);
  CAVEAT_ASSIGN(auto log, backend.iterate(Family::delta, nullptr, true));
  for (log->seek_to_first(); log->valid(); log->next()) {
    const auto decoded_key = log_key(log->key(), last_generation, last_sequence);
    if (!decoded_key) {
      CAVEAT_TRY(set_aside(core_, log->key(), log->value(), decoded_key.error()));
      strays.erase(Family::delta, log->key());
      continue;
    }
    const DeltaRecordKey key = *decoded_key;
    if (key.generation <= core_.superblock.dropped_generation) {
      strays.erase(Family::delta, log->key());  // of a fold whose last batch was torn
      continue;
    }
    last_generation = std::max(last_generation, key.generation);
    if (generations.empty() || generations.back()->id() != key.generation) {
      generations.push_back(std::make_shared<Generation>(key.generation, core_.pool));
    }
    auto replayed = replay_delta_record(key, log->value(), *generations.back());
    if (replayed) {
      last_sequence = std::max(last_sequence, *replayed);
      if (kept.contains(log->key())) healed.erase(Family::meta, set_aside_key(log->key()));
      continue;
    }
    CAVEAT_TRY(set_aside(core_, log->key(), log->value(), replayed.error()));
    // As many as it may have: should a later opening read it, younger writes are still above.
    last_sequence = std::max(last_sequence, key.first_sequence + kDeltaRowsMax);
  }
  CAVEAT_TRY(log->status());
  if (!core_.read_only) {
    if (!strays.empty()) CAVEAT_TRY(backend.write(strays, Durability::wal));
    if (!healed.empty()) CAVEAT_TRY(backend.write(healed, Durability::wal));
  }
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
    if (scan.damaged()) {
      version.index_complete.fill(false);
      // The next open may find the damaged container in a page, under the new id.
      version.index_damaged.fill(!core_.read_only);
    }
  });
  commits_.start(last_sequence + 1, last_generation + 1);
  return {};
}

}  // namespace caveat
