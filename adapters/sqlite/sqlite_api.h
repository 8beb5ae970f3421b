// SQLite's functions, as a loadable extension calls them: through the table that the host hands in.
#pragma once

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

namespace caveat::sqlite {

// sqlite3_vtab_in and sqlite3_vtab_rhs_value came with it.
inline constexpr int kSqliteVersionMin = 3'038'000;

}  // namespace caveat::sqlite
