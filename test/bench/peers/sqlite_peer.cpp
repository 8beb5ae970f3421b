// SQLite: one WITHOUT ROWID table and four indexes, WAL, synchronous=NORMAL, prepared statements.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "test/bench/contract/peer.h"

namespace peers {
namespace {

class SqlitePeer : public Peer {
 public:
  explicit SqlitePeer(bool late_index = false) : late_(late_index) {}
  ~SqlitePeer() override { close(); }
  Caps caps() const override {
    Caps c;
    c.load_only = late_;
    return c;
  }
  std::string version() const override { return std::string("sqlite ") + sqlite3_libversion(); }

  void open(const std::string& dir, const Options& opt) override {
    path_ = dir + "/db.sqlite";
    batch_ = size_t(opt.num("load_batch", 10000));
    check(sqlite3_open_v2(path_.c_str(), &db_,
                          SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                          nullptr));
    exec("PRAGMA page_size=" + std::to_string(opt.num("sqlite.page_size", 4096)));
    exec("PRAGMA journal_mode=WAL");
    exec("PRAGMA synchronous=NORMAL");
    exec("PRAGMA temp_store=MEMORY");
    exec("PRAGMA cache_size=-" + std::to_string(opt.num("sqlite.cache_mb", 64) * 1024));
    exec("PRAGMA mmap_size=" + std::to_string(opt.num("sqlite.mmap_mb", 0) << 20));
    exec(
        "CREATE TABLE IF NOT EXISTS ex(node INTEGER NOT NULL, prop INTEGER NOT NULL, source "
        "INTEGER NOT NULL,"
        " confidence REAL NOT NULL, created_at INTEGER NOT NULL, inherited BLOB NOT NULL, actual "
        "BLOB NOT NULL,"
        " reason TEXT NOT NULL, PRIMARY KEY(node,prop)) WITHOUT ROWID");
    if (!late_) indexes();
    const std::string cols =
        "SELECT node,prop,source,confidence,created_at,inherited,actual,reason FROM ex";
    get_ = prep(cols + " WHERE node=?1 AND prop=?2");
    node_ = prep(cols + " WHERE node=?1");
    prop_ = prep(cols + " WHERE prop=?1 LIMIT ?2");
    source_ = prep(cols + " WHERE source=?1 LIMIT ?2");
    conf_ = prep(cols + " WHERE confidence BETWEEN ?1 AND ?2 LIMIT ?3");
    time_ = prep(cols + " WHERE created_at BETWEEN ?1 AND ?2 LIMIT ?3");
    all_ = prep(cols);
    ups_ = prep(
        "INSERT INTO ex(node,prop,source,confidence,created_at,inherited,actual,reason)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(node,prop) DO UPDATE SET "
        "source=excluded.source,"
        " confidence=excluded.confidence, created_at=excluded.created_at, "
        "inherited=excluded.inherited,"
        " actual=excluded.actual, reason=excluded.reason");
    del_ = prep("DELETE FROM ex WHERE node=?1 AND prop=?2");
    begin_ = prep("BEGIN IMMEDIATE");
    commit_ = prep("COMMIT");
  }
  void close() override {
    if (!db_) return;
    for (auto* s : stmts_) sqlite3_finalize(s);
    stmts_.clear();
    if (sqlite3_close(db_) != SQLITE_OK) throw std::runtime_error("sqlite: close");
    db_ = nullptr;
  }
  void bulk_load(std::span<const Record> recs) override {
    for (size_t i = 0; i < recs.size(); i += batch_)
      upsert_batch(recs.subspan(i, std::min(batch_, recs.size() - i)));
    if (late_) indexes();
    // synchronous=NORMAL does not sync the WAL at commit: do it here (no lock lives on the -wal
    // file)
    int fd = ::open((path_ + "-wal").c_str(), O_RDONLY);
    if (fd >= 0) {
      fsync(fd);
      ::close(fd);
    }
  }
  void compact() override {
    exec("PRAGMA wal_checkpoint(TRUNCATE)");
    exec("VACUUM");
    exec("ANALYZE");
    exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  bool get(const Key& k, Sink& out) override {
    sqlite3_bind_int64(get_, 1, int64_t(k.node));
    sqlite3_bind_int64(get_, 2, int64_t(k.prop));
    return rows(get_, out) > 0;
  }
  void scan_node(uint64_t node, Sink& out) override {
    sqlite3_bind_int64(node_, 1, int64_t(node));
    rows(node_, out);
  }
  void by_property(const Prop& p, size_t limit, Sink& out) override {
    sqlite3_bind_int64(prop_, 1, int64_t(p.hash));
    sqlite3_bind_int64(prop_, 2, lim(limit));
    rows(prop_, out);
  }
  void by_source(uint8_t s, size_t limit, Sink& out) override {
    sqlite3_bind_int64(source_, 1, s);
    sqlite3_bind_int64(source_, 2, lim(limit));
    rows(source_, out);
  }
  void by_confidence(float lo, float hi, size_t limit, Sink& out) override {
    sqlite3_bind_double(conf_, 1, lo);
    sqlite3_bind_double(conf_, 2, hi);
    sqlite3_bind_int64(conf_, 3, lim(limit));
    rows(conf_, out);
  }
  void by_time(int64_t lo, int64_t hi, size_t limit, Sink& out) override {
    sqlite3_bind_int64(time_, 1, lo);
    sqlite3_bind_int64(time_, 2, hi);
    sqlite3_bind_int64(time_, 3, lim(limit));
    rows(time_, out);
  }
  void scan_all(Sink& out) override { rows(all_, out); }
  void upsert_batch(std::span<const Record> recs) override {
    const bool txn = recs.size() > 1;  // one statement is its own transaction
    if (txn) step(begin_);
    try {
      for (const Record& r : recs) {
        sqlite3_bind_int64(ups_, 1, int64_t(r.node));
        sqlite3_bind_int64(ups_, 2, int64_t(r.prop));
        sqlite3_bind_int64(ups_, 3, r.source);
        sqlite3_bind_double(ups_, 4, r.confidence);
        sqlite3_bind_int64(ups_, 5, r.created_ns);
        sqlite3_bind_blob(ups_, 6, r.inherited.data(), int(r.inherited.size()), SQLITE_STATIC);
        sqlite3_bind_blob(ups_, 7, r.actual.data(), int(r.actual.size()), SQLITE_STATIC);
        sqlite3_bind_text(ups_, 8, r.reason.data() ? r.reason.data() : "", int(r.reason.size()),
                          SQLITE_STATIC);
        step(ups_);
      }
    } catch (...) {
      if (txn) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
      throw;
    }
    if (txn) step(commit_);
  }
  bool erase(const Key& k) override {
    sqlite3_bind_int64(del_, 1, int64_t(k.node));
    sqlite3_bind_int64(del_, 2, int64_t(k.prop));
    step(del_);
    return sqlite3_changes(db_) > 0;
  }

 private:
  static int64_t lim(size_t l) { return l == kNoLimit ? -1 : int64_t(l); }
  void check(int rc) {
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
      throw std::runtime_error(std::string("sqlite: ") + (db_ ? sqlite3_errmsg(db_) : "error"));
  }
  void exec(const std::string& q) {
    check(sqlite3_exec(db_, q.c_str(), nullptr, nullptr, nullptr));
  }
  void indexes() {
    exec("CREATE INDEX IF NOT EXISTS ex_prop ON ex(prop)");
    exec("CREATE INDEX IF NOT EXISTS ex_source ON ex(source)");
    exec("CREATE INDEX IF NOT EXISTS ex_conf ON ex(confidence)");
    exec("CREATE INDEX IF NOT EXISTS ex_time ON ex(created_at)");
  }
  sqlite3_stmt* prep(const std::string& q) {
    sqlite3_stmt* s = nullptr;
    check(sqlite3_prepare_v3(db_, q.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr));
    stmts_.push_back(s);
    return s;
  }
  void step(sqlite3_stmt* s) {
    int rc = sqlite3_step(s);
    int rc2 = sqlite3_reset(s);
    check(rc);
    check(rc2);
  }
  static std::string_view blob(sqlite3_stmt* s, int c) {
    auto* p = static_cast<const char*>(sqlite3_column_blob(s, c));
    return {p, size_t(sqlite3_column_bytes(s, c))};
  }
  size_t rows(sqlite3_stmt* s, Sink& out) {
    size_t n = 0;
    int rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
      RecordView r;
      r.node = uint64_t(sqlite3_column_int64(s, 0));
      r.prop = uint64_t(sqlite3_column_int64(s, 1));
      r.source = uint8_t(sqlite3_column_int(s, 2));
      r.confidence = float(sqlite3_column_double(s, 3));
      r.created_ns = sqlite3_column_int64(s, 4);
      r.inherited = blob(s, 5);
      r.actual = blob(s, 6);
      auto* t = reinterpret_cast<const char*>(sqlite3_column_text(s, 7));
      r.reason = {t, size_t(sqlite3_column_bytes(s, 7))};
      out.add(r);
      ++n;
    }
    sqlite3_reset(s);
    check(rc);
    return n;
  }

  bool late_;
  std::string path_;
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> stmts_;
  sqlite3_stmt *get_{}, *node_{}, *prop_{}, *source_{}, *conf_{}, *time_{}, *all_{}, *ups_{},
      *del_{}, *begin_{}, *commit_{};
  size_t batch_ = 10000;
};
PEER_REGISTER("sqlite", SqlitePeer)
PEER_REGISTER("sqlite_lateindex", SqlitePeer, true)
}  // namespace
}  // namespace peers
