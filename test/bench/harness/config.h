// What to run, and on what.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/bench/contract/peer.h"

namespace peers {

struct Config {
  bool quick = false, full = false;
  std::vector<std::string> data;
  uint64_t synthetic = 0, incompressible = 0, max_records = UINT64_MAX, seed = 42;
  unsigned scale = 1;
  std::vector<std::string> peers;
  std::string baseline = "rocksdb_naive", dir = "/tmp/peerbench", out, refs, emit;
  int repeats = 3;
  double budget = 0, write_budget = 0;
  bool cold = true, keep = false, list = false;
  uint64_t refs_max = 3000000;
  Options opt;
  // workload sizes
  size_t n_get = 0, n_node = 0, n_prop = 200, n_conf = 0, n_time = 0, n_source = 0, n_cold = 2000,
         n_touch = 10000;
};

// What the command line asks for.
struct Command {
  Config config;
  int exit = -1;  // 0 or more: stop with this (help, or a wrong option)
  // The program calls itself for the probes, which need a fresh process.
  bool probe = false;
  std::string probe_keys;
  double probe_budget = 1e9;
};
Command parse_command_line(int argc, char** argv);

// Fills in what the command line left open. Peers must be known.
void settle(Config& c);

// The names of all peers, the well-known ones first: registration order depends on linking.
std::vector<std::string> all_peers();
const PeerEntry& find_peer(const std::string& name);

}  // namespace peers
