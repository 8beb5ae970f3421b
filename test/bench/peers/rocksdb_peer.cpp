// RocksDB: five column families as a user would lay them out by hand, or the primary one alone.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

#include <array>

#include "test/bench/peers/key_value.h"

namespace peers {
namespace {
using namespace kv;
using rocksdb::Slice;

void check(const rocksdb::Status& s) {
  if (!s.ok()) throw std::runtime_error("rocksdb: " + s.ToString());
}
Slice sl(const SKey& k) {
  return {k.buf, k.len};
}

enum class Mode { Naive, NoCheck, PrimaryOnly };

class RocksPeer : public Peer {
 public:
  explicit RocksPeer(Mode m) : mode_(m), nidx_(m == Mode::PrimaryOnly ? 1 : int(kIndexCount)) {}
  ~RocksPeer() override { close(); }

  Caps caps() const override {
    Caps c;
    if (mode_ == Mode::PrimaryOnly)
      c.by_property = c.by_confidence = c.by_time = c.by_source = false;
    if (mode_ == Mode::NoCheck) c.load_only = true;
    return c;
  }
  std::string version() const override {
    return "rocksdb " + std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
           std::to_string(ROCKSDB_PATCH);
  }

  void open(const std::string& dir, const Options& opt) override {
    batch_ = size_t(opt.num("load_batch", 10000));
    multiget_ = opt.num("rocksdb.multiget", 1) != 0;
    rocksdb::Options o;
    o.create_if_missing = true;
    o.create_missing_column_families = true;
    o.max_background_jobs = int(opt.num("rocksdb.jobs", 2));
    o.compression = rocksdb::kZSTD;
    o.bottommost_compression = rocksdb::kZSTD;
    o.compression_opts.level = int(opt.num("rocksdb.zstd_level", 3));
    o.bottommost_compression_opts = o.compression_opts;
    o.bottommost_compression_opts.enabled = true;
    o.bottommost_compression_opts.max_dict_bytes = 16 << 10;
    o.bottommost_compression_opts.zstd_max_train_bytes = 100 * (16 << 10);
    o.write_buffer_size = size_t(opt.num("rocksdb.write_buffer_mb", 64)) << 20;
    rocksdb::BlockBasedTableOptions t;
    t.block_cache = rocksdb::NewLRUCache(size_t(opt.num("rocksdb.cache_mb", 64)) << 20);
    t.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
    t.block_size = size_t(opt.num("rocksdb.block_size", 4096));
    t.format_version = 5;
    o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(t));
    static const char* names[] = {rocksdb::kDefaultColumnFamilyName.c_str(), "property", "source",
                                  "confidence", "temporal"};
    std::vector<rocksdb::ColumnFamilyDescriptor> cfs;
    for (int i = 0; i < nidx_; ++i) cfs.emplace_back(names[i], o);
    std::vector<rocksdb::ColumnFamilyHandle*> h;
    check(rocksdb::DB::Open(o, dir, cfs, &h, &db_));
    for (int i = 0; i < nidx_; ++i) cf_[i] = h[i];
  }
  void close() override {
    if (!db_) return;
    for (int i = 0; i < nidx_; ++i) db_->DestroyColumnFamilyHandle(cf_[i]);
    check(db_->Close());
    delete db_;
    db_ = nullptr;
  }

  void bulk_load(std::span<const Record> recs) override {
    for (size_t i = 0; i < recs.size(); i += batch_)
      write(recs.subspan(i, std::min(batch_, recs.size() - i)), mode_ == Mode::Naive);
    rocksdb::FlushOptions fo;
    fo.wait = true;
    std::vector<rocksdb::ColumnFamilyHandle*> h(cf_.begin(), cf_.begin() + nidx_);
    check(db_->Flush(fo, h));
    check(db_->FlushWAL(true));
  }
  void compact() override {
    rocksdb::CompactRangeOptions c;
    c.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    for (int i = 0; i < nidx_; ++i) check(db_->CompactRange(c, cf_[i], nullptr, nullptr));
  }

