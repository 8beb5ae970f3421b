// SQLite without memory: each of its allocations fails in turn.
#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <string>

namespace {

long left = -1;  // allocations until one fails; below 0: none does
bool fell_short = false;
sqlite3_mem_methods own{};

bool fails() {
  if (left != 0) {
    if (left > 0) --left;
    return false;
  }
  fell_short = true;
  left = -1;
  return true;
}
void* failing_malloc(int bytes) {
  return fails() ? nullptr : own.xMalloc(bytes);
}
void* failing_realloc(void* memory, int bytes) {
  return fails() ? nullptr : own.xRealloc(memory, bytes);
}

// SQLite's memory comes from here while one lives; no connection is open before and behind.
class FailingMemory {
 public:
  FailingMemory() {
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own);
    sqlite3_mem_methods failing = own;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    REQUIRE(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK);
    sqlite3_initialize();
  }
  ~FailingMemory() {
    left = -1;
    sqlite3_shutdown();
    sqlite3_config(SQLITE_CONFIG_MALLOC, &own);
    sqlite3_initialize();
  }
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;
};

int count(sqlite3* db, const char* sql, int& rows) {
  sqlite3_stmt* statement = nullptr;
  int rc = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  rows = 0;
  if (rc == SQLITE_OK) {
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) ++rows;
  }
  sqlite3_finalize(statement);
  return rc;
}

}  // namespace

// A list that could not be copied ended the process.
TEST_CASE("a query without memory says so, and is right with it again", "[regression]") {
  const FailingMemory memory;
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(":memory:", &db) == SQLITE_OK);
  sqlite3_enable_load_extension(db, 1);
  REQUIRE(sqlite3_load_extension(db, CAVEAT_SQLITE, nullptr, nullptr) == SQLITE_OK);
  const auto run = [&](const char* sql) {
    return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  REQUIRE(run("CREATE VIRTUAL TABLE e USING caveat(':memory:sqlite-memory')"));
  REQUIRE(
      run("INSERT INTO e(node, property, actual) VALUES (1, 'a', 0), (2, 'a', 0), "
          "(3, 'another property', 'a text')"));
  const char* const queries[] = {
      "SELECT * FROM e WHERE property IN ('a', 'b', 'a name that no small place has room for')",
      "SELECT * FROM e WHERE node IN (1, 2, 3) AND source IN ('explicit', 'inferred')",
      "SELECT key FROM e WHERE node = 3 AND property = 'another property'",
  };
  for (const char* const sql : queries) {
    INFO(sql);
    int wanted = 0;
    REQUIRE(count(db, sql, wanted) == SQLITE_DONE);
    const auto used = sqlite3_memory_used();
    int refusals = 0;
    for (long n = 0;; ++n) {
      REQUIRE(n < 5000);
      left = n;
      fell_short = false;
      int rows = 0;
      const int rc = count(db, sql, rows);
      left = -1;
      if (!fell_short) break;
      if (rc == SQLITE_DONE) {  // SQLite can do without some
        REQUIRE(rows == wanted);
      } else {
        REQUIRE(rc == SQLITE_NOMEM);
        ++refusals;
      }
      REQUIRE(count(db, sql, rows) == SQLITE_DONE);
      REQUIRE(rows == wanted);
    }
    CHECK(refusals > 10);
    CHECK(sqlite3_memory_used() <= used + 4096);  // (it keeps some places for later)
  }
  CHECK(sqlite3_close(db) == SQLITE_OK);
}
