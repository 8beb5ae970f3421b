// The records of a run: loaded or generated, replicated and shuffled; all of it before any timing.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "test/bench/contract/peer.h"

namespace peers {

class Arena {  // stable storage for strings
 public:
  std::string_view put(std::string_view s) {
    if (s.empty()) return {"", 0};
    if (left_ < s.size()) {
      size_t n = std::max<size_t>(s.size(), 4 << 20);
      blocks_.push_back(std::unique_ptr<char[]>(new char[n]));
      cur_ = blocks_.back().get();
      left_ = n;
    }
    memcpy(cur_, s.data(), s.size());
    std::string_view r(cur_, s.size());
    cur_ += s.size();
    left_ -= s.size();
    return r;
  }

 private:
  std::deque<std::unique_ptr<char[]>> blocks_;
  char* cur_ = nullptr;

  size_t left_ = 0;
};

// splitmix64: small, seeded, the same everywhere
struct Rng {
  uint64_t s;
  explicit Rng(uint64_t seed) : s(seed) {}
  uint64_t next() {
    uint64_t z = (s += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  __extension__ using Wide = unsigned __int128;
  uint64_t below(uint64_t n) { return uint64_t(Wide(next()) * n >> 64); }
  double unit() { return double(next() >> 11) * 0x1p-53; }
};

struct Dataset {
  std::string name;
  Arena arena;
  std::deque<std::string> prop_names;
  std::vector<Prop> props;
  std::vector<Record> recs;  // arrival order, keys unique
  uint64_t raw_bytes = 0;    // of the NDJSON as read (0: synthetic)
  uint64_t raw_lines = 0;
  uint64_t duplicates = 0;  // (node, property) seen again: the last one won
};

// Gives each property name one place in the data set.
class PropTable {
 public:
  explicit PropTable(Dataset& d) : d_(d) {
    for (uint32_t i = 0; i < d.props.size(); ++i) ids_.emplace(d.props[i].name, i);
  }
  const Prop& intern(std::string_view name) {
    auto it = ids_.find(name);
    if (it != ids_.end()) return d_.props[it->second];
    d_.prop_names.emplace_back(name);
    std::string_view n = d_.prop_names.back();
    d_.props.push_back({XXH3_64bits(n.data(), n.size()), n});
    ids_.emplace(n, uint32_t(d_.props.size() - 1));
    return d_.props.back();
  }

 private:
  Dataset& d_;
  std::unordered_map<std::string_view, uint32_t> ids_;
};

// As NDJSON has them, by Source.
inline constexpr std::array<std::string_view, kSourceCount> kSourceNames = {
    "Explicit", "Detected", "Promoted", "Conflict", "Imported"};

// Plain or zstd. An error names file and line.
void load_ndjson(Dataset& d, const std::string& path, uint64_t max_records);
void make_synthetic(Dataset& d, uint64_t n, uint64_t seed);
void make_incompressible(Dataset& d, uint64_t n, uint64_t seed);
// Drops duplicates, replicates K times, shuffles into arrival order.
void finish_dataset(Dataset& d, unsigned scale, uint64_t seed);
// One record as a line of NDJSON (with '\n').
void append_ndjson(std::string& out, const Record& r);
int64_t parse_rfc3339(std::string_view s);
std::string format_rfc3339(int64_t ns);

}  // namespace peers