  bool get(const Key& key, Sink& out) override {
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r);
    rocksdb::PinnableSlice v;
    auto s = db_->Get(ro_, cf_[0], sl(k), &v);
    if (s.IsNotFound()) return false;
    check(s);
    out.add(decode_row(k.buf, v.data(), v.size()));
    return true;
  }
  void scan_node(uint64_t node, Sink& out) override {
    SKey lo = bound(kPrimary, node, false), hi = bound(kPrimary, node, true);
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(ro_, cf_[0]));
    for (it->Seek(sl(lo)); it->Valid() && it->key().compare(sl(hi)) <= 0; it->Next())
      out.add(decode_row(it->key().data(), it->value().data(), it->value().size()));
    check(it->status());
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
    rocksdb::ReadOptions ro;
    ro.fill_cache = false;
    ro.readahead_size = 1 << 20;
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(ro, cf_[0]));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      out.add(decode_row(it->key().data(), it->value().data(), it->value().size()));
    check(it->status());
  }

  void upsert_batch(std::span<const Record> recs) override { write(recs, true); }
  bool erase(const Key& key) override {
    RecordView r;
    r.node = key.node, r.prop = key.prop;
    SKey k = make_key(kPrimary, r);
    rocksdb::WriteBatch b;
    if (nidx_ == 1) {
      // the caller wants to know whether it was there
      rocksdb::PinnableSlice v;
      auto s = db_->Get(ro_, cf_[0], sl(k), &v);
      if (s.IsNotFound()) return false;
      check(s);
    } else if (!del_old_indexes(b, k)) {
      return false;
    }
    b.Delete(cf_[0], sl(k));
    check(db_->Write(wo_, &b));
    return true;
  }

 private:
  bool del_old_indexes(rocksdb::WriteBatch& b, const SKey& k) {
    rocksdb::PinnableSlice v;
    auto s = db_->Get(ro_, cf_[0], sl(k), &v);
    if (s.IsNotFound()) return false;
    check(s);
    RecordView old = decode_row(k.buf, v.data(), v.size());
    for (int i = 1; i < nidx_; ++i) b.Delete(cf_[i], sl(make_key(i, old)));
    return true;
  }
  void write(std::span<const Record> recs, bool check_old) {
    rocksdb::WriteBatch b;
    for (const Record& r : recs) {
      SKey k = make_key(kPrimary, r);
      if (check_old && nidx_ > 1) del_old_indexes(b, k);
      encode_row(r, row_);
      b.Put(cf_[0], sl(k), row_);
      for (int i = 1; i < nidx_; ++i) b.Put(cf_[i], sl(make_key(i, r)), Slice());
    }
    check(db_->Write(wo_, &b));
  }
  void range(int idx, uint64_t lo, uint64_t hi, size_t limit, Sink& out) {
    SKey a = bound(idx, lo, false), z = bound(idx, hi, true);
    std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(ro_, cf_[idx]));
    constexpr size_t kB = 128;
    char keys[kB][16];
    size_t n = 0, total = 0;
    auto flush = [&] {
      if (multiget_) {
        std::array<Slice, kB> ks;
        std::array<rocksdb::PinnableSlice, kB> vs;
        std::array<rocksdb::Status, kB> ss;
        for (size_t i = 0; i < n; ++i) ks[i] = Slice(keys[i], 16);
        db_->MultiGet(ro_, cf_[0], n, ks.data(), vs.data(), ss.data());
        for (size_t i = 0; i < n; ++i) {
          check(ss[i]);
          out.add(decode_row(keys[i], vs[i].data(), vs[i].size()));
        }
      } else {
        rocksdb::PinnableSlice v;
        for (size_t i = 0; i < n; ++i) {
          v.Reset();
          check(db_->Get(ro_, cf_[0], Slice(keys[i], 16), &v));
          out.add(decode_row(keys[i], v.data(), v.size()));
        }
      }
      n = 0;
    };
    for (it->Seek(sl(a)); total < limit && it->Valid() && it->key().compare(sl(z)) <= 0;
         it->Next(), ++total) {
      primary_of(idx, it->key().data(), it->key().size(), keys[n++]);
      if (n == kB) flush();
    }
    check(it->status());
    if (n) flush();
  }

  Mode mode_;
  int nidx_;
  rocksdb::DB* db_ = nullptr;
  std::array<rocksdb::ColumnFamilyHandle*, kIndexCount> cf_{};
  rocksdb::ReadOptions ro_;
  rocksdb::WriteOptions wo_;
  std::string row_;
  size_t batch_ = 10000;
  bool multiget_ = true;
};

PEER_REGISTER("rocksdb_naive", RocksPeer, Mode::Naive)
PEER_REGISTER("rocksdb_naive_nocheck", RocksPeer, Mode::NoCheck)
PEER_REGISTER("rocksdb_primary_only", RocksPeer, Mode::PrimaryOnly)
}  // namespace
}  // namespace peers
