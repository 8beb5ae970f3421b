// DuckDB over its C API, with and without ART indexes. compact() rewrites the table ordered by
// (node, prop) into a fresh file, which is what gives its zone maps and its compression something
// to work with.
#include <duckdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "test/bench/contract/peer.h"

namespace peers {
namespace {

const char* kCols = "node,prop,inherited,actual,reason,source,created_at,confidence";
const char* kOnConflict =
    " ON CONFLICT (node, prop) DO UPDATE SET inherited=excluded.inherited, actual=excluded.actual, "
    "reason=excluded.reason,"
    " source=excluded.source, created_at=excluded.created_at, confidence=excluded.confidence";

class DuckPeer : public Peer {
 public:
  explicit DuckPeer(bool indexes) : idx_(indexes) {}
  ~DuckPeer() override { close(); }
  std::string version() const override { return std::string("duckdb ") + duckdb_library_version(); }

  void open(const std::string& dir, const Options& opt) override {
    dir_ = dir;
    opt_ = opt;
    path_ = dir + "/db.duckdb";
    struct stat st;
    const bool fresh = stat(path_.c_str(), &st) != 0;
    open_file(path_);
    if (fresh) create("");
    prepare_all();
  }
  void close() override {
    if (!db_) return;
    for (auto* s : stmts_) duckdb_destroy_prepare(s);
    stmts_.clear();
    duckdb_disconnect(&con_);
    duckdb_close(&db_);
    db_ = nullptr;
  }
  void bulk_load(std::span<const Record> recs) override {
    append("ex", recs);
    exec("CHECKPOINT");
  }
  void compact() override {
    const std::string tmp = dir_ + "/compact.duckdb";
    unlink(tmp.c_str());
    exec("CHECKPOINT");
    exec("ATTACH '" + tmp + "' AS fresh");
    create_table("fresh.");
    exec(std::string("INSERT INTO fresh.ex SELECT ") + kCols + " FROM ex ORDER BY node, prop");
    create_indexes("fresh.");
    exec("CHECKPOINT fresh");
    exec("DETACH fresh");
    close();
    unlink((path_ + ".wal").c_str());
    if (rename(tmp.c_str(), path_.c_str())) throw std::runtime_error("duckdb: rename");
    unlink((tmp + ".wal").c_str());
    open(dir_, Options(opt_));
  }

  bool get(const Key& k, Sink& out) override {
    duckdb_bind_uint64(get_, 1, k.node);
    duckdb_bind_uint64(get_, 2, k.prop);
    return rows(get_, out) > 0;
  }
  void scan_node(uint64_t node, Sink& out) override {
    duckdb_bind_uint64(node_, 1, node);
    rows(node_, out);
  }
  void by_property(const Prop& p, size_t limit, Sink& out) override {
    duckdb_bind_uint64(prop_, 1, p.hash);
    duckdb_bind_int64(prop_, 2, lim(limit));
    rows(prop_, out);
  }
  void by_source(uint8_t s, size_t limit, Sink& out) override {
    duckdb_bind_uint8(source_, 1, s);
    duckdb_bind_int64(source_, 2, lim(limit));
    rows(source_, out);
  }
  void by_confidence(float lo, float hi, size_t limit, Sink& out) override {
    duckdb_bind_float(conf_, 1, lo);
    duckdb_bind_float(conf_, 2, hi);
    duckdb_bind_int64(conf_, 3, lim(limit));
    rows(conf_, out);
  }
  void by_time(int64_t lo, int64_t hi, size_t limit, Sink& out) override {
    duckdb_bind_int64(time_, 1, lo);
    duckdb_bind_int64(time_, 2, hi);
    duckdb_bind_int64(time_, 3, lim(limit));
    rows(time_, out);
  }
  void scan_all(Sink& out) override { rows(all_, out, true); }

  void upsert_batch(std::span<const Record> recs) override {
    if (recs.size() > 16) return upsert_staged(recs);
    const bool txn = recs.size() > 1 || !idx_;
    if (txn) exec("BEGIN TRANSACTION");
    try {
      for (const Record& r : recs) {
        if (!idx_) {
          duckdb_bind_uint64(del_, 1, r.node);
          duckdb_bind_uint64(del_, 2, r.prop);
          run(del_);
        }
        duckdb_bind_uint64(ups_, 1, r.node);
        duckdb_bind_uint64(ups_, 2, r.prop);
        duckdb_bind_blob(ups_, 3, r.inherited.data(), r.inherited.size());
        duckdb_bind_blob(ups_, 4, r.actual.data(), r.actual.size());
        duckdb_bind_varchar_length(ups_, 5, r.reason.data() ? r.reason.data() : "",
                                   r.reason.size());
        duckdb_bind_uint8(ups_, 6, r.source);
        duckdb_bind_int64(ups_, 7, r.created_ns);
        duckdb_bind_float(ups_, 8, r.confidence);
        run(ups_);
      }
    } catch (...) {
      if (txn) exec("ROLLBACK");
      throw;
    }
    if (txn) exec("COMMIT");
  }
  bool erase(const Key& k) override {
    duckdb_bind_uint64(del_, 1, k.node);
    duckdb_bind_uint64(del_, 2, k.prop);
    return run(del_) > 0;
  }

