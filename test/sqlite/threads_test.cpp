// Connections in several threads on one store: turns of writers, readers beside them.
#include <sqlite3.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

// A connection with a table on the store that all of a test share.
class Connection {
 public:
  explicit Connection(const std::string& store) {
    sqlite3_open(":memory:", &db_);
    sqlite3_busy_timeout(db_, 60'000);
    sqlite3_enable_load_extension(db_, 1);
    good_ = sqlite3_load_extension(db_, CAVEAT_SQLITE, nullptr, nullptr) == SQLITE_OK &&
            run("CREATE VIRTUAL TABLE e USING caveat('" + store + "')");
  }
  ~Connection() { sqlite3_close(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool run(const std::string& sql) {
    return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK;
  }
  std::int64_t number(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    std::int64_t result = -1;
    if (sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      result = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return result;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  sqlite3* db_ = nullptr;
  bool good_ = false;
};

}  // namespace

TEST_CASE("threads that write take turns, and readers see whole transactions", "[threads]") {
  const std::string store = ":memory:threads";
  Connection first(store);
  REQUIRE(first.good());
  REQUIRE(first.run("INSERT INTO e(node, property, actual) VALUES (1, 'a', 0), (2, 'a', 0)"));
  constexpr int kWriters = 3;
  constexpr int kRounds = 40;
  std::atomic<int> failed = 0;
  std::atomic<int> writing = kWriters;
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&] {
      Connection own(store);
      for (int round = 0; round < kRounds && own.good(); ++round) {
        // Two statements of one transaction: nobody may come in between, nor see the first alone.
        if (!own.run("BEGIN; UPDATE e SET actual = actual + 1 WHERE node = 1;"
                     "UPDATE e SET actual = actual + 1 WHERE node = 2; COMMIT")) {
          ++failed;
        }
      }
      if (!own.good()) ++failed;
      --writing;
    });
  }
  threads.emplace_back([&] {
    Connection own(store);
    while (writing > 0 && own.good()) {
      if (own.number("SELECT max(actual) - min(actual) FROM e") != 0) ++failed;
      if (own.number("SELECT count(*) FROM e WHERE property = 'a'") != 2) ++failed;
    }
  });
  for (auto& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(first.number("SELECT sum(actual) FROM e") == 2 * kWriters * kRounds);
}

TEST_CASE("a store in memory is made and closed by many threads at once", "[threads]") {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        Connection own(":memory:short");
        if (own.run("INSERT INTO e(node, property) VALUES (1, 'p')") &&
            own.number("SELECT count(*) FROM e") == 1) {
          ++good;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == 20);
}
