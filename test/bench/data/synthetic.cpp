// Generated records, for runs without a data set: overrides of a few thousand properties.
#include <cmath>

#include "test/bench/data/dataset.h"

namespace peers {

void make_synthetic(Dataset& d, uint64_t n, uint64_t seed) {
  Rng g(seed);
  PropTable props(d);
  const uint64_t nodes = std::max<uint64_t>(1, n / 10),
                 nprops = std::max<uint64_t>(8, std::min<uint64_t>(5000, n / 20));
  static const char* area[] = {"layout", "calendar", "currency", "units",     "names",
                               "dates",  "numbers",  "plural",   "collation", "casing"};
  static const char* part[] = {"width",       "height", "pattern",   "symbol",
                               "displayName", "format", "separator", "order",
                               "short",       "long",   "narrow",    "default"};
  static const char* word[] = {"January",    "gregorian", "decimal",  "Latn",      "Cyrl",
                               "grouping",   "standard",  "medium",   "full",      "percent",
                               "accounting", "territory", "language", "variant",   "euro",
                               "dollar",     "hour",      "minute",   "yesterday", "tomorrow",
                               "northern",   "southern",  "western",  "eastern"};
  constexpr size_t nw = sizeof word / sizeof *word;
  struct P {
    int kind;
    std::string base;  // common inherited value
    std::vector<std::string> alts;
  };
  std::vector<P> ps(nprops);
  auto encode = [&](int kind, uint64_t salt) {
    Rng h(salt);
    std::string s;
    ValueWriter w{s};
    switch (kind) {
      case 0:
        w.boolean(h.below(2));
        break;
      case 1:
        w.integer(int64_t(h.below(2000)) - 200);
        break;
      case 2:
        w.real(double(h.below(100000)) / 100.0);
        break;
      case 3: {
        uint64_t k = 1 + h.below(3);
        w.array(k);
        for (uint64_t i = 0; i < k; ++i) w.string(word[h.below(nw)]);
        break;
      }
      case 4:
        w.null();
        break;
      default: {
        std::string t = word[h.below(nw)];
        for (uint64_t i = h.below(3); i; --i) t += std::string(" ") + word[h.below(nw)];
        if (h.below(3) == 0) t += " " + std::to_string(h.below(500));
        w.string(t);
      }
    }
    return s;
  };
  for (uint64_t i = 0; i < nprops; ++i) {
    std::string name = std::string(area[g.below(10)]) + "." + part[g.below(12)] + "." +
                       word[g.below(nw)] + "." + std::to_string(i);
    props.intern(name);
    uint64_t k = g.below(10);
    ps[i].kind = k == 0 ? 0 : k < 3 ? 1 : k == 3 ? 2 : k == 4 ? 3 : 5;
    ps[i].base = encode(ps[i].kind, g.next());
    for (uint64_t j = 0, m = 2 + g.below(20); j < m; ++j)
      ps[i].alts.push_back(encode(ps[i].kind, g.next()));
  }
  std::vector<std::string_view> base_view(nprops);
  for (uint64_t i = 0; i < nprops; ++i) base_view[i] = d.arena.put(ps[i].base);
  const int64_t t0 = 1672531200ll * 1000000000;  // 2023-01-01
  int64_t t = t0;
  std::string tmp;
  d.recs.reserve(n);
  uint64_t node = 0;
  std::vector<uint64_t> used;
  while (d.recs.size() < n) {
    // 1..19 records a node, properties mildly skewed
    uint64_t id = 1000 + node * 3 + (node % 7 == 0);
    ++node;
    used.clear();
    uint64_t k = std::min<uint64_t>(1 + g.below(19), n - d.recs.size());
    if (node > nodes * 2) k = 1;
    for (uint64_t j = 0; j < k; ++j) {
      double u = g.unit();
      uint64_t p = std::min<uint64_t>(nprops - 1, uint64_t(u * std::sqrt(u) * double(nprops)));
      if (std::find(used.begin(), used.end(), p) != used.end()) continue;
      used.push_back(p);
      Record r;
      r.node = id;
      r.prop = d.props[p].hash;
      r.prop_name = d.props[p].name;
      r.inherited =
          g.below(10) < 8 ? base_view[p] : d.arena.put(ps[p].alts[g.below(ps[p].alts.size())]);
      r.actual = d.arena.put(g.below(10) < 7 ? ps[p].alts[g.below(ps[p].alts.size())]
                                             : encode(ps[p].kind, g.next()));
      uint64_t s = g.below(100);
      r.source = uint8_t(s < 15 ? 0 : s < 70 ? 1 : s < 80 ? 2 : s < 85 ? 3 : 4);
      tmp.clear();
      switch (g.below(5)) {
        case 0:
          tmp = "detected override of the inherited value";
          break;
        case 1:
          tmp = std::string("differs from parent in ") + word[g.below(nw)];
          break;
        case 2:
          tmp = "support " + std::to_string(1 + g.below(40)) + " of " +
                std::to_string(40 + g.below(60)) + " children";
          break;
        case 3:
          tmp = std::string("imported from release ") + std::to_string(30 + g.below(16)) + ", " +
                std::string(d.props[p].name.substr(0, d.props[p].name.find('.')));
          break;
        default:
          tmp = std::string("value conflict resolved by ") + (g.below(2) ? "editor" : "rule") +
                " " + std::to_string(g.below(200));
      }
      r.reason = d.arena.put(tmp);
      t += g.below(50) == 0 ? int64_t(g.below(7200)) * 1000000000 : int64_t(g.below(20000000));
      r.created_ns = t / 1000 * 1000;
      uint64_t c = g.below(10);
      r.confidence = r.source == 0 ? (c < 8 ? 1.0f : 0.95f)
                     : c < 4       ? float(g.below(101)) / 100.0f
                                   : float(g.below(10001)) / 10000.0f;
      d.recs.push_back(r);
    }
  }
  d.raw_lines = d.recs.size();
}

}  // namespace peers
