// rebuild_indexes: secondary families from the primary.
//
// First all partitions are read. Where one cannot be, the indexes stay as they are: a complete one
// knows from before what that partition holds, and none that is made now would.
//
// Then the families are marked incomplete, in the superblock and in the version, so that queries
// visit all partitions meanwhile; then each is written anew; then the marks go. What is in a family
// that was incomplete before is never read: it may be damaged.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>

#include "engine/maintenance/index_marks.h"
#include "engine/maintenance/mutator.h"
#include "engine/maintenance/partition_hints.h"
#include "engine/partition/container.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

constexpr auto kReadersWait = std::chrono::seconds(2);

using Pairs = std::array<std::vector<PostingPair>, kIndexCount>;

// The hints of one partition, of the families asked for.
Result<void> add_pairs(const Core& core, const PartitionEntry& entry,
                       const std::optional<ExceptionKey>& upper, std::span<const Family> families,
                       HintBuilder& builder, Pairs& pairs) {
  std::string container;
  CAVEAT_ASSIGN(const bool found,
                core.backend->get(Family::primary, encode_key(entry.lower), nullptr, container));
  if (!found) return fail(ErrorCode::corruption, "the container is missing");
  CAVEAT_ASSIGN(const auto image, PartitionImage::open(std::move(container), entry.lower, upper,
                                                       core.dictionaries, core.catalogue));
  CAVEAT_TRY(image->load(kAllColumns));
  CAVEAT_ASSIGN(const auto hints, hints_of(*image, builder, core.catalogue));
  for (const Family family : families) {
    const auto slot = index_slot(family);
    for (const auto term : hints.terms[slot]) pairs[slot].push_back({term, entry.id});
  }
  return {};
}

// The hints of all partitions; those that cannot be read are each told to `unreadable`.
Result<void> collect_pairs(const Core& core, ProgressSink* progress,
                           std::span<const Family> families, Pairs& pairs,
                           const std::function<void(const StorageError&)>& unreadable) {
  const auto version = core.versions.current();
  const Directory& directory = *version->directory;
  HintBuilder builder(core.indexes->rules());
  std::uint64_t done = 0;
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p), ++done) {
    const PartitionEntry& entry = directory.at(p);
    if (progress != nullptr && done % 64 == 0 &&
        !progress->on_progress({"rebuild indexes", done, directory.partition_count()})) {
      return fail(ErrorCode::cancelled,
                  "rebuild: stopped by its caller; the indexes are as they were");
    }
    const auto added = add_pairs(core, entry, directory.upper_bound(p), families, builder, pairs);
    if (added) continue;
    const StorageError error = added.error().within("primary " + describe_key(entry.lower));
    if (!is_damage(error.code())) return fail(error);
    unreadable(error);
  }
  return {};
}

// Waits until no version of before the mark is left. Those that nobody looks at go with the next
// version.
bool readers_are_gone(Core& core, const std::weak_ptr<const bool>& era) {
  const auto until = std::chrono::steady_clock::now() + kReadersWait;
  for (;;) {
    core.versions.update([](Version&) {});
    if (era.expired()) return true;
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

// What the backend found, marked. Of families that are being made anew it found it in what is gone:
// they are incomplete, and stay as they are.
void Mutator::mark_found_by_backend() {
  const auto version = core_.versions.current();
  for (const auto& [family, error] : queue_.take_damaged()) {
    if (version) mark_index_damaged(core_, *version, family, error);
  }
}

Result<void> Mutator::build_families(std::span<const Family> families, ProgressSink* progress) {
  mark_found_by_backend();
  std::array<bool, kIndexCount> suspect{};
  {
    const auto version = core_.versions.current();
    if (!version) return closed_error();
    for (const Family family : kIndexFamilies) {
      const auto at = static_cast<std::size_t>(family);
      suspect[index_slot(family)] = !version->index_complete[at];
      // Where it was incomplete from the start of this era, only those of earlier ones read it.
      if (version->index_complete[at] || version->index_damaged[at]) {
        last_read_[index_slot(family)] = version->index_era;
      }
    }
  }
  Pairs pairs;
  std::optional<StorageError> unreadable;
  std::size_t count = 0;
  CAVEAT_TRY(collect_pairs(core_, progress, families, pairs, [&](const StorageError& error) {
    core_.background_errors.notify(error, core_.counters);
    if (!unreadable) unreadable = error;
    ++count;
  }));
  if (unreadable) {
    return fail(unreadable->within(fmt::format(
        "rebuild: the indexes stay as they are, because {} of the partitions cannot be read; "
        "caveat repair STORE NEW writes all others into a new store, with indexes",
        count)));
  }
  CAVEAT_TRY(set_index_complete(core_, publication_, families, false));
  const auto commit = [&](const KvBatch& batch) {
    CAVEAT_SYNC_POINT(rebuild_writing);
    return core_.backend->write(batch, Durability::wal);
  };
  std::uint64_t done = 0;
  for (const Family family : families) {
    if (progress != nullptr && !progress->on_progress({"write indexes", done++, families.size()})) {
      return fail(
          ErrorCode::cancelled,
          "rebuild: stopped by its caller; queries visit all partitions until the next one");
    }
    auto& mine = pairs[index_slot(family)];
    std::sort(mine.begin(), mine.end());
    const auto build = [&](IndexManager::Erase erase) {
      auto next = mine.begin();
      return core_.indexes->build(
          family,
          [&](PostingPair& pair) -> Result<bool> {
            if (next == mine.end()) return false;
            pair = *next++;
            return true;
          },
          commit, erase);
    };
    bool blindly = suspect[index_slot(family)];
    if (!blindly) {
      const auto built = build(IndexManager::Erase::by_key);
      if (!built && built.error().code() != ErrorCode::corruption) return built;
      blindly = !built;
    }
    if (blindly) {
      if (!readers_are_gone(core_, last_read_[index_slot(family)])) {
        return fail(ErrorCode::busy,
                    "rebuild: the " + std::string(to_string(family)) +
                        " index was damaged or is incomplete, and snapshots or cursors from before "
                        "are open; close them and repeat");
      }
      CAVEAT_TRY(build(IndexManager::Erase::blindly));
      mark_found_by_backend();
    }
    mine = {};
  }
  return set_index_complete(core_, publication_, families, true);
}

Result<void> Mutator::rebuild_indexes(ProgressSink* progress) {
  CAVEAT_TRY(fold_all());
  CAVEAT_ASSIGN(const auto lock, begin_step());
  return build_families(kIndexFamilies, progress);
}

// What a damage or a rebuild that was cut short has left.
Result<std::size_t> Mutator::rebuild_incomplete(ProgressSink* progress) {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  std::vector<Family> families;
  {
    const auto version = core_.versions.current();
    if (!version) return closed_error();
    for (const Family family : kIndexFamilies) {
      if (!version->index_complete[static_cast<std::size_t>(family)]) families.push_back(family);
    }
  }
  if (families.empty()) return std::size_t{0};
  CAVEAT_TRY(build_families(families, progress));
  return families.size();
}

Result<bool> Mutator::settle_indexes() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  return settle_indexes_locked();
}

Result<bool> Mutator::settle_indexes_locked() {
  if (!core_.versions.current()) return false;
  mark_found_by_backend();
  Superblock superblock = core_.superblock;
  if (!adopt_index_damage(core_, superblock)) return false;
  std::string bytes;
  superblock.encode(bytes);
  KvBatch batch;
  batch.put(Family::meta, kSuperblockKey, bytes);
  CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
  core_.superblock = superblock;
  return true;
}

}  // namespace caveat
