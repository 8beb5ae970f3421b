// The smallest possible peer, a sorted std::map whose secondary queries scan; and the same with two
// faults planted, which the checks must find.
#include <map>

#include "peer.h"

using namespace peers;
namespace {

struct MapPeer : Peer {
  struct Row {
    std::string a, b, c;
    RecordView v;
  };
  std::map<std::pair<uint64_t, uint64_t>, Row> m;
  Caps caps() const override {
    Caps c;
    c.persistent = false;
    return c;
  }
  void open(const std::string&, const Options&) override {}
  void close() override {}
  void compact() override {}
  void bulk_load(std::span<const Record> r) override { upsert_batch(r); }
  static void out1(const Row& r, Sink& s) {
    RecordView v = r.v;
    v.inherited = r.a;
    v.actual = r.b;
    v.reason = r.c;
    s.add(v);
  }
  bool get(const Key& k, Sink& s) override {
    auto i = m.find({k.node, k.prop});
    if (i == m.end()) return false;
    out1(i->second, s);
    return true;
  }
  void scan_node(uint64_t n, Sink& s) override {
    for (auto i = m.lower_bound({n, 0}); i != m.end() && i->first.first == n; ++i)
      out1(i->second, s);
  }
  template <class P>
  void scan(P p, size_t lim, Sink& s) {
    for (auto& e : m)
      if (p(e.second.v)) {
        if (!lim--) return;
        out1(e.second, s);
      }
  }
  void by_property(const Prop& p, size_t l, Sink& s) override {
    scan([&](auto& v) { return v.prop == p.hash; }, l, s);
  }
  void by_source(uint8_t x, size_t l, Sink& s) override {
    scan([&](auto& v) { return v.source == x; }, l, s);
  }
  void by_confidence(float a, float b, size_t l, Sink& s) override {
    scan([&](auto& v) { return v.confidence >= a && v.confidence <= b; }, l, s);
  }
  void by_time(int64_t a, int64_t b, size_t l, Sink& s) override {
    scan([&](auto& v) { return v.created_ns >= a && v.created_ns <= b; }, l, s);
  }
  void scan_all(Sink& s) override {
    scan([](auto&) { return true; }, kNoLimit, s);
  }
  void upsert_batch(std::span<const Record> rs) override {
    for (auto& r : rs)
      m[{r.node, r.prop}] = {std::string(r.inherited), std::string(r.actual), std::string(r.reason),
                             r};
  }
  bool erase(const Key& k) override { return m.erase({k.node, k.prop}); }
};

struct BadPeer : MapPeer {
  bool get(const Key& k, Sink& s) override {
    if (k.node % 97 == 0) return false;
    return MapPeer::get(k, s);
  }
  void by_source(uint8_t, size_t l, Sink& s) override {
    scan([&](auto&) { return true; }, l, s);
  }
};

}  // namespace

PEER_REGISTER("map", MapPeer)
PEER_REGISTER("bad", BadPeer)
