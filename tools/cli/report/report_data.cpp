#include "tools/cli/report/report_data.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/rocksdb/found_tables.h"
#include "engine/encryption/encrypted_backend.h"
#include "engine/partition/container.h"
#include "engine/store/engine.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kTenths = 10;

std::size_t tenth(double share) {
  const double scaled = std::clamp(share, 0.0, 1.0) * kTenths;
  return std::min(static_cast<std::size_t>(scaled), kTenths - 1);
}

// A partition is full at so many records or so many bytes, whichever it reaches first.
std::vector<std::uint64_t> fill_of(std::span<const PartitionInfo> partitions,
                                   const Layout& bounds) {
  std::vector<std::uint64_t> fill(kTenths);
  for (const PartitionInfo& partition : partitions) {
    const double rows = static_cast<double>(partition.rows + partition.run_rows) /
                        static_cast<double>(bounds.partition_records);
    const double bytes =
        static_cast<double>(partition.raw_bytes) / static_cast<double>(bounds.partition_bytes);
    ++fill[tenth(std::max(rows, bytes))];
  }
  return fill;
}

Result<std::vector<std::uint64_t>> age_of(const StorageOptimizer& store,
                                          std::span<const PartitionInfo> partitions,
                                          ProgressSink& progress) {
  const auto now = static_cast<double>(store.engine().core().versions.visible());
  const CompressedExceptionStore blocks(store);
  std::vector<std::uint64_t> age(kTenths);
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    // What cannot be read is told of where its records are counted.
    const auto container = blocks.container(partitions[i].id);
    if (!container) {
      if (container.error().code() == ErrorCode::io_error) return fail(container.error());
      continue;
    }
    const auto layout = parse_container(*container);
    if (!layout || !layout->block) continue;
    const auto header = read_header(*layout->block);
    if (!header) continue;
    ++age[tenth(now == 0 ? 0 : 1 - static_cast<double>(header->as_of) / now)];
    if (i % 256 == 0 && !progress.on_progress({"look at blocks", i, partitions.size()})) {
      return fail(ErrorCode::cancelled, "");
    }
  }
  return age;
}

// Of the directory as it was found: what opening its copy made out of a log is in the log.
std::vector<NamedCount> disk_of(const StorageOptimizer& store, const StatsReport& stats) {
  const Core& core = store.engine().core();
  const auto found = detail::found_table_bytes(core.encrypted == nullptr ? *core.backend
                                                                         : core.encrypted->inner());
  std::vector<NamedCount> parts;
  std::uint64_t known = 0;
  const auto add = [&](const char* name, Family family) {
    const std::uint64_t bytes = found[static_cast<std::size_t>(family)];
    parts.push_back({name, bytes});
    known += bytes;
  };
  add("records", Family::primary);
  add("index by property", Family::property);
  add("index by source", Family::source);
  add("index by confidence", Family::confidence);
  add("index by time", Family::temporal);
  add("recent writes", Family::delta);
  add("names, dictionaries, directory", Family::meta);
  parts.push_back({stats.waiting_rows == 0 ? "logs, and RocksDB's own files"
                                           : "logs with recent writes, and RocksDB's own files",
                   stats.directory_bytes - std::min(stats.directory_bytes, known)});
  return parts;
}

std::string shown_name(const StorageOptimizer& store, PropertyHash hash) {
  const auto name = store.property_name(hash);
  return name ? *name : fmt::format("0x{:016x}", hash);
}

}  // namespace

Result<ReportData> gather_report(const std::string& path, StorageOptimizer& store,
                                 const ReportWishes& wishes, ProgressSink& progress) {
  ReportData data;
  data.store = path;
  data.made_at_ns = system_clock().now_ns();
  data.stats.directory_bytes = directory_bytes(path);
  data.stats.waiting_rows = store.estimate_storage_statistics().delta_rows;
  CAVEAT_ASSIGN(data.stats.storage, store.get_storage_statistics());
  CAVEAT_ASSIGN(data.stats.columns, store.column_statistics());
  CAVEAT_ASSIGN(const auto partitions, CompressedExceptionStore(store).partitions());
  data.fill = fill_of(partitions, store.engine().core().tuning.now()->layout);
  CAVEAT_ASSIGN(data.age, age_of(store, partitions, progress));
  data.disk = disk_of(store, data.stats);
  CAVEAT_ASSIGN(data.census, take_census(store, partitions, progress));
  data.stats.damage = data.census.damage;
  for (const PropertyShare& property : data.census.properties) {
    if (data.property_names.size() == wishes.properties) break;
    data.property_names.push_back({shown_name(store, property.hash), property.records});
  }
  if (wishes.verify) {
    CAVEAT_ASSIGN(data.verified, store.verify(&progress));
  }
  CAVEAT_ASSIGN(data.optimize, try_optimize(data.census, progress));
  CAVEAT_ASSIGN(data.lookups, try_lookups(store, data.census));
  return data;
}

}  // namespace caveat::cli
