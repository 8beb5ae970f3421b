// Gets, scans and queries: their rates, then their latencies.
#include <algorithm>
#include <unordered_set>

#include "test/bench/harness/numbers.h"
#include "test/bench/harness/run.h"

namespace peers {

void Run::reads() {
  scan();
  phase("get");
  {  // warm up
    Sink s;
    const double end = now() + c_.budget;
    for (size_t i = 0; i < w_.get.size() && (i % 32 || now() < end); ++i) peer_->get(w_.get[i], s);
  }
  queries("get", w_.get_x, [&](size_t i, Sink& s) { peer_->get(w_.get[i], s); });
  phase("absent");
  queries("absent", w_.absent_x, [&](size_t i, Sink& s) { peer_->get(w_.absent[i], s); });
  phase("zipf");
  queries("zipf", w_.zipf_x, [&](size_t i, Sink& s) { peer_->get(w_.zipf[i], s); });
  phase("node");
  queries("node", w_.nodes_x, [&](size_t i, Sink& s) { peer_->scan_node(w_.nodes[i], s); });
  if (caps_.by_property) {
    phase("prop");
    queries("prop", w_.props_x,
            [&](size_t i, Sink& s) { peer_->by_property(w_.props[i], kNoLimit, s); });
  }
  if (caps_.by_confidence) {
    phase("conf");
    queries(
        "conf", w_.conf_x,
        [&](size_t i, Sink& s) {
          peer_->by_confidence(w_.conf[i].first, w_.conf[i].second, kConfLimit, s);
        },
        [&](size_t i, const Sink::Seen& x) {
          return x.confidence >= w_.conf[i].first && x.confidence <= w_.conf[i].second;
        });
  }
  if (caps_.by_time) {
    phase("time");
    queries(
        "time", w_.time_x,
        [&](size_t i, Sink& s) {
          peer_->by_time(w_.time[i].first, w_.time[i].second, kTimeLimit, s);
        },
        [&](size_t i, const Sink::Seen& x) {
          return x.created_ns >= w_.time[i].first && x.created_ns <= w_.time[i].second;
        });
  }
  if (caps_.by_source) {
    phase("source");
    queries(
        "source", w_.source_x,
        [&](size_t i, Sink& s) { peer_->by_source(w_.source[i], kSourceLimit, s); },
        [&](size_t i, const Sink::Seen& x) { return x.source == w_.source[i]; });
  }
}

void Run::scan() {
  phase("scan");
  const size_t n = d_.recs.size();
  std::vector<double> v;
  for (int i = 0; i < c_.repeats; ++i) {
    Sink s;
    const double t = now();
    peer_->scan_all(s);
    v.push_back(double(n) / (now() - t));
    if (i == 0) check("scan", s.count, n, s.sum, o_.sum, true, 1, 1);
  }
  put("scan_rps", median(v));
  j["repeats"]["scan_rps"] = v;
}

template <class F>
void Run::queries(const std::string& op, const std::vector<Exp>& x, F&& f) {
  if (x.empty()) return;
  throughput(op, x, f);
  latencies(op, x, f);
}

template <class F, class P>
void Run::queries(const std::string& op, const std::vector<Exp>& x, F&& f, P&& pred) {
  queries(op, x, f);
  // queries that hit their limit may return any matching records: look at each of them
  int done = 0;
  for (size_t i = 0; i < x.size() && done < 5; ++i) {
    if (!x[i].capped()) continue;
    ++done;
    std::vector<Sink::Seen> seen;
    Sink v;
    v.capture = &seen;
    f(i, v);
    uint64_t good = 0;
    std::unordered_set<uint32_t> ids;
    for (auto& r : seen) {
      auto id = o_.find(r.node, r.prop);
      if (id && o_.rh[*id] == r.hash && pred(i, r) && ids.insert(*id).second) ++good;
    }
    check(op + "_capped", good, x[i].count(), v.count, v.count, true, 1, 1);
  }
}

// Runs all queries, or as many as fit the budget, `repeats` times.
template <class F>
void Run::throughput(const std::string& op, const std::vector<Exp>& x, F&& f) {
  const size_t nq = x.size();
  const size_t all_exact =
      nq - size_t(std::count_if(x.begin(), x.end(), [](auto& e) { return e.capped(); }));
  std::vector<double> qps, rps, cpus;
  const size_t step = x[0].total <= 1 ? 32 : 1;  // how often to look at the clock
  for (int rep = 0; rep < c_.repeats; ++rep) {
    Sink s, capped;  // what a query with a limit returned has no checksum of its own
    size_t i = 0;
    const double t = now(), end = t + c_.budget, cpu0 = cpu();
    while (i < nq) {
      const size_t e = std::min(nq, i + step);
      for (; i < e; ++i) f(i, x[i].capped() ? capped : s);
      if (i < nq && now() > end) break;
    }
    const double dt = now() - t;
    cpus.push_back((cpu() - cpu0) / double(i) * 1e6);
    qps.push_back(double(i) / dt);
    rps.push_back(double(s.count + capped.count) / dt);
    uint64_t count = 0, sum = 0, ccount = 0;
    size_t nc = 0;
    for (size_t k = 0; k < i; ++k) {
      if (x[k].capped()) {
        ccount += x[k].count(), ++nc;
      } else {
        count += x[k].total, sum += x[k].sum;
      }
    }
    if (i > nc) check(op, s.count, count, s.sum, sum, true, i - nc, all_exact);
    if (nc) check(op + "_capped_n", capped.count, ccount, 0, 0, true, nc, nc);
  }
  put(op + "_qps", median(qps));
  put(op + "_rps", median(rps));
  put(op + "_cpu_us", median(cpus));
  j["repeats"][op + "_qps"] = qps;
}

// Once more, with a clock around each call.
template <class F>
void Run::latencies(const std::string& op, const std::vector<Exp>& x, F&& f) {
  std::vector<float> lat, lat100;
  Sink s;
  const double end = now() + c_.budget;
  for (size_t i = 0; i < x.size(); ++i) {
    const double a = now();
    f(i, s);
    const double b = now();
    lat.push_back(float(b - a));
    if (x[i].count() >= 50 && x[i].count() <= 200) lat100.push_back(float(b - a));
    if (b > end) break;
  }
  put(op + "_p50_us", percentile(lat, .5) * 1e6);
  put(op + "_p99_us", percentile(lat, .99) * 1e6);
  if (op == "prop" && !lat100.empty()) {
    put("prop100_p50_us", percentile(lat100, .5) * 1e6);
    put("prop100_n", double(lat100.size()));
  }
}

}  // namespace peers
