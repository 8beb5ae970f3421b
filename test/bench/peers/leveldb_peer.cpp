// LevelDB: the same five indexes as key prefixes in one keyspace, snappy.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include "test/bench/peers/key_value.h"

namespace peers {
namespace {
using namespace kv;
using leveldb::Slice;

void check(const leveldb::Status& s) {
  if (!s.ok()) throw std::runtime_error("leveldb: " + s.ToString());
}
Slice sl(const SKey& k) {
  return {k.buf, k.len};
}

class LevelPeer : public Peer {
 public:
  ~LevelPeer() override { close(); }
  std::string version() const override {
    return "leveldb " + std::to_string(leveldb::kMajorVersion) + "." +
           std::to_string(leveldb::kMinorVersion);
  }
  void open(const std::string& dir, const Options& opt) override {
    batch_ = size_t(opt.num("load_batch", 10000));
    leveldb::Options o;
    o.create_if_missing = true;
    o.compression = leveldb::kSnappyCompression;
    o.write_buffer_size = size_t(opt.num("leveldb.write_buffer_mb", 64)) << 20;
    o.max_file_size = 16 << 20;
    cache_.reset(leveldb::NewLRUCache(size_t(opt.num("leveldb.cache_mb", 64)) << 20));
    filter_.reset(leveldb::NewBloomFilterPolicy(10));
    o.block_cache = cache_.get();
    o.filter_policy = filter_.get();
    leveldb::DB* db = nullptr;
    check(leveldb::DB::Open(o, dir, &db));
    db_.reset(db);
  }
  void close() override { db_.reset(); }

  void bulk_load(std::span<const Record> recs) override {
    for (size_t i = 0; i < recs.size(); i += batch_)
      upsert_batch_impl(recs.subspan(i, std::min(batch_, recs.size() - i)));
    leveldb::WriteBatch b;
    leveldb::WriteOptions sync;
    sync.sync = true;
    check(db_->Write(sync, &b));  // fsyncs the log
  }
  void compact() override { db_->CompactRange(nullptr, nullptr); }

  bool get(const Key& key, Sink& out) override {
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r, kPrefix[0]);
    auto s = db_->Get(ro_, sl(k), &val_);
    if (s.IsNotFound()) return false;
    check(s);
    out.add(decode_row(k.buf + 1, val_.data(), val_.size()));
    return true;
  }
  void scan_node(uint64_t node, Sink& out) override {
    walk(bound(kPrimary, node, false, kPrefix[0]), bound(kPrimary, node, true, kPrefix[0]), ro_,
         out);
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
  void scan_all(Sink& out) override {
    leveldb::ReadOptions ro;
    ro.fill_cache = false;
    walk(bound(kPrimary, 0, false, kPrefix[0]), bound(kPrimary, UINT64_MAX, true, kPrefix[0]), ro,
         out);
  }
  void upsert_batch(std::span<const Record> recs) override { upsert_batch_impl(recs); }
  bool erase(const Key& key) override {
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r, kPrefix[0]);
    leveldb::WriteBatch b;
    if (!del_old(b, k)) return false;
    b.Delete(sl(k));
    check(db_->Write(wo_, &b));
    return true;
  }

 private:
  bool del_old(leveldb::WriteBatch& b, const SKey& k) {
    auto s = db_->Get(ro_, sl(k), &val_);
    if (s.IsNotFound()) return false;
    check(s);
    RecordView old = decode_row(k.buf + 1, val_.data(), val_.size());
    for (int i = 1; i < kIndexCount; ++i) b.Delete(sl(make_key(i, old, kPrefix[i])));
    return true;
  }
  void upsert_batch_impl(std::span<const Record> recs) {
    leveldb::WriteBatch b;
    for (const Record& r : recs) {
      SKey k = make_key(kPrimary, r, kPrefix[0]);
      del_old(b, k);
      encode_row(r, row_);
      b.Put(sl(k), row_);
      for (int i = 1; i < kIndexCount; ++i) b.Put(sl(make_key(i, r, kPrefix[i])), Slice());
    }
    check(db_->Write(wo_, &b));
  }
  void walk(SKey lo, SKey hi, const leveldb::ReadOptions& ro, Sink& out) {
    std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(ro));
    for (it->Seek(sl(lo)); it->Valid() && it->key().compare(sl(hi)) <= 0; it->Next())
      out.add(decode_row(it->key().data() + 1, it->value().data(), it->value().size()));
    check(it->status());
  }
  void range(int idx, uint64_t lo, uint64_t hi, size_t limit, Sink& out) {
    SKey a = bound(idx, lo, false, kPrefix[idx]), z = bound(idx, hi, true, kPrefix[idx]);
    std::unique_ptr<leveldb::Iterator> it(db_->NewIterator(ro_));
    char key[17];
    key[0] = kPrefix[0];
    size_t total = 0;
    for (it->Seek(sl(a)); total < limit && it->Valid() && it->key().compare(sl(z)) <= 0;
         it->Next(), ++total) {
      primary_of(idx, it->key().data() + 1, it->key().size() - 1, key + 1);
      check(db_->Get(ro_, Slice(key, 17), &val_));
      out.add(decode_row(key + 1, val_.data(), val_.size()));
    }
    check(it->status());
  }

  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
  leveldb::ReadOptions ro_;
  leveldb::WriteOptions wo_;
  std::string row_, val_;
  size_t batch_ = 10000;
};
PEER_REGISTER("leveldb", LevelPeer)
}  // namespace
}  // namespace peers
