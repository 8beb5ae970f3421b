// The planner's side of a table: which of SQL's conditions, orders and limits a scan takes over.
#pragma once

#include "adapters/sqlite/shared_store.h"
#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {

// Fills in the outputs of `info`. SQLITE_OK or SQLITE_NOMEM.
[[nodiscard]] int plan_scan(sqlite3_index_info& info, SharedStore::Size size);

}  // namespace caveat::sqlite
