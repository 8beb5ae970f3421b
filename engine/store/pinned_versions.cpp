#include "engine/store/pinned_versions.h"

#include <set>
#include <unordered_set>

namespace caveat {

namespace {

// The container that an entry stands for: versions of partitions are not used twice. (A directory
// that once had partitions always has the first.)
bool still_there(const PartitionEntry& entry, const Directory& directory) {
  return directory.at(directory.locate(entry.lower)).version == entry.version;
}

}  // namespace

PinnedVersions measure_pinned(std::span<const std::shared_ptr<const Version>> held,
                              const Version& newest) {
  PinnedVersions pinned;
  pinned.versions = held.size();
  std::set<const void*> seen;  // generations and groups that are the newest's, or counted
  for (const auto& generation : newest.generations) seen.insert(generation.get());
  for (const auto& group : newest.directory->groups()) seen.insert(group.get());
  std::unordered_set<std::uint64_t> containers;
  for (const auto& version : held) {
    for (const auto& generation : version->generations) {
      if (!seen.insert(generation.get()).second) continue;
      pinned.memory_bytes += generation->bytes();
      pinned.stored_bytes += generation->encoded_bytes();
    }
    for (const auto& group : version->directory->groups()) {
      if (!seen.insert(group.get()).second) continue;
      pinned.memory_bytes += sizeof(*group) + group->entries.capacity() * sizeof(PartitionEntry);
      for (const PartitionEntry& entry : group->entries) {
        if (still_there(entry, *newest.directory) || !containers.insert(entry.version).second) {
          continue;
        }
        pinned.stored_bytes += entry.bytes;
        if (entry.filter) pinned.memory_bytes += entry.filter->memory_bytes();
      }
    }
  }
  return pinned;
}

}  // namespace caveat
