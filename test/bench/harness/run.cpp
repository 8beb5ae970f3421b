#include "test/bench/harness/run.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "test/bench/harness/numbers.h"
#include "test/bench/harness/probe.h"

namespace fs = std::filesystem;

namespace peers {

Run::Run(const std::string& name, const Config& c, const Dataset& d, const Oracle& o,
         const Workload& w)
    : name_(name),
      c_(c),
      d_(d),
      o_(o),
      w_(w),
      dir_(c.dir + "/db-" + name),
      peer_(find_peer(name).make()),
      caps_(peer_->caps()) {}

void Run::all() {
  j["peer"] = name_;
  j["version"] = peer_->version();
  try {
    steps();
  } catch (const std::exception& e) {
    j["error"] = phase_ + ": " + e.what();
    fprintf(stderr, "  %s: ERROR in %s: %s\n", name_.c_str(), phase_.c_str(), e.what());
  }
  phase("");
}

void Run::phase(const std::string& p) {
  double t = now();
  if (!phase_.empty()) j["phase_s"][phase_] = t - phase_t_;
  phase_ = p;
  phase_t_ = t;
  if (getenv("PEERS_VERBOSE") && !p.empty())
    fprintf(stderr, "  %s: %s\n", name_.c_str(), p.c_str());
}

void Run::steps() {
  fs::remove_all(dir_);
  fs::create_directories(dir_);
  load();
  if (caps_.persistent) compact();
  if (!caps_.load_only) {
    if (caps_.persistent) open_and_probe();
    reads();
    if (caps_.mutations) mutations();
  }
  finish();
}

void Run::load() {
  const double dn = double(d_.recs.size());
  phase("load");
  const Rss r0 = rss();
  peer_->open(dir_, c_.opt);
  const double t = now(), cpu0 = cpu();
  peer_->bulk_load(d_.recs);
  const double load = now() - t;
  put("load_cpu_us", (cpu() - cpu0) / dn * 1e6);
  put("load_s", load);
  put("load_rps", dn / load);
  const Rss r1 = rss();
  const double anon = r1.anon - r0.anon, file = r1.file - r0.file;
  put("load_anon_mib", anon);
  if (caps_.persistent) {
    // As it is when the load returns, logs and all; and as a user finds it who closed the store.
    put("disk_after_load_bpr", double(disk_bytes(dir_)) / dn);
    peer_->close();
    put("disk_after_load_closed_bpr", double(disk_bytes(dir_)) / dn);
    peer_->open(dir_, c_.opt);
  } else {
    const uint64_t m = peer_->memory_bytes();
    put("mem_bpr", (m ? double(m) : anon * 1048576) / dn);
    put("rss_mib", anon + file);
    put("rss_anon_mib", anon);
    put("rss_bpr", (anon + file) * 1048576 / dn);
  }
}

void Run::compact() {
  phase("compact");
  const double t = now(), cpu0 = cpu();
  peer_->compact();
  put("compact_s", now() - t);
  put("compact_cpu_s", cpu() - cpu0);
  peer_->close();
  const double bytes = double(disk_bytes(dir_));
  put("disk_bytes", bytes);
  put("disk_bpr", bytes / double(d_.recs.size()));
}

void Run::open_and_probe() {
  phase("open");
  std::vector<double> open;
  for (int i = 0; i < std::max(3, c_.repeats); ++i) {
    const double t = now();
    peer_->open(dir_, c_.opt);
    open.push_back((now() - t) * 1e3);
    peer_->close();
  }
  put("open_ms", median(open));
  j["repeats"]["open_ms"] = open;
  phase("probe");
  json p = spawn_probe(name_, dir_, c_.dir + "/touch.keys", c_);
  const double mib = double(p["anon_mib"]) + double(p["file_mib"]);
  put("rss_mib", mib);
  put("rss_anon_mib", p["anon_mib"]);
  put("rss_file_mib", p["file_mib"]);
  put("rss_bpr", mib * 1048576 / double(d_.recs.size()));
  check_probe("rss_probe", p, w_.touch);
  if (c_.cold && drop_caches()) {
    p = spawn_probe(name_, dir_, c_.dir + "/cold.keys", c_);
    put("cold_open_ms", p["open_ms"]);
    put("cold_open_read_kib", p["open_read_kib"]);
    put("cold_p50_us", p["p50_us"]);
    put("cold_p99_us", p["p99_us"]);
    put("cold_read_kib", p["read_kib_per_get"]);
    check_probe("cold_get", p, w_.cold);
  }
  peer_->open(dir_, c_.opt);
}

void Run::finish() {
  peer_->close();
  peer_.reset();
  if (!c_.keep) fs::remove_all(dir_);
}

json run_forked(const std::string& name, const Config& c, const Dataset& d, const Oracle& o,
                const Workload& w) {
  const std::string out = c.dir + "/" + name + ".json";
  fs::remove(out);
  fflush(nullptr);
  pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    {
      Run r(name, c, d, o, w);
      r.all();
      std::ofstream(out) << r.j.dump();
    }
    fflush(nullptr);
    _exit(0);
  }
  int st;
  waitpid(pid, &st, 0);
  std::ifstream f(out);
  if (!f)
    return json{{"peer", name},
                {"error", "died (status " + std::to_string(st) + ")"},
                {"metrics", json::object()},
                {"checks", json::object()}};
  json j = json::parse(f);
  fs::remove(out);
  return j;
}

}  // namespace peers
