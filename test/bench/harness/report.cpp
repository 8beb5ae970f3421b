#include "test/bench/harness/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>
#include <vector>

#include "test/bench/harness/numbers.h"
#include "test/bench/harness/rows.h"

namespace peers {

std::string table(const json& res, const std::string& baseline) {
  std::ostringstream o;
  const json* base = nullptr;
  std::vector<size_t> width;
  for (auto& p : res["peers"]) {
    if (p["peer"] == baseline) base = &p["metrics"];
    width.push_back(std::max<size_t>(17, std::string(p["peer"]).size() + 1));
  }
  const size_t L = 35;
  o << pad("", L, true);
  size_t i = 0;
  for (auto& p : res["peers"]) o << pad(p["peer"], width[i++]);
  o << "\n" << pad("", L, true);
  i = 0;
  for (auto& p : res["peers"]) o << pad(p.value("version", ""), width[i++]);
  o << "\n";
  for (auto& r : kRows) {
    bool any = false;
    for (auto& p : res["peers"]) any |= p["metrics"].contains(r.key);
    if (!any) continue;
    o << pad(r.label, L, true);
    i = 0;
    for (auto& p : res["peers"]) {
      auto& m = p["metrics"];
      std::string cell = "-";
      if (m.contains(r.key)) {
        double v = m[r.key];
        cell = human(v);
        if (base && base->contains(r.key)) {
          double b = (*base)[r.key];
          double x = r.higher ? v / b : b / v;
          char f[32];
          if (!std::isfinite(x))
            snprintf(f, sizeof f, "%8s", "");
          else
            snprintf(f, sizeof f, " %6sx",
                     x >= 1000 ? human(x).c_str()
                               : (x >= 100 ? std::to_string(int(x)).c_str() : human(x).c_str()));
          cell += f;
        } else {
          cell += "        ";
        }
      }
      o << pad(cell, width[i++]);
    }
    o << "\n";
  }
  o << pad("checks (ok / all)", L, true);
  i = 0;
  for (auto& p : res["peers"]) {
    size_t ok = 0, all = 0;
    for (auto& c : p["checks"]) ++all, ok += bool(c["ok"]);
    o << pad(p["error"].is_null()
                 ? std::to_string(ok) + "/" + std::to_string(all) + (ok == all ? "" : " WRONG")
                 : "ERROR",
             width[i++]);
  }
  o << "\n\nThe factor after a value: how many times better than " << baseline
    << " (>1 better, <1 worse, for every row).\n";
  o << "p50/p99 come from a separate pass with a clock reading around each call (adds ~40 ns).\n";
  for (auto& p : res["peers"])
    if (!p["error"].is_null())
      o << "ERROR " << std::string(p["peer"]) << ": " << std::string(p["error"]) << "\n";
  return o.str();
}

std::string checksums(const json& res) {
  std::ostringstream o;
  o << "\nChecksums (sum of XXH3-based record hashes) per operation; [n/m] = that many of the "
       "queries fitted the time budget:\n";
  std::vector<std::string> ops;
  for (auto& p : res["peers"])
    for (auto& [k, v] : p["checks"].items())
      if (std::find(ops.begin(), ops.end(), k) == ops.end()) ops.push_back(k);
  for (auto& op : ops) {
    std::map<std::string, std::vector<std::string>> groups;
    for (auto& p : res["peers"])
      if (p["checks"].contains(op)) {
        auto& c = p["checks"][op];
        std::string s = std::to_string(uint64_t(c["count"])) + " results, ";
        s += bool(c["exact"]) ? std::string(c["checksum"]) : "checksum free (limit)";
        if (c["queries"] != c["of"])
          s += " [" + std::to_string(uint64_t(c["queries"])) + "/" +
               std::to_string(uint64_t(c["of"])) + "]";
        s += bool(c["ok"]) ? " ok" : " WRONG";
        groups[s].push_back(p["peer"]);
      }
    o << "  " << op << ":\n";
    for (auto& [s, names] : groups) {
      o << "    " << pad(s, 52, true) << " ";
      for (auto& n : names) o << " " << n;
      o << "\n";
    }
  }
  return o.str();
}

}  // namespace peers
