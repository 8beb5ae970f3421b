// Generated records that no compressor makes smaller: random keys, times and bytes.
#include "test/bench/data/dataset.h"

namespace peers {

void make_incompressible(Dataset& d, uint64_t n, uint64_t seed) {
  Rng g(seed);
  PropTable props(d);
  const auto random_bytes = [&](uint64_t least, uint64_t most) {
    std::string bytes;
    for (uint64_t left = least + g.below(most - least + 1); left > 0; --left) {
      bytes += static_cast<char>(' ' + g.below(95));
    }
    return bytes;
  };
  const auto random_value = [&] {
    std::string value;
    ValueWriter{value}.string(random_bytes(8, 50));
    return d.arena.put(value);
  };
  // A property has a few dozen records, a node a handful.
  for (uint64_t i = 0; i < n / 30 + 8; ++i) props.intern(random_bytes(12, 20));
  std::vector<uint64_t> nodes(n / 4 + 1);
  for (auto& node : nodes) node = g.next() >> 1;
  d.recs.reserve(n);
  while (d.recs.size() < n) {
    const Prop& property = d.props[g.below(d.props.size())];
    Record r;
    r.node = nodes[g.below(nodes.size())];
    r.prop = property.hash;
    r.prop_name = property.name;
    r.inherited = random_value();
    r.actual = random_value();
    r.reason = d.arena.put(random_bytes(8, 70));
    r.source = static_cast<uint8_t>(g.below(kSourceCount));
    r.created_ns = static_cast<int64_t>(g.below(uint64_t{1'600'000'000'000'000'000}));
    r.confidence = static_cast<float>(g.unit());
    d.recs.push_back(r);
  }
  d.raw_lines = d.recs.size();
}

}  // namespace peers