 private:
  // The way DuckDB likes batches: into a temporary table, then set-wise.
  void upsert_staged(std::span<const Record> recs) {
    exec(
        "CREATE TEMP TABLE IF NOT EXISTS stage(node UBIGINT, prop UBIGINT, inherited BLOB, actual "
        "BLOB, reason VARCHAR,"
        " source UTINYINT, created_at BIGINT, confidence FLOAT)");
    exec("TRUNCATE stage");
    append("stage", recs);
    const std::string ins =
        std::string("INSERT INTO ex(") + kCols + ") SELECT " + kCols + " FROM stage";
    if (idx_) return exec(ins + kOnConflict);
    exec("BEGIN TRANSACTION");
    try {
      exec("DELETE FROM ex USING stage WHERE ex.node=stage.node AND ex.prop=stage.prop");
      exec(ins);
    } catch (...) {
      exec("ROLLBACK");
      throw;
    }
    exec("COMMIT");
  }
  void append(const char* table, std::span<const Record> recs) {
    duckdb_appender a;
    if (duckdb_appender_create(con_, nullptr, table, &a) != DuckDBSuccess)
      throw std::runtime_error("duckdb: appender");
    for (const Record& r : recs) {
      duckdb_append_uint64(a, r.node);
      duckdb_append_uint64(a, r.prop);
      duckdb_append_blob(a, r.inherited.data(), r.inherited.size());
      duckdb_append_blob(a, r.actual.data(), r.actual.size());
      duckdb_append_varchar_length(a, r.reason.data() ? r.reason.data() : "", r.reason.size());
      duckdb_append_uint8(a, r.source);
      duckdb_append_int64(a, r.created_ns);
      duckdb_append_float(a, r.confidence);
      if (duckdb_appender_end_row(a) != DuckDBSuccess)
        throw std::runtime_error(std::string("duckdb: append: ") + duckdb_appender_error(a));
    }
    if (duckdb_appender_close(a) != DuckDBSuccess)
      throw std::runtime_error(std::string("duckdb: appender close: ") + duckdb_appender_error(a));
    duckdb_appender_destroy(&a);
  }
  static int64_t lim(size_t l) { return l == kNoLimit ? INT64_MAX : int64_t(l); }
  void open_file(const std::string& p) {
    char* err = nullptr;
    duckdb_config cfg;
    duckdb_create_config(&cfg);
    duckdb_set_config(cfg, "threads", std::to_string(opt_.num("duckdb.threads", 2)).c_str());
    if (opt_.kv.count("duckdb.memory_limit"))
      duckdb_set_config(cfg, "memory_limit", opt_.kv["duckdb.memory_limit"].c_str());
    if (duckdb_open_ext(p.c_str(), &db_, cfg, &err) != DuckDBSuccess) {
      db_ = nullptr;
      throw std::runtime_error(std::string("duckdb: open: ") + (err ? err : ""));
    }
    duckdb_destroy_config(&cfg);
    duckdb_connect(db_, &con_);
  }
  void create_table(const std::string& cat) {
    exec("CREATE TABLE " + cat +
         "ex(node UBIGINT NOT NULL, prop UBIGINT NOT NULL, inherited BLOB NOT NULL,"
         " actual BLOB NOT NULL, reason VARCHAR NOT NULL, source UTINYINT NOT NULL, created_at "
         "BIGINT NOT NULL,"
         " confidence FLOAT NOT NULL" +
         (idx_ ? ", PRIMARY KEY(node, prop))" : ")"));
  }
  void create_indexes(const std::string& cat) {
    if (!idx_) return;
    // Scans use single-column indexes only, hence one on node besides the primary key; none on
    // source: DuckDB never takes an index for a predicate that matches so many rows.
    exec("CREATE INDEX ex_node ON " + cat + "ex(node)");
    exec("CREATE INDEX ex_prop ON " + cat + "ex(prop)");
    exec("CREATE INDEX ex_conf ON " + cat + "ex(confidence)");
    exec("CREATE INDEX ex_time ON " + cat + "ex(created_at)");
  }
  void create(const std::string& cat) {
    create_table(cat);
    create_indexes(cat);
  }
  void prepare_all() {
    const std::string sel = std::string("SELECT ") + kCols + " FROM ex";
    prep(get_, sel + " WHERE node=? AND prop=?");
    prep(node_, sel + " WHERE node=?");
    prep(prop_, sel + " WHERE prop=? LIMIT ?");
    prep(source_, sel + " WHERE source=? LIMIT ?");
    prep(conf_, sel + " WHERE confidence>=? AND confidence<=? LIMIT ?");
    prep(time_, sel + " WHERE created_at>=? AND created_at<=? LIMIT ?");
    prep(all_, sel);
    std::string ins = std::string("INSERT INTO ex(") + kCols + ") VALUES (?,?,?,?,?,?,?,?)";
    if (idx_) ins += kOnConflict;
    prep(ups_, ins);
    prep(del_, "DELETE FROM ex WHERE node=? AND prop=?");
  }
  void prep(duckdb_prepared_statement& s, const std::string& q) {
    if (duckdb_prepare(con_, q.c_str(), &s) != DuckDBSuccess)
      throw std::runtime_error(std::string("duckdb: prepare: ") + duckdb_prepare_error(s));
    stmts_.push_back(&s);
  }
  void exec(const std::string& q) {
    duckdb_result r;
    bool ok = duckdb_query(con_, q.c_str(), &r) == DuckDBSuccess;
    std::string e = ok ? "" : std::string("duckdb: ") + q + ": " + duckdb_result_error(&r);
    duckdb_destroy_result(&r);
    if (!ok) throw std::runtime_error(e);
  }
  uint64_t run(duckdb_prepared_statement s) {
    duckdb_result r;
    bool ok = duckdb_execute_prepared(s, &r) == DuckDBSuccess;
    std::string e = ok ? "" : std::string("duckdb: ") + duckdb_result_error(&r);
    uint64_t n = ok ? duckdb_rows_changed(&r) : 0;
    duckdb_destroy_result(&r);
    if (!ok) throw std::runtime_error(e);
    return n;
  }
  static std::string_view sv(const duckdb_string_t& s) {
    return s.value.inlined.length <= 12
               ? std::string_view(s.value.inlined.inlined, s.value.inlined.length)
               : std::string_view(s.value.pointer.ptr, s.value.pointer.length);
  }
  size_t rows(duckdb_prepared_statement s, Sink& out, bool stream = false) {
    duckdb_result res;
    auto rc =
        stream ? duckdb_execute_prepared_streaming(s, &res) : duckdb_execute_prepared(s, &res);
    if (rc != DuckDBSuccess) {
      std::string e = std::string("duckdb: ") + duckdb_result_error(&res);
      duckdb_destroy_result(&res);
      throw std::runtime_error(e);
    }
    size_t total = 0;
    while (duckdb_data_chunk c = duckdb_fetch_chunk(res)) {
      idx_t n = duckdb_data_chunk_get_size(c);
      auto col = [&](int i) {
        return duckdb_vector_get_data(duckdb_data_chunk_get_vector(c, idx_t(i)));
      };
      auto* node = static_cast<uint64_t*>(col(0));
      auto* prop = static_cast<uint64_t*>(col(1));
      auto* inh = static_cast<duckdb_string_t*>(col(2));
      auto* act = static_cast<duckdb_string_t*>(col(3));
      auto* rea = static_cast<duckdb_string_t*>(col(4));
      auto* src = static_cast<uint8_t*>(col(5));
      auto* tim = static_cast<int64_t*>(col(6));
      auto* con = static_cast<float*>(col(7));
      for (idx_t i = 0; i < n; ++i) {
        RecordView r;
        r.node = node[i], r.prop = prop[i], r.inherited = sv(inh[i]), r.actual = sv(act[i]),
        r.reason = sv(rea[i]);
        r.source = src[i], r.created_ns = tim[i], r.confidence = con[i];
        out.add(r);
      }
      total += n;
      duckdb_destroy_data_chunk(&c);
      if (!n) break;
    }
    duckdb_destroy_result(&res);
    return total;
  }

  bool idx_;
  Options opt_;
  std::string dir_, path_;
  duckdb_database db_ = nullptr;
  duckdb_connection con_ = nullptr;
  std::vector<duckdb_prepared_statement*> stmts_;
  duckdb_prepared_statement get_{}, node_{}, prop_{}, source_{}, conf_{}, time_{}, all_{}, ups_{},
      del_{};
};
PEER_REGISTER("duckdb", DuckPeer, false)
PEER_REGISTER("duckdb_indexed", DuckPeer, true)
}  // namespace
}  // namespace peers
