// What every data set goes through before a run.
#include <tuple>

#include "test/bench/data/dataset.h"

namespace peers {

void finish_dataset(Dataset& d, unsigned scale, uint64_t seed) {
  // the last of equal keys wins
  const size_t n0 = d.recs.size();
  {
    std::vector<uint32_t> o(n0);
    for (uint32_t i = 0; i < n0; ++i) o[i] = i;
    std::sort(o.begin(), o.end(), [&](uint32_t a, uint32_t b) {
      const auto &x = d.recs[a], &y = d.recs[b];
      return std::tie(x.node, x.prop, a) < std::tie(y.node, y.prop, b);
    });
    std::vector<bool> drop(n0);
    for (size_t i = 0; i + 1 < n0; ++i)
      if (d.recs[o[i]].node == d.recs[o[i + 1]].node && d.recs[o[i]].prop == d.recs[o[i + 1]].prop)
        drop[o[i]] = true, ++d.duplicates;
    if (d.duplicates) {
      size_t w = 0;
      for (size_t i = 0; i < n0; ++i)
        if (!drop[i]) d.recs[w++] = d.recs[i];
      d.recs.resize(w);
    }
  }
  const size_t n = d.recs.size();
  if (scale > 1) {
    uint64_t shift = 0;
    for (auto& r : d.recs) shift = std::max(shift, r.node);
    shift += 1;
    Rng g(seed ^ 0x5ca1e);
    d.recs.reserve(n * scale);
    for (unsigned k = 1; k < scale; ++k)
      for (size_t i = 0; i < n; ++i) {
        Record r = d.recs[i];
        r.node += shift * k;
        r.created_ns +=
            (int64_t(g.below(172800000000ull)) - 86400000000ll) * 1000;  // +- a day, in us
        d.recs.push_back(r);
      }
  }
  Rng g(seed ^ 0x5487f1e);
  for (size_t i = d.recs.size(); i > 1; --i) std::swap(d.recs[i - 1], d.recs[g.below(i)]);
}

}  // namespace peers
