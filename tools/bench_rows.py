"""The rows of the comparison that users ask about, out of peerbench's JSON."""
import json

ROCKSDB = "rocksdb_naive"
# One column family and no indexes: it answers no query, so it is a bound for writes alone.
BARE = "rocksdb_primary_only"

# key, label, unit, higher is better, the bare family counts
ROWS = (
    ("disk_bpr", "disk, compacted", "B/record", False, False),
    ("disk_after_load_closed_bpr", "disk, as loaded", "B/record", False, False),
    ("load_rps", "bulk load", "records/s", True, False),
    ("get_qps", "get, uniform", "ops/s", True, False),
    ("absent_qps", "get, absent", "ops/s", True, False),
    ("zipf_qps", "get, Zipf 0.99", "ops/s", True, False),
    ("cold_p50_us", "cold get, p50", "us", False, False),
    ("cold_read_kib", "cold get, read", "KiB", False, False),
    ("prop_rps", "by property", "results/s", True, False),
    ("conf_rps", "confidence range", "results/s", True, False),
    ("time_rps", "time range", "results/s", True, False),
    ("source_rps", "by source", "results/s", True, False),
    ("node_rps", "node scan", "results/s", True, False),
    ("scan_rps", "full scan", "records/s", True, False),
    ("upsert1_ops", "upsert, one by one", "ops/s", True, True),
    ("upsert1000_ops", "upsert, batches of 1000", "ops/s", True, True),
    ("delete_ops", "delete", "ops/s", True, True),
    ("open_ms", "open, warm", "ms", False, False),
    ("rss_mib", "resident after 10k gets", "MiB", False, False),
)


class Row:
    """One row: caveat's figure, RocksDB's, the best peer's; factors above 1 where caveat is ahead."""

    def __init__(self, row, peers):
        self.key, self.label, self.unit, self.higher, bare_counts = row
        figures = {name: metrics[self.key] for name, metrics in peers.items()
                   if self.key in metrics and (bare_counts or name != BARE)}
        self.caveat = figures.pop("caveat", None)
        self.rocksdb = figures.get(ROCKSDB)
        pick = max if self.higher else min
        self.best_name = pick(figures, key=figures.get) if figures else None
        self.best = figures.get(self.best_name)

    def factor(self, other):
        if not self.caveat or not other:
            return None
        return self.caveat / other if self.higher else other / self.caveat


def load(path):
    """-> (the whole result, rows that caveat has a figure for)"""
    with open(path, encoding="utf-8") as text:
        result = json.load(text)
    peers = {peer["peer"]: peer["metrics"] for peer in result["peers"] if not peer["error"]}
    rows = [Row(row, peers) for row in ROWS]
    return result, [row for row in rows if row.caveat is not None]


def title(result):
    data = result["dataset"]
    name = data["name"] + (" x %d" % data["scale"] if data["scale"] > 1 else "")
    return "%s, %s records" % (name, format(data["records"], ","))


def human(value):
    if value is None:
        return "-"
    for limit, divisor, unit in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return "%.3g%s" % (value / divisor, unit)
    return "%.0f" % value if abs(value) >= 1000 else "%.3g" % value


def times(factor):
    if factor is None:
        return "-"
    return ("%.0fx" if factor >= 100 else "%.1fx" if factor >= 10 else
            "%.2fx" if factor >= 0.1 else "%.2gx") % factor
