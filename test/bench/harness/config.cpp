#include "test/bench/harness/config.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace peers {

const PeerEntry& find_peer(const std::string& name) {
  for (auto& e : registry())
    if (e.name == name) return e;
  throw std::runtime_error("no such peer: " + name);
}

std::vector<std::string> all_peers() {
  static const char* order[] = {"caveat",
                                "rocksdb_naive",
                                "rocksdb_naive_nocheck",
                                "rocksdb_primary_only",
                                "sqlite",
                                "sqlite_lateindex",
                                "lmdb",
                                "leveldb",
                                "duckdb",
                                "duckdb_indexed",
                                "hashmap",
                                "hashmap_primary_only"};
  std::vector<std::string> all;
  for (auto* o : order)
    for (auto& e : registry())
      if (e.name == o) all.push_back(o);
  for (auto& e : registry())
    if (std::find(all.begin(), all.end(), e.name) == all.end()) all.push_back(e.name);
  return all;
}

Command parse_command_line(int argc, char** argv) {
  Command command;
  Config& c = command.config;
  std::vector<std::string> opts;
  CLI::App app{"Benchmark of stores for exception records. With no --data: --synthetic 1000000."};
  app.add_option("--data", c.data, "NDJSON file(s), .zst or plain")->delimiter(',');
  app.add_option("--synthetic", c.synthetic, "generate N records instead");
  app.add_option("--incompressible", c.incompressible,
                 "generate N records of random bytes instead");
  app.add_option("--max-records", c.max_records, "read at most so many lines");
  app.add_option("--scale", c.scale,
                 "replicate K times with shifted nodes and perturbed timestamps");
  app.add_option("--seed", c.seed);
  app.add_option("--peers", c.peers, "which peers, in which order (default: all)")->delimiter(',');
  app.add_option("--baseline", c.baseline, "the column the factors refer to");
  app.add_option("--dir", c.dir, "where the stores are put");
  app.add_option(
      "--out", c.out,
      "result JSON (default: <dir>/result.json); the table goes to the same name with .txt");
  app.add_option("--repeats", c.repeats);
  app.add_option("--budget", c.budget, "seconds per repeat of a read operation");
  app.add_option("--write-budget", c.write_budget, "seconds per write operation");
  app.add_option(
         "--refs", c.refs,
         "compressed-size references: none, fast (zstd -3), all (+ zstd -19 --long=27, xz -9e)")
      ->check(CLI::IsMember({"none", "fast", "all"}));
  app.add_option("--refs-max", c.refs_max, "no slow references above so many records");
  app.add_option("--opt", opts, "peer option name=value, repeatable");
  app.add_option("--emit-ndjson", c.emit,
                 "write the records as NDJSON in (shuffled) arrival order and stop");
  app.add_flag("--quick", c.quick, "200k records, short budgets, < 60 s");
  app.add_flag("--full", c.full, "long budgets, all references");
  app.add_flag("!--no-cold", c.cold, "do not drop the page cache");
  app.add_flag("--keep", c.keep, "keep the stores");
  app.add_flag("--list", c.list, "list the peers");
  app.add_flag("--probe", command.probe)->group("");
  app.add_option("--probe-keys", command.probe_keys)->group("");
  app.add_option("--probe-budget", command.probe_budget)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    command.exit = app.exit(e);
    return command;
  }
  for (auto& s : opts) {
    auto e = s.find('=');
    if (e == std::string::npos) {
      fprintf(stderr, "--opt needs name=value: %s\n", s.c_str());
      command.exit = 2;
      return command;
    }
    c.opt.kv[s.substr(0, e)] = s.substr(e + 1);
  }
  return command;
}

void settle(Config& c) {
  if (c.peers.empty()) {
    c.peers = all_peers();
    if (c.quick) std::erase(c.peers, "sqlite_lateindex");  // to stay within a minute
  }
  auto dflt = [](auto& v, auto x) {
    if (!v) v = decltype(+v)(x);
  };
  if (c.quick) {
    if (c.data.empty()) dflt(c.synthetic, 200000);
    c.max_records = std::min<uint64_t>(c.max_records, 200000);
    dflt(c.budget, 0.07), dflt(c.write_budget, 0.35);
    c.n_get = 20000, c.n_node = 2000, c.n_conf = 30, c.n_time = 50, c.n_source = 20;
  } else {
    dflt(c.budget, c.full ? 10.0 : 2.0), dflt(c.write_budget, c.full ? 30.0 : 5.0);
    c.n_get = c.full ? 200000 : 50000, c.n_node = c.full ? 20000 : 5000, c.n_conf = 100,
    c.n_time = 200, c.n_source = 100;
  }
  if (c.refs.empty()) c.refs = c.full ? "all" : "fast";
  if (c.out.empty()) c.out = c.dir + "/result.json";
}

}  // namespace peers
