#include "test/bench/harness/workload.h"

#include <cmath>

namespace peers {

void make_workload(Workload& w, Dataset& d, const Oracle& o, const Config& c) {
  const auto& R = d.recs;
  const size_t n = R.size();
  Rng g(c.seed ^ 0x3017);
  auto present = [&](std::vector<Key>& ks, std::vector<Exp>* xs, uint32_t i) {
    ks.push_back(key_of(R[i]));
    if (xs) xs->push_back({1, o.rh[i], kNoLimit});
  };
  for (size_t i = 0; i < c.n_get; ++i) present(w.get, &w.get_x, uint32_t(g.below(n)));
  for (size_t i = 0; i < c.n_cold; ++i) present(w.cold, nullptr, uint32_t(g.below(n)));
  for (size_t i = 0; i < c.n_touch; ++i) present(w.touch, nullptr, uint32_t(g.below(n)));
  uint64_t max_node = R[o.by_key.ids.back()].node;
  for (size_t i = 0;
       i < c.n_get;) {  // half: a node that has no such property; half: any node number
    uint64_t node = i % 2 ? R[g.below(n)].node : g.below(max_node + max_node / 4 + 2);
    const Prop& p = d.props[g.below(d.props.size())];
    if (o.find(node, p.hash)) {
      if (g.below(4)) continue;  // (small dense data: do not loop for ever)
      w.absent.push_back({node, p.hash ^ 1, p.name});
    } else {
      w.absent.push_back({node, p.hash, p.name});
    }
    w.absent_x.push_back({});
    ++i;
  }
  {  // Zipf 0.99 (Gray et al., as in YCSB); arrival order is shuffled already, so rank = record
     // number
    const double th = 0.99;
    double zn = 0;
    for (size_t i = 1; i <= n; ++i) zn += 1 / std::pow(double(i), th);
    const double z2 = 1 + std::pow(0.5, th), alpha = 1 / (1 - th);
    const double eta = (1 - std::pow(2.0 / double(n), 1 - th)) / (1 - z2 / zn);
    for (size_t i = 0; i < c.n_get; ++i) {
      double u = g.unit(), uz = u * zn;
      size_t r = uz < 1 ? 0 : uz < z2 ? 1 : size_t(double(n) * std::pow(eta * u - eta + 1, alpha));
      present(w.zipf, &w.zipf_x, uint32_t(std::min(r, n - 1)));
    }
  }
  for (size_t i = 0; i < c.n_node; ++i) {
    w.nodes.push_back(R[g.below(n)].node);
    w.nodes_x.push_back(o.node(w.nodes.back()));
  }
  std::vector<uint32_t> pi;
  for (uint32_t i = 0; i < d.props.size(); ++i) pi.push_back(i);
  for (size_t i = pi.size(); i > 1; --i) std::swap(pi[i - 1], pi[g.below(i)]);
  for (uint32_t i : pi) {
    if (w.props.size() >= c.n_prop) break;
    Exp x = o.prop(d.props[i].hash);
    if (!x.total) continue;  // (only in lines that were dropped)
    w.props.push_back(d.props[i]);
    w.props_x.push_back(x);
  }
  for (size_t i = 0; i < c.n_conf; ++i) {  // [x, x+0.01] around where there is something
    float lo = std::max(0.0f, R[g.below(n)].confidence - float(g.unit()) * 0.01f), hi = lo + 0.01f;
    w.conf.push_back({lo, hi});
    w.conf_x.push_back(o.conf(lo, hi, kConfLimit));
  }
  for (size_t i = 0; i < c.n_time; ++i) {
    size_t at = n > 1000 ? g.below(n - 1000) : 0;
    int64_t lo = R[o.by_time.ids[at]].created_ns,
            hi = R[o.by_time.ids[std::min(n - 1, at + 999)]].created_ns;
    w.time.push_back({lo, hi});
    w.time_x.push_back(o.time(lo, hi, kTimeLimit));
  }
  for (size_t i = 0; i < c.n_source; ++i) {
    w.source.push_back(uint8_t(i % kSourceCount));
    w.source_x.push_back(o.source(w.source.back(), kSourceLimit));
  }
  // mutations: 5 %, another 5 %, another 2 % of the keys
  std::vector<uint32_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0u);
  size_t a = n / 20, b = n / 20, e = n / 50;
  for (size_t i = 0; i < a + b + e; ++i) std::swap(ids[i], ids[i + g.below(n - i)]);
  w.up1_old.assign(ids.begin(), ids.begin() + long(a));
  w.upb_old.assign(ids.begin() + long(a), ids.begin() + long(a + b));
  w.del.assign(ids.begin() + long(a + b), ids.begin() + long(a + b + e));
  std::string v;
  auto change = [&](const std::vector<uint32_t>& from, std::vector<Record>& to) {
    for (uint32_t i : from) {
      Record r = R[i];
      r.confidence = float(g.below(10001)) / 10000.0f;
      v.clear();
      ValueWriter vw{v};
      switch (g.below(3)) {
        case 0:
          vw.integer(int64_t(g.below(100000)));
          break;
        case 1:
          vw.boolean(g.below(2));
          break;
        default:
          vw.string("changed to " + std::to_string(g.below(1000)));
      }
      r.actual = d.arena.put(v);
      to.push_back(r);
    }
  };
  change(w.up1_old, w.up1);
  change(w.upb_old, w.upb);
}

}  // namespace peers
