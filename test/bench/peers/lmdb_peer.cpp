// LMDB: five DBIs, plain byte keys, synchronous commits of 10k records for the load.
#include <lmdb.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "test/bench/peers/key_value.h"

namespace peers {
namespace {
using namespace kv;

void check(int rc) {
  if (rc) throw std::runtime_error(std::string("lmdb: ") + mdb_strerror(rc));
}
MDB_val mv(const SKey& k) {
  return {k.len, const_cast<char*>(k.buf)};
}

class LmdbPeer : public Peer {
 public:
  ~LmdbPeer() override { close(); }
  std::string version() const override {
    int a, b, c;
    mdb_version(&a, &b, &c);
    return "lmdb " + std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
  }
  void open(const std::string& dir, const Options& opt) override {
    dir_ = dir;
    opt_ = opt;
    batch_ = size_t(opt.num("load_batch", 10000));
    check(mdb_env_create(&env_));
    check(mdb_env_set_maxdbs(env_, 8));
    check(mdb_env_set_mapsize(env_, size_t(opt.num("lmdb.map_gb", 64)) << 30));
    unsigned flags = opt.num("lmdb.nordahead", 0) ? MDB_NORDAHEAD : 0;
    check(mdb_env_open(env_, dir.c_str(), flags, 0644));
    MDB_txn* t;
    check(mdb_txn_begin(env_, nullptr, 0, &t));
    static const char* names[] = {"primary", "property", "source", "confidence", "temporal"};
    for (int i = 0; i < kIndexCount; ++i) check(mdb_dbi_open(t, names[i], MDB_CREATE, &dbi_[i]));
    check(mdb_txn_commit(t));
    check(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &rd_));
    for (int i = 0; i < kIndexCount; ++i) check(mdb_cursor_open(rd_, dbi_[i], &cur_[i]));
    mdb_txn_reset(rd_);
    nosync_ = false;
  }
  void close() override {
    if (!env_) return;
    for (auto& c : cur_) mdb_cursor_close(c);
    mdb_txn_abort(rd_);
    mdb_env_sync(env_, 1);
    mdb_env_close(env_);
    env_ = nullptr;
  }
  void bulk_load(std::span<const Record> recs) override {
    sync_mode(true);
    for (size_t i = 0; i < recs.size(); i += batch_)
      write(recs.subspan(i, std::min(batch_, recs.size() - i)));
    check(mdb_env_sync(env_, 1));
  }
  void compact() override {
    check(mdb_env_sync(env_, 1));
    std::string tmp = dir_ + "/compact.mdb", dst = dir_ + "/data.mdb";
    int fd;
    {
      FILE* f = fopen(tmp.c_str(), "wb");
      if (!f) throw std::runtime_error("lmdb: cannot create " + tmp);
      fd = fileno(f);
      check(mdb_env_copyfd2(env_, fd, MDB_CP_COMPACT));
      fsync(fd);
      fclose(f);
    }
    close();
    if (rename(tmp.c_str(), dst.c_str())) throw std::runtime_error("lmdb: rename");
    open(dir_, Options(opt_));
  }
  bool get(const Key& key, Sink& out) override {
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r);
    MDB_val kk = mv(k), v;
    Read rd(*this);
    int rc = mdb_get(rd_, dbi_[0], &kk, &v);
    if (rc == MDB_NOTFOUND) return false;
    check(rc);
    out.add(decode_row(k.buf, static_cast<char*>(v.mv_data), v.mv_size));
    return true;
  }
  void scan_node(uint64_t node, Sink& out) override {
    walk(bound(kPrimary, node, false), bound(kPrimary, node, true), out);
  }
  void scan_all(Sink& out) override {
    walk(bound(kPrimary, 0, false), bound(kPrimary, UINT64_MAX, true), out);
  }
  void by_property(const Prop& p, size_t limit, Sink& out) override {
    range(kProp, p.hash, p.hash, limit, out);
  }
  void by_source(uint8_t s, size_t limit, Sink& out) override { range(kSource, s, s, limit, out); }
  void by_confidence(float lo, float hi, size_t limit, Sink& out) override {
    range(kConf, ordered(lo), ordered(hi), limit, out);
  }
  void by_time(int64_t lo, int64_t hi, size_t limit, Sink& out) override {
    range(kTime, ordered(lo), ordered(hi), limit, out);
  }
  void upsert_batch(std::span<const Record> recs) override {
    sync_mode(false);  // no fsync per commit: the same promise as a WAL that is not synced
    write(recs);
  }
  bool erase(const Key& key) override {
    sync_mode(false);
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r);
    MDB_txn* t;
    check(mdb_txn_begin(env_, nullptr, 0, &t));
    try {
      bool had = del_old(t, k);
      if (had) {
        MDB_val kk = mv(k);
        check(mdb_del(t, dbi_[0], &kk, nullptr));
      }
      MDB_txn* u = t;
      t = nullptr;
      check(mdb_txn_commit(u));
      return had;
    } catch (...) {
      if (t) mdb_txn_abort(t);
      throw;
    }
  }

 private:
  struct Read {
    LmdbPeer& p;
    explicit Read(LmdbPeer& q) : p(q) { check(mdb_txn_renew(p.rd_)); }
    ~Read() { mdb_txn_reset(p.rd_); }
  };
  void sync_mode(bool on) {
    if (nosync_ == !on) return;
    check(mdb_env_set_flags(env_, MDB_NOSYNC, on ? 0 : 1));
    nosync_ = !on;
  }
  bool del_old(MDB_txn* t, const SKey& k) {
    MDB_val kk = mv(k), v;
    int rc = mdb_get(t, dbi_[0], &kk, &v);
    if (rc == MDB_NOTFOUND) return false;
    check(rc);
    RecordView old = decode_row(k.buf, static_cast<char*>(v.mv_data), v.mv_size);
    SKey ks[kIndexCount];
    for (int i = 1; i < kIndexCount; ++i) ks[i] = make_key(i, old);  // before the page may move
    for (int i = 1; i < kIndexCount; ++i) {
      MDB_val x = mv(ks[i]);
      check(mdb_del(t, dbi_[i], &x, nullptr));
    }
    return true;
  }
  void write(std::span<const Record> recs) {
    MDB_txn* t;
    check(mdb_txn_begin(env_, nullptr, 0, &t));
    try {
      for (const Record& r : recs) {
        SKey k = make_key(kPrimary, r);
        del_old(t, k);
        encode_row(r, row_);
        MDB_val kk = mv(k), v{row_.size(), row_.data()};
        check(mdb_put(t, dbi_[0], &kk, &v, 0));
        for (int i = 1; i < kIndexCount; ++i) {
          SKey s = make_key(i, r);
          MDB_val x = mv(s), e{0, nullptr};
          check(mdb_put(t, dbi_[i], &x, &e, 0));
        }
      }
      MDB_txn* u = t;
      t = nullptr;
      check(mdb_txn_commit(u));
    } catch (...) {
      if (t) mdb_txn_abort(t);
      throw;
    }
  }
  static int cmp(const MDB_val& a, const SKey& b) {
    int c = memcmp(a.mv_data, b.buf, std::min<size_t>(a.mv_size, b.len));
    return c ? c : int(a.mv_size) - int(b.len);
  }
  void walk(SKey lo, SKey hi, Sink& out) {
    Read rd(*this);
    check(mdb_cursor_renew(rd_, cur_[0]));
    MDB_val k = mv(lo), v;
    int rc = mdb_cursor_get(cur_[0], &k, &v, MDB_SET_RANGE);
    for (; rc == 0 && cmp(k, hi) <= 0; rc = mdb_cursor_get(cur_[0], &k, &v, MDB_NEXT))
      out.add(decode_row(static_cast<char*>(k.mv_data), static_cast<char*>(v.mv_data), v.mv_size));
    if (rc && rc != MDB_NOTFOUND) check(rc);
  }
  void range(int idx, uint64_t lo, uint64_t hi, size_t limit, Sink& out) {
    SKey a = bound(idx, lo, false), z = bound(idx, hi, true);
    Read rd(*this);
    check(mdb_cursor_renew(rd_, cur_[idx]));
    MDB_val k = mv(a), v;
    int rc = mdb_cursor_get(cur_[idx], &k, &v, MDB_SET_RANGE);
    size_t total = 0;
    for (; total < limit && rc == 0 && cmp(k, z) <= 0;
         rc = mdb_cursor_get(cur_[idx], &k, &v, MDB_NEXT), ++total) {
      char pk[16];
      primary_of(idx, static_cast<char*>(k.mv_data), k.mv_size, pk);
      MDB_val kk{16, pk}, vv;
      check(mdb_get(rd_, dbi_[0], &kk, &vv));
      out.add(decode_row(pk, static_cast<char*>(vv.mv_data), vv.mv_size));
    }
    if (rc && rc != MDB_NOTFOUND) check(rc);
  }

  std::string dir_;
  Options opt_;
  MDB_env* env_ = nullptr;
  MDB_txn* rd_ = nullptr;
  std::array<MDB_dbi, kIndexCount> dbi_{};
  std::array<MDB_cursor*, kIndexCount> cur_{};
  bool nosync_ = false;
  std::string row_;
  size_t batch_ = 10000;
};
PEER_REGISTER("lmdb", LmdbPeer)
}  // namespace
}  // namespace peers
