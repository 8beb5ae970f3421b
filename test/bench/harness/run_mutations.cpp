// Upserts and deletes: their rates, then whether every access path shows them, before and after
// reopening.
#include <algorithm>

#include "test/bench/harness/run.h"

namespace peers {

template <class F>
void Run::each_change(F&& f) const {  // f(record, +1 or -1)
  for (size_t i = 0; i < k1_; ++i) f(d_.recs[w_.up1_old[i]], -1), f(w_.up1[i], +1);
  for (size_t i = 0; i < kb_; ++i) f(d_.recs[w_.upb_old[i]], -1), f(w_.upb[i], +1);
  for (size_t i = 0; i < kd_; ++i) f(d_.recs[w_.del[i]], -1);
}

// What a query must deliver after the changes that its condition `pred` lets through.
template <class P>
Exp Run::changed(Exp x, P&& pred) const {
  each_change([&](const Record& r, int sign) {
    if (!pred(r)) return;
    x.total += uint64_t(int64_t(sign));
    x.sum += sign > 0 ? record_hash(r) : 0 - record_hash(r);
  });
  return x;
}

// Calls step(done), which says how many more it wrote, until all are or the budget is used up.
template <class Step>
void Run::timed_writes(const std::string& op, size_t& done, size_t of, size_t look_every,
                       Step&& step) {
  phase(op);
  const double t = now(), end = t + c_.write_budget, cpu0 = cpu();
  for (size_t calls = 1; done < of; ++calls) {
    done += step(done);
    if (calls % look_every == 0 && now() > end) break;
  }
  put(op + "_ops", double(done) / (now() - t));
  put(op + "_cpu_us", (cpu() - cpu0) / double(done) * 1e6);
}

void Run::mutations() {
  timed_writes("upsert1", k1_, w_.up1.size(), 16, [&](size_t i) {
    peer_->upsert(w_.up1[i]);
    return size_t{1};
  });
  timed_writes("upsert1000", kb_, w_.upb.size(), 1, [&](size_t i) {
    const size_t m = std::min(kBatch, w_.upb.size() - i);
    peer_->upsert_batch({&w_.upb[i], m});
    return m;
  });
  size_t had = 0;
  timed_writes("delete", kd_, w_.del.size(), 16, [&](size_t i) {
    had += peer_->erase(key_of(d_.recs[w_.del[i]]));
    return size_t{1};
  });
  check("deleted", had, kd_, 0, 0, true, kd_, w_.del.size());
  j["mutations_done"] = {{"upsert1", k1_},
                         {"upsert1000", kb_},
                         {"delete", kd_},
                         {"of", {w_.up1.size(), w_.upb.size(), w_.del.size()}}};
  verify();
  if (caps_.persistent) {
    phase("reopen");
    peer_->close();
    put("disk_after_mutations_bpr", double(disk_bytes(dir_)) / double(d_.recs.size()));
    peer_->open(dir_, c_.opt);
    verify_queries("reopen");
    peer_->close();
  }
}

void Run::verify() {
  phase("verify");
  if (peer_->erase(key_of(d_.recs[w_.del[0]]))) check("delete_again", 1, 0, 0, 0, true, 1, 1);
  Sink s;
  uint64_t sum = 0, cnt = 0;
  const size_t m = c_.quick ? 100 : 1000;
  const auto there = [&](const Record& r) {
    peer_->get(key_of(r), s);
    sum += record_hash(r);
    ++cnt;
  };
  for (size_t i = 0; i < std::min(k1_, m); ++i) there(w_.up1[i]);
  for (size_t i = 0; i < std::min(kb_, m); ++i) there(w_.upb[i]);
  for (size_t i = 0; i < std::min(kd_, m); ++i) peer_->get(key_of(d_.recs[w_.del[i]]), s);
  check("mut_get", s.count, cnt, s.sum, sum, true, cnt, cnt);
  verify_queries("mut");
}

void Run::verify_queries(const std::string& tag) {
  const size_t m = c_.quick ? 5 : 20;
  const uint64_t most =
      c_.quick ? 5000 : kNoLimit;  // results of a query; quick leaves the large ones out
  auto one = [&](const char* what, Exp x, auto&& f) {
    if (x.total > most) return;
    Sink s;
    f(s);
    check(tag + "_" + what, s.count, x.total, s.sum, x.sum, true, 1, 1);
  };
  {
    Sink s;
    peer_->scan_all(s);
    Exp x = changed({o_.recs.size(), o_.sum, kNoLimit}, [](auto&) { return true; });
    check(tag + "_scan", s.count, x.total, s.sum, x.sum, true, 1, 1);
  }
  for (size_t i = 0; i < std::min(m, w_.nodes.size()); ++i)
    one("node", changed(w_.nodes_x[i], [&](auto& r) { return r.node == w_.nodes[i]; }),
        [&](Sink& s) { peer_->scan_node(w_.nodes[i], s); });
  if (caps_.by_property)
    for (size_t i = 0; i < std::min(m, w_.props.size()); ++i)
      one("prop", changed(w_.props_x[i], [&](auto& r) { return r.prop == w_.props[i].hash; }),
          [&](Sink& s) { peer_->by_property(w_.props[i], kNoLimit, s); });
  if (caps_.by_confidence)
    for (size_t i = 0; i < std::min(m, w_.conf.size()); ++i) {
      const float lo = w_.conf[i].first, hi = w_.conf[i].second;
      Exp base = w_.conf_x[i];
      base.limit = kNoLimit;  // the whole range, whatever the cap
      one("conf", changed(base, [&](auto& r) { return r.confidence >= lo && r.confidence <= hi; }),
          [&](Sink& s) { peer_->by_confidence(lo, hi, kNoLimit, s); });
    }
  if (caps_.by_time)
    for (size_t i = 0; i < std::min(m, w_.time.size()); ++i) {
      const int64_t lo = w_.time[i].first, hi = w_.time[i].second;
      Exp base = w_.time_x[i];
      base.limit = kNoLimit;
      one("time", changed(base, [&](auto& r) { return r.created_ns >= lo && r.created_ns <= hi; }),
          [&](Sink& s) { peer_->by_time(lo, hi, kNoLimit, s); });
    }
  if (caps_.by_source)
    for (uint8_t k = c_.quick ? uint8_t(Source::Conflict) : 0;
         k < (c_.quick ? uint8_t(Source::Imported) : kSourceCount); ++k)
      one("source", changed(o_.source(k, kNoLimit), [&](auto& r) { return r.source == k; }),
          [&](Sink& s) { peer_->by_source(k, kNoLimit, s); });
}

}  // namespace peers
