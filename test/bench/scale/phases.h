// What is measured of a large store, each in its own call.
#pragma once

#include <caveat/caveat.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "test/bench/harness/machine.h"
#include "test/bench/scale/memory_watch.h"
#include "test/bench/scale/stream.h"

namespace caveat::bench {

struct Settings {
  std::uint64_t records = 10000000;
  std::vector<std::string> data;
  std::string directory = "/tmp/caveat-scale";
  std::string out;
  std::size_t budget_mib = 256;
  double upsert_seconds = 60;
  std::uint64_t reads = 100000;
  std::uint64_t seed = 42;
  bool shuffled = false;
  bool keep = false;
  bool cold = true;
};

// Figures go into `result` under the phase's name, and to stdout as they come. A wrong answer
// throws.
class Phases {
 public:
  Phases(const Settings& settings, const Stream& stream, const peers::Dataset& data);

  void load();
  void reads(const std::string& name);  // warm gets, misses, each query
  void upserts();
  void optimize();
  void open();  // warm, then cold with cold gets
  void finish();

  peers::json result;

 private:
  void open_store();
  void close_store();
  void line(const std::string& what, double value, const std::string& unit);
  void memory_lines();  // the most since the last ones
  void check(const peers::Record& expected, const ExceptionView& found);
  void gets(const std::string& name, std::uint64_t count, std::uint64_t seed);
  void misses(const std::string& name);
  void query(const std::string& name, std::uint64_t count,
             const std::function<Query(peers::Rng&)>& make);
  void put_latencies(const std::string& name, std::vector<float>& seconds, double elapsed,
                     double results);

  const Settings& settings_;
  const Stream& stream_;
  const peers::Dataset& data_;
  std::filesystem::path path_;
  std::optional<StorageOptimizer> store_;
  peers::CaveatViews views_;
  peers::json* section_ = nullptr;
  MemoryWatch memory_;  // goes before the store, which it asks
  double most_mib_ = 0;
};

}  // namespace caveat::bench
