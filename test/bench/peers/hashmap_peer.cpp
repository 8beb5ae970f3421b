// The naive in-memory store: std::unordered_map of records with std::string fields, std::set
// indexes.
#include <malloc.h>

#include <set>
#include <tuple>
#include <unordered_map>

#include "test/bench/peers/key_value.h"

namespace peers {
namespace {
using PK = std::pair<uint64_t, uint64_t>;
struct PKHash {
  size_t operator()(const PK& k) const {
    return size_t((k.first * 0x9e3779b97f4a7c15ull) ^ (k.second >> 7) ^ k.second);
  }
};
struct Row {
  std::string inherited, actual, reason;
  int64_t created_ns;
  float confidence;
  uint8_t source;
};

uint64_t heap_in_use() {
  auto m = mallinfo2();
  return m.uordblks + m.hblkhd;
}

class HashPeer : public Peer {
 public:
  explicit HashPeer(bool indexes) : idx_(indexes) {}
  Caps caps() const override {
    Caps c;
    c.persistent = false;
    if (!idx_) c.load_only = true;
    return c;
  }
  std::string version() const override { return "libstdc++ " + std::to_string(__GNUC__); }
  void open(const std::string&, const Options&) override { before_ = heap_in_use(); }
  void close() override {}
  void bulk_load(std::span<const Record> recs) override { upsert_batch(recs); }
  void compact() override {}

  bool get(const Key& k, Sink& out) override {
    auto it = map_.find({k.node, k.prop});
    if (it == map_.end()) return false;
    out.add(view(*it));
    return true;
  }
  void scan_node(uint64_t node, Sink& out) override {
    for (auto it = by_node_.lower_bound({node, 0}); it != by_node_.end() && it->first == node; ++it)
      emit(*it, out);
  }
  void by_property(const Prop& p, size_t limit, Sink& out) override {
    size_t n = 0;
    for (auto it = prop_.lower_bound({p.hash, 0});
         n < limit && it != prop_.end() && it->first == p.hash; ++it, ++n)
      emit({it->second, it->first}, out);
  }
  void by_source(uint8_t s, size_t limit, Sink& out) override {
    size_t n = 0;
    for (auto it = source_.lower_bound({s, {0, 0}});
         n < limit && it != source_.end() && it->first == s; ++it, ++n)
      emit(it->second, out);
  }
  void by_confidence(float lo, float hi, size_t limit, Sink& out) override {
    size_t n = 0;
    for (auto it = conf_.lower_bound({lo, {0, 0}});
         n < limit && it != conf_.end() && it->first <= hi; ++it, ++n)
      emit(it->second, out);
  }
  void by_time(int64_t lo, int64_t hi, size_t limit, Sink& out) override {
    size_t n = 0;
    for (auto it = time_.lower_bound({lo, {0, 0}});
         n < limit && it != time_.end() && it->first <= hi; ++it, ++n)
      emit(it->second, out);
  }
  void scan_all(Sink& out) override {
    for (auto& e : map_) out.add(view(e));
  }
  void upsert_batch(std::span<const Record> recs) override {
    for (const Record& r : recs) {
      PK k{r.node, r.prop};
      auto [it, fresh] = map_.try_emplace(k);
      if (!fresh) unindex(k, it->second);
      it->second = Row{std::string(r.inherited),
                       std::string(r.actual),
                       std::string(r.reason),
                       r.created_ns,
                       r.confidence,
                       r.source};
      if (idx_) {
        by_node_.insert(k);
        prop_.insert({r.prop, r.node});
        source_.insert({r.source, k});
        conf_.insert({r.confidence, k});
        time_.insert({r.created_ns, k});
      }
    }
  }
  bool erase(const Key& key) override {
    PK k{key.node, key.prop};
    auto it = map_.find(k);
    if (it == map_.end()) return false;
    unindex(k, it->second);
    if (idx_) {
      by_node_.erase(k);
      prop_.erase({k.second, k.first});
    }
    map_.erase(it);
    return true;
  }
  uint64_t memory_bytes() const override { return heap_in_use() - before_; }

 private:
  static RecordView view(const std::pair<const PK, Row>& e) {
    RecordView v;
    v.node = e.first.first, v.prop = e.first.second;
    v.inherited = e.second.inherited, v.actual = e.second.actual, v.reason = e.second.reason;
    v.created_ns = e.second.created_ns, v.confidence = e.second.confidence,
    v.source = e.second.source;
    return v;
  }
  void emit(const PK& k, Sink& out) { out.add(view(*map_.find(k))); }
  void unindex(const PK& k, const Row& r) {
    if (!idx_) return;
    source_.erase({r.source, k});
    conf_.erase({r.confidence, k});
    time_.erase({r.created_ns, k});
  }
  bool idx_;
  uint64_t before_ = 0;
  std::unordered_map<PK, Row, PKHash> map_;
  std::set<PK> by_node_, prop_;
  std::set<std::pair<uint8_t, PK>> source_;
  std::set<std::pair<float, PK>> conf_;
  std::set<std::pair<int64_t, PK>> time_;
};
PEER_REGISTER("hashmap", HashPeer, true)
PEER_REGISTER("hashmap_primary_only", HashPeer, false)
}  // namespace
}  // namespace peers
