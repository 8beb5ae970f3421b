// What a store says about itself: the figures that most hosts watch, and all of them as JSON.
#include <algorithm>

#include "adapters/c/handles.h"
#include "adapters/c/json_out.h"
#include "adapters/c/record_in.h"
#include "adapters/c/sized.h"
#include "adapters/c/string_out.h"

using namespace caveat;
using namespace caveat::c;

namespace {

Result<StorageStatistics> statistics_of(const caveat_store* store, bool exact) {
  CAVEAT_ASSIGN(auto* const opened, store_of(store));
  CAVEAT_TRY(still_open(*opened));
  if (exact) return opened->get_storage_statistics();
  return opened->estimate_storage_statistics();
}

}  // namespace

caveat_code caveat_statistics_get(caveat_store* store, int32_t exact, caveat_statistics* statistics,
                                  caveat_error** error) {
  constexpr auto first_bytes = offsetof(caveat_statistics, background_errors) + sizeof(uint64_t);
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(statistics, "statistics"));
    CAVEAT_TRY(check_size(statistics, first_bytes, "caveat_statistics"));
    CAVEAT_ASSIGN(const auto s, statistics_of(store, exact != 0));
    caveat_statistics made{};
    made.exceptions = s.total_exceptions;
    made.exceptions_min = s.total_exceptions_min;
    made.exceptions_max = s.total_exceptions_max;
    made.properties = s.total_properties;
    made.partitions = s.partitions;
    made.delta_rows = s.delta_rows;
    made.uncompressed_bytes = s.compression.uncompressed_bytes;
    made.compressed_bytes = s.compression.compressed_bytes;
    made.disk_bytes = s.backend.total_disk_bytes;
    made.memory_bytes = s.memory_bytes;
    made.memory_budget_bytes = s.memory_budget_bytes;
    made.reads = s.reads;
    made.read_misses = s.read_misses;
    made.writes = s.writes;
    made.open_views = s.open_views;
    made.background_errors = s.background_errors;
    write_sized(made, statistics);
    return {};
  });
}

caveat_code caveat_statistics_json(caveat_store* store, int32_t exact, caveat_string* out,
                                   caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(out, "json"));
    CAVEAT_ASSIGN(const auto statistics, statistics_of(store, exact != 0));
    json::JsonWriter text;
    text.begin_object();
    json::write(statistics, text);
    text.field("read_only_reason", statistics.read_only_reason);
    if (exact != 0) {
      CAVEAT_ASSIGN(const auto columns, store->shared->column_statistics());
      json::write_columns(columns, text);
      CAVEAT_ASSIGN(const auto explained, store->shared->explain_tuning());
      text.begin_object("tuning");
      json::write(explained, text);
      text.end_object();
    }
    text.end_object();
    *out = copy_of(text.written());
    return {};
  });
}

caveat_code caveat_key_usage(const caveat_store* store, caveat_key_use* uses, size_t room,
                             size_t* count, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(count, "count"));
    CAVEAT_TRY(check_array(uses, room, sizeof(caveat_key_use), "uses"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto found, opened->key_usage());
    *count = found.size();
    for (std::size_t i = 0; i < std::min(room, found.size()); ++i) {
      uses[i] = {found[i].key_id, found[i].current ? 1U : 0U, found[i].values, found[i].bytes};
    }
    return {};
  });
}

caveat_code caveat_metrics(const caveat_store* store, caveat_string* text, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(text, "text"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    *text = copy_of(opened->metrics());
    return {};
  });
}
