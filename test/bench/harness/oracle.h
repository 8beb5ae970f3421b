// The right answers, worked out by the harness itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <tuple>
#include <vector>

#include "test/bench/contract/peer.h"

namespace peers {

struct Exp {  // what a query must deliver
  uint64_t total = 0, sum = 0, limit = kNoLimit;
  bool capped() const { return total > limit; }
  uint64_t count() const { return std::min<uint64_t>(total, limit); }
};

struct Order {  // record numbers in some order, and prefix sums of their hashes
  std::vector<uint32_t> ids;
  std::vector<uint64_t> pre;
  template <class Less>
  void build(const std::vector<uint64_t>& rh, Less less) {
    ids.resize(rh.size());
    std::iota(ids.begin(), ids.end(), 0u);
    std::sort(ids.begin(), ids.end(), less);
    pre.assign(ids.size() + 1, 0);
    for (size_t i = 0; i < ids.size(); ++i) pre[i + 1] = pre[i] + rh[ids[i]];
  }
  // [lower, upper) by key
  template <class V, class KeyOf>
  Exp range(V lo, V hi, KeyOf key, size_t limit) const {
    auto a =
        std::lower_bound(ids.begin(), ids.end(), lo, [&](uint32_t i, V v) { return key(i) < v; }) -
        ids.begin();
    auto z =
        std::upper_bound(ids.begin(), ids.end(), hi, [&](V v, uint32_t i) { return v < key(i); }) -
        ids.begin();
    return {uint64_t(z - a), pre[size_t(z)] - pre[size_t(a)], limit};
  }
};

struct Oracle {
  const std::vector<Record>& recs;
  std::vector<uint64_t> rh;
  uint64_t sum = 0;
  Order by_key, by_prop, by_conf, by_time, by_source;
  explicit Oracle(const std::vector<Record>& r) : recs(r) {
    rh.resize(r.size());
    for (size_t i = 0; i < r.size(); ++i) sum += rh[i] = record_hash(r[i]);
    by_key.build(rh, [&](uint32_t a, uint32_t b) {
      return std::tie(r[a].node, r[a].prop) < std::tie(r[b].node, r[b].prop);
    });
    by_prop.build(rh, [&](uint32_t a, uint32_t b) {
      return std::tie(r[a].prop, a) < std::tie(r[b].prop, b);
    });
    by_conf.build(rh, [&](uint32_t a, uint32_t b) {
      return std::tie(r[a].confidence, a) < std::tie(r[b].confidence, b);
    });
    by_time.build(rh, [&](uint32_t a, uint32_t b) {
      return std::tie(r[a].created_ns, a) < std::tie(r[b].created_ns, b);
    });
    by_source.build(rh, [&](uint32_t a, uint32_t b) {
      return std::tie(r[a].source, a) < std::tie(r[b].source, b);
    });
  }
  std::optional<uint32_t> find(uint64_t node, uint64_t prop) const {
    auto it = std::lower_bound(by_key.ids.begin(), by_key.ids.end(), std::pair(node, prop),
                               [&](uint32_t i, const std::pair<uint64_t, uint64_t>& k) {
                                 return std::pair(recs[i].node, recs[i].prop) < k;
                               });
    if (it == by_key.ids.end() || recs[*it].node != node || recs[*it].prop != prop) return {};
    return *it;
  }
  Exp node(uint64_t n) const {
    return by_key.range(
        n, n, [&](uint32_t i) { return recs[i].node; }, kNoLimit);
  }
  Exp prop(uint64_t p) const {
    return by_prop.range(
        p, p, [&](uint32_t i) { return recs[i].prop; }, kNoLimit);
  }
  Exp source(uint8_t s, size_t lim) const {
    return by_source.range(
        s, s, [&](uint32_t i) { return recs[i].source; }, lim);
  }
  Exp conf(float lo, float hi, size_t lim) const {
    return by_conf.range(
        lo, hi, [&](uint32_t i) { return recs[i].confidence; }, lim);
  }
  Exp time(int64_t lo, int64_t hi, size_t lim) const {
    return by_time.range(
        lo, hi, [&](uint32_t i) { return recs[i].created_ns; }, lim);
  }
};

}  // namespace peers
