// The virtual table: the module that SQLite knows as "caveat".
#pragma once

struct sqlite3;

namespace caveat::sqlite {

// One of SQLite's result codes.
[[nodiscard]] int register_module(sqlite3* connection);

}  // namespace caveat::sqlite
