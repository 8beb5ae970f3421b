// peerbench: measures every peer (see peer.h) on the same exception records, in one run.
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "test/bench/data/dataset.h"
#include "test/bench/harness/config.h"
#include "test/bench/harness/numbers.h"
#include "test/bench/harness/probe.h"
#include "test/bench/harness/report.h"
#include "test/bench/harness/run.h"
#include "test/bench/harness/size_references.h"

namespace fs = std::filesystem;

namespace peers {
namespace {

void load_data(Dataset& d, Config& c) {
  if (c.incompressible != 0) {
    d.name = "incompressible-" + std::to_string(c.incompressible);
    make_incompressible(d, c.incompressible, c.seed);
  } else if (c.data.empty()) {
    if (!c.synthetic) c.synthetic = 1000000;
    d.name = "synthetic-" + std::to_string(c.synthetic);
    make_synthetic(d, c.synthetic, c.seed);
  } else {
    for (auto& f : c.data) {
      load_ndjson(d, f, c.max_records);
      std::string b = fs::path(f).filename();
      d.name += (d.name.empty() ? "" : "+") + b.substr(0, b.find('.'));
    }
  }
  finish_dataset(d, c.scale, c.seed);
  if (d.recs.empty()) throw std::runtime_error("no records");
}

void emit(const Dataset& d, const std::string& path) {
  std::ofstream f(path, std::ios::binary);
  std::string line;
  for (auto& r : d.recs) {
    line.clear();
    append_ndjson(line, r);
    f << line;
  }
}

size_t count_nodes(const Dataset& d, const Oracle& o) {
  size_t nodes = 0;
  for (size_t i = 0; i < d.recs.size(); ++i)
    nodes += !i || d.recs[o.by_key.ids[i]].node != d.recs[o.by_key.ids[i - 1]].node;
  return nodes;
}

// What was run, on what, where; the peers are added as they finish.
json head_of(const Config& c, const Dataset& d, const Oracle& o, size_t nodes) {
  json res;
  res["host"] = host_info();
  res["dataset"] = {{"name", d.name},
                    {"records", d.recs.size()},
                    {"nodes", nodes},
                    {"properties", d.props.size()},
                    {"duplicates_dropped", d.duplicates},
                    {"scale", c.scale},
                    {"seed", c.seed},
                    {"checksum", hex(o.sum)}};
  const char* mode = c.quick ? "quick" : c.full ? "full" : "default";
  res["config"] = {{"mode", mode},         {"repeats", c.repeats},
                   {"budget_s", c.budget}, {"write_budget_s", c.write_budget},
                   {"options", c.opt.kv},  {"baseline", c.baseline}};
  return res;
}

bool all_good(const json& peer) {
  bool good = peer["error"].is_null();
  for (auto& k : peer["checks"]) good &= bool(k["ok"]);
  return good;
}

std::string to_text(const json& res, const std::string& baseline, bool good) {
  const json& d = res["dataset"];
  std::ostringstream txt;
  txt << std::string(d["name"]) << ": " << d["records"] << " records, " << d["nodes"] << " nodes, "
      << d["properties"] << " properties, scale " << d["scale"] << ", mode "
      << std::string(res["config"]["mode"]) << ", " << std::string(res["host"]["date"]) << "\n";
  txt << "bytes/record:";
  for (auto& [k, v] : res["sizes"].items())
    if (k.size() > 4 && k.substr(k.size() - 4) == "_bpr")
      txt << "  " << k.substr(0, k.size() - 4) << " " << human(v);
  txt << "\n\n" << table(res, baseline) << checksums(res);
  txt << "\ncross-check: " << (good ? "PASSED" : "FAILED") << "\n";
  return txt.str();
}

int run(Config& c) {
  settle(c);
  for (auto& p : c.peers) find_peer(p);
  fs::create_directories(c.dir);
  double t = now();
  Dataset d;
  load_data(d, c);
  if (!c.emit.empty()) {
    emit(d, c.emit);
    return 0;
  }
  const Oracle o(d.recs);
  const size_t nodes = count_nodes(d, o);
  Workload w;
  make_workload(w, d, o, c);
  write_keys(c.dir + "/touch.keys", w.touch);
  write_keys(c.dir + "/cold.keys", w.cold);
  fprintf(stderr,
          "%s: %zu records, %zu nodes, %zu properties, %" PRIu64
          " duplicates dropped, scale %u; prepared in %.1f s; checksum %s\n",
          d.name.c_str(), d.recs.size(), nodes, d.props.size(), d.duplicates, c.scale, now() - t,
          hex(o.sum).c_str());
  json res = head_of(c, d, o, nodes);
  t = now();
  res["sizes"] = size_refs(c, d);
  fprintf(stderr, "size references: %.1f s\n", now() - t);
  res["peers"] = json::array();
  bool good = true;
  for (auto& p : c.peers) {
    t = now();
    fprintf(stderr, "%s ...\n", p.c_str());
    res["peers"].push_back(run_forked(p, c, d, o, w));
    good &= all_good(res["peers"].back());
    fprintf(stderr, "%s: %.1f s\n", p.c_str(), now() - t);
    std::ofstream(c.out) << res.dump(1) << "\n";  // after each peer, in case of a crash
  }
  const std::string text = to_text(res, c.baseline, good);
  res["cross_check"] = good;
  std::ofstream(c.out) << res.dump(1) << "\n";
  std::ofstream(fs::path(c.out).replace_extension(".txt")) << text;
  std::cout << text;
  fprintf(stderr, "written: %s\n", c.out.c_str());
  return good ? 0 : 1;
}

int start(int argc, char** argv) {
  Command command = parse_command_line(argc, argv);
  if (command.exit >= 0) return command.exit;
  try {
    if (command.probe) return probe_main(command);
    if (command.config.list) {
      for (auto& n : all_peers())
        printf("%-24s %s\n", n.c_str(), find_peer(n).make()->version().c_str());
      return 0;
    }
    return run(command.config);
  } catch (const std::exception& e) {
    fprintf(stderr, "peerbench: %s\n", e.what());
    return 1;
  }
}

}  // namespace
}  // namespace peers

int main(int argc, char** argv) {
  return peers::start(argc, argv);
}
