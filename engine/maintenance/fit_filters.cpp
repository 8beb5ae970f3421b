// Key filters within their part of the memory budget.
//
// A host asks mostly for what is not there, and a filter saves each such question a block's read
// and decode: a byte of a filter is worth more than a byte of the block cache. So filters of large
// stores take from it; then they are halved, one after the other, and at last there are partitions
// without (docs/decisions/0114).
#include <algorithm>

#include "engine/maintenance/mutator.h"

namespace caveat {

namespace {

// More than needed at once, so that it is not done after each fold.
constexpr std::size_t kShareGivenBack = 8;

}  // namespace

void Mutator::fit_filters() {
  const auto version = core_.versions.current();
  if (!version) return;
  const Directory& directory = *version->directory;
  const MemoryPlan& plan = core_.memory;
  std::size_t bytes = directory.filter_bytes();
  if (bytes > plan.filters_max) {
    const std::size_t goal = plan.filters_max - plan.filters_max / kShareGivenBack;
    DirectoryEditor editor(directory);
    for (auto p = directory.begin(); p != directory.end() && bytes > goal; p = directory.next(p)) {
      PartitionEntry entry = directory.at(p);
      if (!entry.filter || !entry.filter->can_be_halved()) continue;
      const std::size_t before = entry.filter->memory_bytes();
      entry.filter = make_lasting<KeyFilter>(entry.filter->halved());
      bytes -= before - entry.filter->memory_bytes();
      marks_.improve(entry.lower);  // or the pages would give the larger ones back
      editor.replace(entry.lower, directory.upper_bound(p), {entry});
    }
    auto fitting = editor.finish();
    if (bytes > plan.filters_max) fitting = without_last_filters(*fitting, plan.filters_max);
    core_.versions.update([&](Version& changed) { changed.directory = fitting; });
    bytes = core_.versions.current()->directory->filter_bytes();
  }
  core_.directory_bytes.store(bytes + core_.versions.current()->directory->memory_bytes(),
                              std::memory_order_relaxed);
  const std::size_t taken = bytes - std::min(bytes, plan.filters);
  core_.block_cache.set_capacity(plan.block_cache - std::min(plan.block_cache, taken));
}

// Of what cannot be halved any more the last in key order go.
std::shared_ptr<const Directory> Mutator::without_last_filters(const Directory& directory,
                                                               std::size_t bytes_max) {
  std::size_t bytes = directory.filter_bytes();
  std::vector<PartitionEntry> bare;
  for (auto p = directory.end(); p != directory.begin() && bytes > bytes_max;) {
    p = directory.prev(p);
    PartitionEntry entry = directory.at(p);
    if (!entry.filter) continue;
    bytes -= std::min(bytes, entry.filter->memory_bytes());
    entry.filter.reset();
    marks_.improve(entry.lower);
    bare.push_back(std::move(entry));
  }
  DirectoryEditor editor(directory);
  for (auto entry = bare.rbegin(); entry != bare.rend(); ++entry) {
    const auto upper = directory.upper_bound(directory.locate(entry->lower));
    editor.replace(entry->lower, upper, {*entry});
  }
  return editor.finish();
}

}  // namespace caveat
