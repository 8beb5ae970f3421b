// rebuild_indexes: the four secondary families from the primary.
//
// First every family is marked incomplete, in the superblock and in the version, so that queries
// visit all partitions meanwhile; then each family is written anew; then the marks go.
#include <algorithm>

#include "engine/maintenance/mutator.h"
#include "engine/maintenance/partition_hints.h"
#include "engine/partition/container.h"

namespace caveat {

namespace {

Result<void> set_complete(Core& core, bool complete) {
  Superblock superblock = core.superblock;
  for (const Family family : kIndexFamilies) {
    superblock.index_complete[static_cast<std::size_t>(family)] = complete;
  }
  std::string bytes;
  superblock.encode(bytes);
  KvBatch batch;
  batch.put(Family::meta, kSuperblockKey, bytes);
  CAVEAT_TRY(core.backend->write(batch, Durability::wal));
  core.superblock = superblock;
  // Queries that trust the families again must also see them as they are now.
  CAVEAT_ASSIGN(auto snapshot, core.backend->snapshot());
  core.versions.update([&](Version& version) {
    version.index_complete = superblock.index_complete;
    version.backend_snapshot = snapshot;
  });
  return {};
}

// The hints of all partitions, by family; partitions that cannot be read are named.
Result<void> collect_pairs(const Core& core, ProgressSink* progress,
                           std::array<std::vector<PostingPair>, kIndexCount>& pairs) {
  const auto version = core.versions.current();
  const Directory& directory = *version->directory;
  HintBuilder builder(core.indexes->rules());
  std::string container;
  std::uint64_t done = 0;
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p), ++done) {
    const PartitionEntry& entry = directory.at(p);
    if (progress != nullptr && done % 64 == 0 &&
        !progress->on_progress({"rebuild indexes", done, directory.partition_count()})) {
      return fail(
          ErrorCode::cancelled,
          "rebuild: stopped by its caller; queries visit all partitions until the next one");
    }
    const auto within = [&](const StorageError& error) {
      return fail(error.within("primary " + describe_key(entry.lower)));
    };
    CAVEAT_ASSIGN(const bool found,
                  core.backend->get(Family::primary, encode_key(entry.lower), nullptr, container));
    if (!found) return within({ErrorCode::corruption, "the container is missing"});
    auto image = PartitionImage::open(container, entry.lower, directory.upper_bound(p),
                                      core.dictionaries, core.catalogue);
    if (!image) return within(image.error());
    if (auto loaded = (*image)->load(kAllColumns); !loaded) return within(loaded.error());
    auto hints = hints_of(**image, builder, core.catalogue);
    if (!hints) return within(hints.error());
    for (std::size_t family = 0; family < kIndexCount; ++family) {
      for (const auto term : hints->terms[family]) pairs[family].push_back({term, entry.id});
    }
  }
  return {};
}

}  // namespace

Result<void> Mutator::rebuild_indexes(ProgressSink* progress) {
  CAVEAT_TRY(fold_all());
  const std::lock_guard lock(mutex_);
  if (!core_.versions.current()) return fail(ErrorCode::closed, "the store is closed");
  CAVEAT_TRY(set_complete(core_, false));
  std::array<std::vector<PostingPair>, kIndexCount> pairs;
  CAVEAT_TRY(collect_pairs(core_, progress, pairs));
  for (std::size_t i = 0; i < kIndexCount; ++i) {
    std::sort(pairs[i].begin(), pairs[i].end());
    auto next = pairs[i].begin();
    CAVEAT_TRY(core_.indexes->build(
        kIndexFamilies[i],
        [&](PostingPair& pair) -> Result<bool> {
          if (next == pairs[i].end()) return false;
          pair = *next++;
          return true;
        },
        [&](const KvBatch& batch) { return core_.backend->write(batch, Durability::wal); }));
    pairs[i] = {};
  }
  return set_complete(core_, true);
}

}  // namespace caveat
