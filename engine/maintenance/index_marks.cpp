#include "engine/maintenance/index_marks.h"

#include <vector>

#include "engine/maintenance/publication.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {
std::size_t index_of(Family family) noexcept {
  return static_cast<std::size_t>(family);
}
}  // namespace

bool mark_index_damaged(Core& core, const Version& seen, Family family, const StorageError& error) {
  bool first = false;
  core.versions.update([&](Version& version) {
    const bool same = version.index_era == seen.index_era;
    first = same && version.index_complete[index_of(family)];
    if (!first) return;
    version.index_complete[index_of(family)] = false;
    version.index_damaged[index_of(family)] = true;
  });
  if (first) {
    const StorageError told(
        error.code(),
        "the " + std::string(to_string(family)) +
            " index is damaged and not used until rebuild_indexes has made it anew (" +
            error.message() + ")");
    core.background_errors.notify(told, core.counters);
  }
  return first;
}

bool adopt_index_damage(Core& core, Superblock& superblock) {
  const auto found = core.indexes->take_damage();
  auto version = core.versions.current();
  for (const auto& damage : found) {
    mark_index_damaged(core, *version, damage.family, damage.error);
  }
  if (!found.empty()) version = core.versions.current();
  bool changed = false;
  for (const Family family : kIndexFamilies) {
    if (!version->index_damaged[index_of(family)] && !core.indexes->suspended(family)) continue;
    // Found by an earlier call that had no memory to say so.
    if (version->index_complete[index_of(family)]) {
      mark_index_damaged(core, *version, family, {ErrorCode::corruption, "found before"});
    }
    core.indexes->suspend(family);
    changed = changed || superblock.index_complete[index_of(family)];
    superblock.index_complete[index_of(family)] = false;
  }
  return changed;
}

Result<void> set_index_complete(Core& core, Publication& publication,
                                std::span<const Family> families, bool complete) {
  Superblock superblock = core.superblock;
  for (const Family family : families) superblock.index_complete[index_of(family)] = complete;
  std::string bytes;
  superblock.encode(bytes);
  KvBatch batch;
  batch.put(Family::meta, kSuperblockKey, bytes);
  // Queries that trust the families again must also see them as they are now.
  const std::vector<Family> changed(families.begin(), families.end());
  std::function<void(Version&)> change = [changed, complete,
                                          old = core.versions.current()](Version& version) {
    for (const Family family : changed) {
      version.index_complete[index_of(family)] = complete;
      version.index_damaged[index_of(family)] = false;
    }
    if (complete && CAVEAT_PLANTED(rebuild_shows_old_snapshot)) {
      version.backend_snapshot = old->backend_snapshot;
    }
    if (!complete) version.index_era = std::make_shared<const bool>();
  };
  if (complete || !CAVEAT_PLANTED(rebuild_unmarked)) {
    CAVEAT_TRY(core.backend->write(batch, Durability::wal));
  }
  core.superblock = superblock;
  for (const Family family : families) {
    if (complete) {
      core.indexes->resume(family);
    } else {
      core.indexes->suspend(family);
    }
  }
  return publication.publish(std::move(change));
}

}  // namespace caveat
