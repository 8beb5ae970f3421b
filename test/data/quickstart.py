#!/usr/bin/env python3
"""Runs tools/quickstart with a tool that is built already, on a sample of the data: what it promises to show
is shown.

    quickstart.py TOP CAVEAT DATA WORK    DATA holds cldr.ndjson and nodes.tsv; 77 (skipped) where not
"""
import os
import re
import shutil
import subprocess
import sys

SKIPPED = 77
SAMPLE = 20_000


def run(top, caveat, work, *more):
    done = subprocess.run([os.path.join(top, "tools", "quickstart"), "--with", caveat, "--work", work, *more],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=250,
                          check=False)
    return done.returncode, done.stdout


def main(top, caveat, data, work):
    if not os.path.exists(os.path.join(data, "nodes.tsv")):
        print("skipped: there is no data; the test that makes it was skipped")
        return SKIPPED
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    for name in ("cldr.ndjson", "nodes.tsv"):
        os.symlink(os.path.join(data, name), os.path.join(work, name))
    status, said = run(top, caveat, work, "--sample", str(SAMPLE))
    missing = [pattern for pattern in (
        r"\n(\d\d),?\d{3}\n",  # what count prints
        r'"actual":"euro"', r"has no exception of property", r'"source":"Promoted"', r'"actual":"Tag"',
        r"through .*: \d+ of \d+ partitions", r"the store is sound", r"== Done in \d+ min")
        if not re.search(pattern, said)]
    loaded = re.search(r"(\d+) records, \d+ bytes", said)
    if status or missing or not loaded or not SAMPLE * 0.8 < int(loaded[1]) < SAMPLE * 2:
        print(said, "status %d; not said: %s" % (status, missing), sep="\n")
        return 1
    # What goes wrong is said, and is no success: here, a tool that fails.
    status, said = run(top, "/bin/false", work, "--sample", "100")
    if status == 0 or "quickstart: failed" not in said:
        print("a tool that fails was not noticed:", said, sep="\n")
        return 1
    print("%s records loaded, asked and verified" % loaded[1])
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*map(os.path.abspath, sys.argv[1:])))
