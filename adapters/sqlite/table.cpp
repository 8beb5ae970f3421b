#include "adapters/sqlite/table.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <span>

#include "adapters/sqlite/columns.h"
#include "adapters/sqlite/planner.h"
#include "adapters/sqlite/row_writer.h"
#include "adapters/sqlite/scan.h"
#include "adapters/sqlite/sqlite_api.h"
#include "adapters/sqlite/time_text.h"

namespace caveat::sqlite {
namespace {

// What the module keeps for a connection: its sessions, one a store.
class Connection {
 public:
  explicit Connection(sqlite3* connection) noexcept : connection_(connection) {}

  std::shared_ptr<Session> session(const std::shared_ptr<SharedStore>& store) {
    std::erase_if(sessions_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = sessions_[store.get()];
    auto session = known.lock();
    if (session == nullptr) {
      session = std::make_shared<Session>(connection_, store);
      known = session;
    }
    return session;
  }

  // The store of a table, open until the table is dropped or the connection closed. SQLite lets go
  // of tables now and then (a statement that fails to change the schema is enough) and connects
  // again.
  SqlResult<std::shared_ptr<SharedStore>> store(const std::string& table,
                                                const TableArguments& arguments, bool may_make) {
    if (may_make) stores_.erase(table);  // what had this name has another, or is no more
    const auto known = stores_.find(table);
    if (known != stores_.end()) return known->second.store;
    CAVEAT_ASSIGN(auto opened, SharedStore::open(arguments, may_make));
    stores_[table] = {opened, ++tables_};
    return opened;
  }
  void drop(const std::string& table) {
    const auto known = stores_.find(table);
    if (known == stores_.end()) return;
    std::erase_if(stores_, [number = known->second.table](const auto& entry) {
      return entry.second.table == number;
    });
  }
  // It stays under its former name as well: if the transaction is rolled back, of which nobody
  // tells, that is its name again, and a store in memory has its rows there alone.
  void rename(const std::string& from, const std::string& to) {
    const auto known = stores_.find(from);
    if (known != stores_.end()) stores_[to] = Known(known->second);
  }

 private:
  struct Known {
    std::shared_ptr<SharedStore> store;
    std::uint64_t table = 0;  // the same under each name that it has had
  };

  sqlite3* connection_;
  std::map<SharedStore*, std::weak_ptr<Session>> sessions_;
  std::map<std::string, Known> stores_;
  std::uint64_t tables_ = 0;
};

struct Table : sqlite3_vtab {
  sqlite3* connection;
  Connection* known;
  std::string schema;
  std::string name;
  std::string store_argument;
  std::shared_ptr<Session> session;
  bool read_only;
  bool checked_inserts;
  bool in_transaction;  // SQLite will tell of its end
};

// Confidences repeat, and their texts cost.
class ShownConfidences {
 public:
  double operator()(float stored) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(stored);
    auto& entry = entries_[(bits * 0x9E3779B1U) >> 26];
    if (!entry.used || entry.stored != stored) entry = {true, stored, shown_confidence(stored)};
    return entry.shown;
  }

