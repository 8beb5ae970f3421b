// What a connection gets when it loads caveat_sqlite: the module, the collation of times, and
// functions.
#include <fmt/format.h>

#include <mutex>
#include <new>

#include "adapters/sqlite/columns.h"
#include "adapters/sqlite/sql_value.h"
#include "adapters/sqlite/sqlite_api.h"
#include "adapters/sqlite/table.h"
#include "adapters/sqlite/time_text.h"
#include "caveat/types.h"

SQLITE_EXTENSION_INIT1

namespace caveat::sqlite {
namespace {

int collate_times(void*, int a_bytes, const void* a, int b_bytes, const void* b) {
  return compare_times({static_cast<const char*>(a), static_cast<std::size_t>(a_bytes)},
                       {static_cast<const char*>(b), static_cast<std::size_t>(b_bytes)});
}

// caveat_hash(name): the property_hash of a name.
void hash_of(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const auto hash = hash_property(bytes_of(values[0]));
  sqlite3_result_int64(context, static_cast<sqlite3_int64>(hash));
}

// caveat_time(text): nanoseconds, as in created_at_ns. NULL for what is no time of a record.
void time_to_ns(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
  const auto time = time_of(bytes_of(values[0]));
  if (!time || static_cast<std::int64_t>(*time) != *time) return;
  sqlite3_result_int64(context, static_cast<std::int64_t>(*time));
}

// caveat_time_text(ns): RFC 3339, as in created_at.
void ns_to_time(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_numeric_type(values[0]) != SQLITE_INTEGER) return;
  try {
    std::string text;
    append_time(sqlite3_value_int64(values[0]), text);
    sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  } catch (const std::bad_alloc&) {
    sqlite3_result_error_nomem(context);
  }
}

using Function = void (*)(sqlite3_context*, int, sqlite3_value**);

int add_function(sqlite3* connection, const char* name, Function function) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  return sqlite3_create_function_v2(connection, name, 1, kFlags, nullptr, function, nullptr,
                                    nullptr, nullptr);
}

int register_all(sqlite3* connection) {
  int rc = sqlite3_create_collation_v2(connection, kTimeCollation, SQLITE_UTF8, nullptr,
                                       collate_times, nullptr);
  if (rc == SQLITE_OK) rc = add_function(connection, "caveat_hash", hash_of);
  if (rc == SQLITE_OK) rc = add_function(connection, "caveat_time", time_to_ns);
  if (rc == SQLITE_OK) rc = add_function(connection, "caveat_time_text", ns_to_time);
  if (rc == SQLITE_OK) rc = register_module(connection);
  return rc;
}

}  // namespace
}  // namespace caveat::sqlite

// The name that SQLite makes of caveat_sqlite.so.
extern "C" __attribute__((visibility("default"))) int sqlite3_caveatsqlite_init(
    sqlite3* connection, char** message, const sqlite3_api_routines* api) {
  // Once: connections of other threads read it while this one loads.
  static std::once_flag known;
  std::call_once(known, [api] { SQLITE_EXTENSION_INIT2(api); });
  if (sqlite3_libversion_number() < caveat::sqlite::kSqliteVersionMin) {
    *message = sqlite3_mprintf("caveat_sqlite needs SQLite 3.38 or newer, and this is %s",
                               sqlite3_libversion());
    return SQLITE_ERROR;
  }
  const int rc = caveat::sqlite::register_all(connection);
  // Stores have threads: the library stays when the connection that loaded it goes.
  return rc == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : rc;
}
