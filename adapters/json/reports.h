// What the engine says of itself, as JSON: the same for programs that call the library and for
// those that read the tool's --json. Fields have the names of the public headers. Each writes into
// an object that is open.
#pragma once

#include <span>
#include <vector>

#include "adapters/json/json_writer.h"
#include "caveat/encryption.h"
#include "caveat/index_manager.h"
#include "caveat/query.h"
#include "caveat/statistics.h"
#include "caveat/storage_optimizer.h"

namespace caveat::json {

void write(const StorageStatistics& statistics, JsonWriter& json);
void write_columns(const std::vector<ColumnStatistics>& columns, JsonWriter& json);
void write_families(const KvProperties& backend, JsonWriter& json);
void write_keys(const std::vector<KeyUsage>& keys, JsonWriter& json);
void write(const TuningExplanation& explained, JsonWriter& json);
void write(const QueryPlan& plan, JsonWriter& json);
void write(const VerificationResults& found, JsonWriter& json);

}  // namespace caveat::json
