// Measuring one peer, from an empty directory to the last check.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/bench/harness/config.h"
#include "test/bench/harness/machine.h"
#include "test/bench/harness/oracle.h"
#include "test/bench/harness/workload.h"

namespace peers {

// A run's figures, checks and errors, as JSON. In a forked process, so that no peer sees what
// another left in memory, and none can take the run down with it.
json run_forked(const std::string& name, const Config& c, const Dataset& d, const Oracle& o,
                const Workload& w);

class Run {
 public:
  Run(const std::string& name, const Config& c, const Dataset& d, const Oracle& o,
      const Workload& w);

  void all();

  json j{{"peer", ""},
         {"error", nullptr},
         {"metrics", json::object()},
         {"repeats", json::object()},
         {"checks", json::object()},
         {"phase_s", json::object()}};

 private:
  void phase(const std::string& p);
  void put(const std::string& k, double v) { j["metrics"][k] = v; }

  // run.cpp
  void steps();
  void load();
  void compact();
  void open_and_probe();
  void finish();

  // run_reads.cpp
  void reads();
  void scan();
  template <class F, class P>
  void queries(const std::string& op, const std::vector<Exp>& x, F&& f, P&& pred);
  template <class F>
  void queries(const std::string& op, const std::vector<Exp>& x, F&& f);
  template <class F>
  void throughput(const std::string& op, const std::vector<Exp>& x, F&& f);
  template <class F>
  void latencies(const std::string& op, const std::vector<Exp>& x, F&& f);

  // run_mutations.cpp
  void mutations();
  template <class Step>
  void timed_writes(const std::string& op, size_t& done, size_t of, size_t look_every, Step&& step);
  template <class F>
  void each_change(F&& f) const;
  template <class P>
  Exp changed(Exp x, P&& pred) const;
  void verify();
  void verify_queries(const std::string& tag);

  // checks.cpp
  void check(const std::string& op, uint64_t count, uint64_t xcount, uint64_t sum, uint64_t xsum,
             bool exact, size_t done, size_t of);
  void check_probe(const std::string& op, const json& p, const std::vector<Key>& ks);

  std::string name_;
  const Config& c_;
  const Dataset& d_;
  const Oracle& o_;
  const Workload& w_;
  std::string dir_;
  std::unique_ptr<Peer> peer_;
  Caps caps_;
  std::string phase_;
  double phase_t_ = 0;
  size_t k1_ = 0, kb_ = 0, kd_ = 0;  // how many mutations were done
};

}  // namespace peers
