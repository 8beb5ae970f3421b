#!/usr/bin/env python3
"""Shows a result of the comparison: caveat, RocksDB used directly, and the best of the others.

    bench-table.py RESULT.json                   for a terminal
    bench-table.py --markdown RESULT.json        for a document
    bench-table.py --tenth-of-rows RESULT.json   MiB: a tenth of the plain rows, for caches

A factor above 1: caveat is that many times better, whatever "better" is in the row.
"""
import sys

from bench_rows import human, load, times, title

HEAD = ("row", "unit", "caveat", "RocksDB", "factor", "best peer", "", "factor")


def cells(row):
    return (row.label, row.unit, human(row.caveat), human(row.rocksdb),
            times(row.factor(row.rocksdb)), human(row.best), row.best_name or "",
            times(row.factor(row.best)))


def show(lines, right):
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    for line in lines:
        print("  ".join(cell.rjust(width) if i in right else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())


def main(arguments):
    if not arguments or arguments[-1].startswith("-") or len(arguments) > 2:
        sys.exit(__doc__)
    result, rows = load(arguments[-1])
    if arguments[0] == "--tenth-of-rows":
        plain = result["sizes"]["payload_bpr"] * result["dataset"]["records"]
        print(max(1, round(plain / 10 / 2**20)))
    elif arguments[0] == "--markdown":
        print("Measured with `tools/bench`, %s: %s.\n" % (result["host"]["date"][:10], title(result)))
        print("| row | caveat | RocksDB, five families | factor | best peer | factor |")
        print("| --- | --- | --- | --- | --- | --- |")
        for row in rows:
            label, unit, own, rocksdb, over, best, name, over_best = cells(row)
            print("| %s, %s | %s | %s | %s | %s %s | %s |" % (
                label, unit, own, rocksdb, over, name, best, over_best))
    else:
        print(title(result), result["host"]["date"], "checks passed" if result.get("cross_check")
              else "CHECKS FAILED")
        show([HEAD] + [cells(row) for row in rows], right={2, 3, 4, 5, 7})
        behind = [row for row in rows if (row.factor(row.best) or 1) < 1]
        if behind:
            print("behind: " + ", ".join(
                "%s (%s %s)" % (row.label, row.best_name, times(row.factor(row.best)))
                for row in behind))


if __name__ == "__main__":
    main(sys.argv[1:])
