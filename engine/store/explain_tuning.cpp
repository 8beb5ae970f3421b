// What is in force, why, and what of it is stored: from the blocks' headers and the live figures.
#include <fmt/format.h>

#include <map>

#include "caveat/storage_optimizer.h"
#include "engine/partition/container.h"
#include "engine/store/engine.h"
#include "engine/tuning/explain.h"

namespace caveat {

namespace {

std::string mib_text(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / static_cast<double>(kMiB));
}

// The codecs' names are short for what lies behind their numbers.
std::string codec_name(const Core& core, CodecId id) {
  const auto codec = core.codecs.find(id);
  return codec ? std::string((*codec)->name()) : fmt::format("codec {}", id);
}

void count_blocks(const Core& core, const Version& version, TuningExplanation& explained) {
  std::map<CodecId, std::uint64_t> codecs;
  std::string container;
  const Directory& directory = *version.directory;
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p)) {
    const auto found = core.backend->get(Family::primary, encode_key(directory.at(p).lower),
                                         version.backend_snapshot.get(), container);
    if (!found || !*found) continue;
    const auto layout = parse_container(container);
    if (!layout || !layout->block) continue;
    const auto header = read_header(*layout->block);
    if (!header) continue;
    ++explained.partitions;
    explained.rows += header->row_count;
    if (header->dictionary_id != 0) ++explained.with_dictionary;
    ++codecs[header->codec_id];
  }
  for (const auto& [id, blocks] : codecs)
    explained.codecs.emplace_back(codec_name(core, id), blocks);
}

TunedOption posting_granularity(const StorageStatistics& s) {
  std::uint64_t containers = 0;
  std::uint64_t bytes = 0;
  std::uint64_t pairs = 0;
  for (const auto& index : s.indexes) {
    if (index.name == "primary") continue;
    containers += index.containers;
    bytes += index.bytes;
    pairs += index.pairs;
  }
  TunedOption option{"index containers", std::to_string(containers), ChosenBy::store, {}, {}};
  option.why = "each is split as it grows beyond 12 KiB or 12,288 pairs, and joined below 2 KiB";
  if (containers != 0) {
    option.why += fmt::format(": {} pairs and {} bytes in each, on average", pairs / containers,
                              bytes / containers);
  }
  return option;
}

TunedOption filters(const Version& version, const MemoryPlan& plan, const StorageStatistics& s) {
  std::uint64_t rows = 0;
  std::uint64_t without = 0;
  for (const auto& group : version.directory->groups()) {
    for (const auto& entry : group->entries) {
      rows += entry.rows;
      if (!entry.filter) ++without;
    }
  }
  TunedOption option{"key filters", mib_text(s.filter_bytes), ChosenBy::store, {}, {}};
  option.why = fmt::format("an eighth of the budget ({}), then from the decoded blocks up to {}",
                           mib_text(plan.filters), mib_text(plan.filters_max));
  if (rows != 0) {
    option.why += fmt::format(": {:.2f} bytes a record",
                              static_cast<double>(s.filter_bytes) / static_cast<double>(rows));
  }
  if (s.filter_bytes > plan.filters) {
    option.why += fmt::format(", of which {} are the decoded blocks'",
                              mib_text(s.filter_bytes - plan.filters));
  }
  if (without != 0)
    option.why += fmt::format(
        "; {} none", without == 1 ? "1 partition has" : fmt::format("{} partitions have", without));
  return option;
}

TunedOption cache_split(const Core& core, const StorageStatistics& s) {
  const MemoryPlan& plan = core.memory;
  TunedOption option;
  option.option = "cache_bytes";
  const std::size_t all =
      plan.block_cache + plan.record_cache + plan.index_cache + plan.candidate_cache;
  option.value = mib_text(all);
  const bool by_host = core.options.cache_bytes != 0;
  option.chosen_by = by_host ? ChosenBy::host : ChosenBy::defaults;
  option.why = fmt::format(
      "{}; an eighth for hot records ({} hits, {} held), a sixteenth for index containers, half of "
      "that for candidates, the rest for decoded blocks ({} now; {} hits, {} held)",
      by_host ? "set by the host" : "a quarter of the budget", s.record_cache.hits,
      mib_text(s.record_cache.bytes), mib_text(s.block_cache.capacity_bytes), s.block_cache.hits,
      mib_text(s.block_cache.bytes));
  return option;
}

}  // namespace

Result<TuningExplanation> StorageOptimizer::explain_tuning() const {
  const Core& core = engine_->core();
  const auto view = core.versions.view();
  if (!view->version) return closed_error();
  const Version& version = *view->version;
  const StorageStatistics s = engine_->estimate_statistics();
  TuningExplanation explained;
  count_blocks(core, version, explained);
  explained.options =
      explain_layout(*core.tuning.now(), core.options, explained.rows, core.tuning.damage);
  explained.options.push_back(posting_granularity(s));
  explained.options.push_back(filters(version, core.memory, s));
  explained.options.push_back(cache_split(core, s));
  return explained;
}

}  // namespace caveat
