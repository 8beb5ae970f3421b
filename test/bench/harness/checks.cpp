// What makes a wrong answer visible.
#include <cinttypes>
#include <cstdio>

#include "test/bench/harness/numbers.h"
#include "test/bench/harness/run.h"

namespace peers {

void Run::check_probe(const std::string& op, const json& p, const std::vector<Key>& ks) {
  size_t done = p["done"];
  uint64_t want = 0;
  for (size_t i = 0; i < done; ++i) want += o_.rh[*o_.find(ks[i].node, ks[i].prop)];
  check(op, p["count"], done, std::stoull(std::string(p["sum"]), nullptr, 16), want, true, done,
        ks.size());
}

void Run::check(const std::string& op, uint64_t count, uint64_t xcount, uint64_t sum, uint64_t xsum,
                bool exact, size_t done, size_t of) {
  const bool ok = count == xcount && (!exact || sum == xsum);
  json& c = j["checks"][op];
  if (c.is_null())
    c = json{{"ok", ok},       {"count", count},  {"checksum", hex(sum)},
             {"exact", exact}, {"queries", done}, {"of", of}};
  if (!ok) {
    c["ok"] = false;
    c["mismatch"] = {{"count", count},
                     {"expected_count", xcount},
                     {"checksum", hex(sum)},
                     {"expected_checksum", hex(xsum)}};
    fprintf(stderr,
            "  %s: MISMATCH in %s: %" PRIu64 " results (expected %" PRIu64 "), checksum %016" PRIx64
            " (expected %016" PRIx64 "%s)\n",
            name_.c_str(), op.c_str(), count, xcount, sum, xsum, exact ? "" : ", not binding");
  }
}

}  // namespace peers
