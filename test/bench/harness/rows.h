// The rows of the table, in order.
#pragma once

namespace peers {

struct Row {
  const char* key;
  const char* label;
  bool higher;  // higher is better
};
inline constexpr Row kRows[] = {
    {"load_rps", "(1) bulk load, records/s", true},
    {"load_cpu_us", "    CPU, us/record", false},
    {"compact_s", "(1b) full compaction, s", false},
    {"compact_cpu_s", "    CPU, s", false},
    {"disk_after_load_bpr", "(2) disk after load, B/record", false},
    {"disk_after_load_closed_bpr", "    the same, closed", false},
    {"disk_bpr", "(2) disk compacted, B/record", false},
    {"mem_bpr", "    memory (malloc), B/record", false},
    {"load_anon_mib", "    anon RSS after load, MiB", false},
    {"rss_mib", "(3) RSS, reopened + 10k gets, MiB", false},
    {"rss_anon_mib", "    of this anonymous, MiB", false},
    {"get_qps", "(4) get uniform, ops/s", true},
    {"get_p50_us", "    p50, us", false},
    {"get_p99_us", "    p99, us", false},
    {"get_cpu_us", "    CPU, us/op", false},
    {"absent_qps", "(4) get absent, ops/s", true},
    {"absent_p50_us", "    p50, us", false},
    {"absent_p99_us", "    p99, us", false},
    {"absent_cpu_us", "    CPU, us/op", false},
    {"zipf_qps", "(5) get zipf 0.99, ops/s", true},
    {"zipf_p50_us", "    p50, us", false},
    {"zipf_p99_us", "    p99, us", false},
    {"zipf_cpu_us", "    CPU, us/op", false},
    {"cold_p50_us", "(6) cold get p50, us", false},
    {"cold_p99_us", "    p99, us", false},
    {"cold_read_kib", "    read from disk, KiB/get", false},
    {"prop_rps", "(7) by property, results/s", true},
    {"prop100_p50_us", "    ~100 results, p50 us", false},
    {"prop_cpu_us", "    CPU, us/query", false},
    {"conf_rps", "(8) confidence range, results/s", true},
    {"conf_cpu_us", "    CPU, us/query", false},
    {"time_rps", "(9) time range ~1000, results/s", true},
    {"time_p50_us", "    p50, us", false},
    {"time_cpu_us", "    CPU, us/query", false},
    {"source_rps", "(10) by source, results/s", true},
    {"source_cpu_us", "    CPU, us/query", false},
    {"node_qps", "(11) node scan, nodes/s", true},
    {"node_rps", "     results/s", true},
    {"node_p50_us", "     p50, us", false},
    {"node_cpu_us", "    CPU, us/query", false},
    {"upsert1_ops", "(12) upsert, batch 1, ops/s", true},
    {"upsert1_cpu_us", "    CPU, us/op", false},
    {"upsert1000_ops", "(12) upsert, batch 1000, ops/s", true},
    {"upsert1000_cpu_us", "    CPU, us/op", false},
    {"delete_ops", "(13) delete, ops/s", true},
    {"delete_cpu_us", "    CPU, us/op", false},
    {"disk_after_mutations_bpr", "     disk after these, B/record", false},
    {"scan_rps", "(14) full scan, records/s", true},
    {"open_ms", "(15) open, warm, ms", false},
    {"cold_open_ms", "     open, cold, ms", false},
};

}  // namespace peers
