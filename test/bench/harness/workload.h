// What is asked of every peer, and what it must answer.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "test/bench/data/dataset.h"
#include "test/bench/harness/config.h"
#include "test/bench/harness/oracle.h"

namespace peers {

constexpr size_t kConfLimit = 10000, kTimeLimit = 10000, kSourceLimit = 1000, kBatch = 1000;

struct Workload {
  std::vector<Key> get, absent, zipf, cold, touch;
  std::vector<Exp> get_x, absent_x, zipf_x;
  std::vector<uint64_t> nodes;
  std::vector<Exp> nodes_x;
  std::vector<Prop> props;
  std::vector<Exp> props_x;
  std::vector<std::pair<float, float>> conf;
  std::vector<Exp> conf_x;
  std::vector<std::pair<int64_t, int64_t>> time;
  std::vector<Exp> time_x;
  std::vector<uint8_t> source;
  std::vector<Exp> source_x;
  std::vector<uint32_t> up1_old, upb_old, del;  // disjoint record numbers
  std::vector<Record> up1, upb;
};

inline Key key_of(const Record& r) {
  return {r.node, r.prop, r.prop_name};
}

// New values go onto the data set's arena.
void make_workload(Workload& w, Dataset& d, const Oracle& o, const Config& c);

}  // namespace peers