 private:
  struct Entry {
    bool used = false;
    float stored = 0;
    double shown = 0;
  };
  std::array<Entry, 64> entries_;
};

struct TableCursor : sqlite3_vtab_cursor {
  const char* plan_text = nullptr;  // of `plan`: a statement's text stays where it is
  ScanPlan plan;
  std::unique_ptr<Scan> scan;
  ShownConfidences confidences;
  std::string text;
};

Table& table_of(sqlite3_vtab* table) noexcept {
  return *static_cast<Table*>(table);
}
TableCursor& cursor_of(sqlite3_vtab_cursor* cursor) noexcept {
  return *static_cast<TableCursor*>(cursor);
}

void put_message(char*& place, const std::string& message) noexcept {
  sqlite3_free(place);
  place = sqlite3_mprintf("%s", message.c_str());
}

// Runs a method of ours for SQLite: errors become its codes, and no exception leaves.
template <class Function>
int guarded(char*& message, Function&& function) noexcept {
  try {
    const SqlResult<void> done = function();
    if (done) return SQLITE_OK;
    put_message(message, done.error().message);
    return done.error().code;
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const std::exception& error) {
    sqlite3_free(message);
    message = sqlite3_mprintf("caveat: %s", error.what());
    return SQLITE_INTERNAL;
  }
}
template <class Function>
int guarded(sqlite3_vtab* table, Function&& function) noexcept {
  return guarded(table->zErrMsg, std::forward<Function>(function));
}

// --- Tables --------------------------------------------------------------------------------------

std::string key_of_table(const Table& table, std::string_view name) {
  return fmt::format("{}.{} {}", table.schema, name, table.store_argument);
}

SqlResult<void> make_table(sqlite3* connection, Connection& known,
                           std::span<const char* const> arguments, bool may_make,
                           sqlite3_vtab*& out) {
  constexpr std::size_t kOwnArguments = 3;  // of SQLite: module, schema, table
  CAVEAT_ASSIGN(const auto parsed, parse_arguments(arguments.subspan(kOwnArguments)));
  auto table = std::make_unique<Table>();
  table->connection = connection;
  table->known = &known;
  table->schema = arguments[1];
  table->name = arguments[2];
  table->store_argument = parsed.store;
  table->read_only = parsed.access == Access::read;
  table->checked_inserts = parsed.checked_inserts;
  CAVEAT_ASSIGN(const auto store, known.store(key_of_table(*table, table->name), parsed, may_make));
  table->session = known.session(store);
  if (parsed.durability) table->session->use_durability(*parsed.durability);
  int rc = sqlite3_declare_vtab(connection, kDeclaration);
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(connection, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  if (rc != SQLITE_OK) return sql_fail(rc, sqlite3_errmsg(connection));
  out = table.release();
  return {};
}

int make(sqlite3* connection, void* known, int count, const char* const* arguments,
         sqlite3_vtab** out, char** message, bool may_make) {
  return guarded(*message, [&] {
    return make_table(connection, *static_cast<Connection*>(known),
                      std::span(arguments, static_cast<std::size_t>(count)), may_make, *out);
  });
}
int create_table(sqlite3* connection, void* known, int count, const char* const* arguments,
                 sqlite3_vtab** out, char** message) {
  return make(connection, known, count, arguments, out, message, true);
}
// A database that is opened again finds its store or says so, and makes no new one.
int connect_table(sqlite3* connection, void* known, int count, const char* const* arguments,
                  sqlite3_vtab** out, char** message) {
  return make(connection, known, count, arguments, out, message, false);
}
int disconnect(sqlite3_vtab* table) {
  delete static_cast<Table*>(table);
  return SQLITE_OK;
}
// DROP TABLE: what is in the store stays, and is the store's. SQLite tells a table that is gone
// nothing any more, neither that its transaction is committed nor that it is rolled back: so one
// that has begun ends first.
int destroy(sqlite3_vtab* base) {
  if (table_of(base).in_transaction) return SQLITE_LOCKED;  // it says so in words of its own
  return guarded(base, [&]() -> SqlResult<void> {
    auto& table = table_of(base);
    table.known->drop(key_of_table(table, table.name));
    delete &table;
    return {};
  });
}

int best_index(sqlite3_vtab* table, sqlite3_index_info* info) {
  int rc = SQLITE_OK;
  const int guard = guarded(table, [&]() -> SqlResult<void> {
    rc = plan_scan(*info, table_of(table).session->store().size());
    return {};
  });
  return guard != SQLITE_OK ? guard : rc;
}

int rename(sqlite3_vtab* base, const char* name) {
  return guarded(base, [&]() -> SqlResult<void> {
    auto& table = table_of(base);
    table.known->rename(key_of_table(table, table.name), key_of_table(table, name));
    table.name = name;
    return {};
  });
}

// --- Cursors -------------------------------------------------------------------------------------

int open_cursor(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  return guarded(table, [&]() -> SqlResult<void> {
    *out = std::make_unique<TableCursor>().release();
    return {};
  });
}
int close_cursor(sqlite3_vtab_cursor* cursor) {
  delete static_cast<TableCursor*>(cursor);
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* base, int, const char* plan_text, int count,
           sqlite3_value** values) {
  return guarded(base->pVtab, [&]() -> SqlResult<void> {
    auto& cursor = cursor_of(base);
    cursor.scan.reset();
    if (cursor.plan_text != plan_text) {
      cursor.plan = ScanPlan::parse(plan_text);
      cursor.plan_text = plan_text;
    }
    CAVEAT_ASSIGN(cursor.scan,
                  Scan::open(cursor.plan, std::span(values, static_cast<std::size_t>(count)),
                             *table_of(base->pVtab).session));
    return cursor.scan->next();
  });
}
int next(sqlite3_vtab_cursor* cursor) {
  return guarded(cursor->pVtab, [&] { return cursor_of(cursor).scan->next(); });
}
int at_end(sqlite3_vtab_cursor* cursor) {
  return cursor_of(cursor).scan->at_end() ? 1 : 0;
}

void show(TableCursor& cursor, const ExceptionView& row, Column column, sqlite3_context* context) {
  switch (column) {
    case Column::node:
      return sqlite3_result_int64(context, static_cast<sqlite3_int64>(row.key.node_id));
    case Column::property: {
      const auto* name = table_of(cursor.pVtab).session->property_name(row.key.property_hash);
      if (name == nullptr) return;
      const auto size = name->bytes.size();
      // A session lasts longer than any statement, so what it keeps need not be copied.
      const auto copied = name->kept ? SQLITE_STATIC : SQLITE_TRANSIENT;
      if (name->is_text) {
        return sqlite3_result_text64(context, name->bytes.data(), size, copied, SQLITE_UTF8);
      }
      return sqlite3_result_blob64(context, name->bytes.data(), size, copied);
    }
    case Column::property_hash:
      return sqlite3_result_int64(context, static_cast<sqlite3_int64>(row.key.property_hash));
    case Column::inherited:
      return show_value(row.inherited_value, context);
    case Column::actual:
      return show_value(row.actual_value, context);
    case Column::reason:
      return show_bytes(row.reason, context);
    case Column::source: {
      const auto name = to_string(row.source);
      return sqlite3_result_text(context, name.data(), static_cast<int>(name.size()),
                                 SQLITE_STATIC);
    }
    case Column::created_at:
      cursor.text.clear();
      append_time(row.created_at, cursor.text);
      return sqlite3_result_text(context, cursor.text.data(), static_cast<int>(cursor.text.size()),
                                 SQLITE_TRANSIENT);
    case Column::confidence:
      return sqlite3_result_double(context, cursor.confidences(row.confidence));
    case Column::created_at_ns:
      return sqlite3_result_int64(context, row.created_at);
    case Column::inherited_type:
    case Column::actual_type: {
      const auto& value = column == Column::inherited_type ? row.inherited_value : row.actual_value;
      const auto name = type_name(value.kind());
      return sqlite3_result_text(context, name.data(), static_cast<int>(name.size()),
                                 SQLITE_STATIC);
    }
    case Column::key: {
      const auto bytes = bytes_of_key(row.key);
      return sqlite3_result_blob(context, bytes.data(), static_cast<int>(bytes.size()),
                                 SQLITE_TRANSIENT);
    }
  }
}

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* context, int number) {
  // What an UPDATE does not set is not read, and so kept as it is stored.
  if (sqlite3_vtab_nochange(context) != 0) return SQLITE_OK;
  return guarded(cursor->pVtab, [&]() -> SqlResult<void> {
    auto& ours = cursor_of(cursor);
    CAVEAT_ASSIGN(const auto* row, ours.scan->row());
    show(ours, *row, static_cast<Column>(number), context);
    return {};
  });
}

// --- Writing -------------------------------------------------------------------------------------

int update(sqlite3_vtab* base, int count, sqlite3_value** values, sqlite3_int64*) {
  auto& table = table_of(base);
  return guarded(base, [&]() -> SqlResult<void> {
    RowWriter writer(*table.session, table.checked_inserts ? Conflict::fail : Conflict::replace);
    const auto all = std::span(values, static_cast<std::size_t>(count));
    if (count == 1) return writer.remove(all[0]);
    constexpr std::size_t kKeys = 2;  // the old one and the new one stand before the columns
    const int conflict = sqlite3_vtab_on_conflict(table.connection);
    if (sqlite3_value_type(all[0]) == SQLITE_NULL) {
      return writer.insert(all.subspan(kKeys), conflict);
    }
    return writer.update(all[0], all.subspan(kKeys), conflict);
  });
}

int begin(sqlite3_vtab* base) {
  return guarded(base, [&]() -> SqlResult<void> {
    auto& table = table_of(base);
    if (!table.read_only) {
      CAVEAT_TRY(table.session->begin());
      table.in_transaction = true;
      return {};
    }
    return sql_fail(SQLITE_READONLY, fmt::format("{}: the table was made with mode=ro",
                                                 table.session->store().name()));
  });
}
int sync(sqlite3_vtab* table) {
  return guarded(table, [&] { return table_of(table).session->sync(); });
}
int end(sqlite3_vtab* base) {
  auto& table = table_of(base);
  table.session->end();
  table.in_transaction = false;
  return SQLITE_OK;
}
int savepoint(sqlite3_vtab* table, int depth) {
  return guarded(table, [&]() -> SqlResult<void> {
    table_of(table).session->savepoint(depth);
    return {};
  });
}
int release(sqlite3_vtab* table, int depth) {
  table_of(table).session->release(depth);
  return SQLITE_OK;
}
int rollback_to(sqlite3_vtab* table, int depth) {
  return guarded(table, [&]() -> SqlResult<void> {
    table_of(table).session->rollback_to(depth);
    return {};
  });
}

constexpr sqlite3_module kModule = {
    2,  // with savepoints
    create_table,
    connect_table,
    best_index,
    disconnect,
    destroy,
    open_cursor,
    close_cursor,
    filter,
    next,
    at_end,
    column,
    nullptr,  // there are no rowids
    update,
    begin,
    sync,
    end,
    end,
    nullptr,
    rename,
    savepoint,
    release,
    rollback_to,
    nullptr,
};

}  // namespace

int register_module(sqlite3* connection) {
  auto* known = new (std::nothrow) Connection(connection);
  if (known == nullptr) return SQLITE_NOMEM;
  return sqlite3_create_module_v2(connection, "caveat", &kModule, known,
                                  [](void* gone) { delete static_cast<Connection*>(gone); });
}

}  // namespace caveat::sqlite
