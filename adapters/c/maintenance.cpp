// Long operations, with progress.
#include <algorithm>

#include "adapters/c/handles.h"
#include "adapters/c/host_progress.h"
#include "adapters/c/json_out.h"
#include "adapters/c/sized.h"
#include "adapters/c/string_out.h"

using namespace caveat;
using namespace caveat::c;

namespace {

// Checks the store and the results, and runs `work` with what reports progress, or null.
template <class Results, class Work>
caveat_code run(const caveat_store* store, caveat_progress progress, void* context,
                const Results* results, std::size_t first_bytes, const char* name,
                caveat_error** error, Work&& work) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    if (results != nullptr) CAVEAT_TRY(check_size(results, first_bytes, name));
    HostProgress sink(progress, context);
    return work(*opened, sink.sink());
  });
}

}  // namespace

caveat_code caveat_optimize_storage(caveat_store* store, caveat_progress progress, void* context,
                                    caveat_optimization* results, caveat_error** error) {
  constexpr auto first_bytes = offsetof(caveat_optimization, duration_ns) + sizeof(uint64_t);
  return run(store, progress, context, results, first_bytes, "caveat_optimization", error,
             [&](StorageOptimizer& opened, ProgressSink* sink) -> Result<void> {
               CAVEAT_ASSIGN(const auto did, opened.optimize_storage(sink));
               if (results == nullptr) return {};
               caveat_optimization made{};
               made.partitions_rewritten = did.partitions_rewritten;
               made.partitions_split = did.partitions_split;
               made.partitions_joined = did.partitions_joined;
               made.hints_removed = did.hints_removed;
               made.indexes_rebuilt = did.indexes_rebuilt;
               made.dictionaries_trained = did.dictionaries_trained;
               made.bytes_before = did.bytes_before;
               made.bytes_after = did.bytes_after;
               made.duration_ns = did.duration_ns;
               made.partitions_skipped = did.partitions_skipped;
               write_sized(made, results);
               return {};
             });
}

caveat_code caveat_compact_storage(caveat_store* store, caveat_progress progress, void* context,
                                   caveat_compaction* results, caveat_error** error) {
  constexpr auto first_bytes = offsetof(caveat_compaction, duration_ns) + sizeof(uint64_t);
  return run(store, progress, context, results, first_bytes, "caveat_compaction", error,
             [&](StorageOptimizer& opened, ProgressSink* sink) -> Result<void> {
               CAVEAT_ASSIGN(const auto did, opened.compact_storage(sink));
               if (results == nullptr) return {};
               caveat_compaction made{};
               made.disk_bytes_before = did.disk_bytes_before;
               made.disk_bytes_after = did.disk_bytes_after;
               made.bytes_reclaimed = did.bytes_reclaimed;
               made.duration_ns = did.duration_ns;
               write_sized(made, results);
               return {};
             });
}

caveat_code caveat_rebuild_indexes(caveat_store* store, caveat_progress progress, void* context,
                                   caveat_error** error) {
  constexpr const caveat_compaction* none = nullptr;
  return run(
      store, progress, context, none, 0, "", error,
      [&](StorageOptimizer& opened, ProgressSink* sink) { return opened.rebuild_indexes(sink); });
}

caveat_code caveat_forget_lost_writes(caveat_store* store, uint64_t* forgotten,
                                      caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const std::size_t count, opened->forget_lost_writes());
    if (forgotten != nullptr) *forgotten = count;
    return {};
  });
}

caveat_code caveat_verify(const caveat_store* store, caveat_progress progress, void* context,
                          caveat_verification* results, caveat_string* report_json,
                          caveat_error** error) {
  constexpr auto first_bytes = offsetof(caveat_verification, incomplete_indexes) + sizeof(uint64_t);
  return run(store, progress, context, results, first_bytes, "caveat_verification", error,
             [&](const StorageOptimizer& opened, ProgressSink* sink) -> Result<void> {
               CAVEAT_ASSIGN(const auto found, opened.verify(sink));
               if (report_json != nullptr) *report_json = object_of(found);
               if (results == nullptr) return {};
               caveat_verification made{};
               made.sound = found.sound() ? 1 : 0;
               made.partitions = found.partitions;
               made.records = found.records;
               made.delta_records = found.delta_records;
               made.index_pairs = found.index_pairs;
               made.stale_hints = found.stale_hints;
               made.missing_hints = found.missing_hints;
               made.error_count = found.error_count;
               made.incomplete_indexes = found.incomplete_indexes.size();
               write_sized(made, results);
               return {};
             });
}
