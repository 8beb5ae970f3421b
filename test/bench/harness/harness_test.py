#!/usr/bin/env python3
"""Runs the harness over a few thousand records: sound peers must pass, a faulty one be found out.

    harness_test.py PROGRAM    PROGRAM: peerbench with test/bench/example/extra_peer.cpp in it
"""
import json
import os
import subprocess
import sys
import tempfile

RECORDS = 4000
# What the two faults of the peer "bad" touch: gets of some nodes, and queries by source.
PLANTED = ("get", "source_capped")
UNTOUCHED = ("scan", "node", "prop", "conf", "time", "deleted")


def run(program, folder, peers):
    out = os.path.join(folder, "result.json")
    command = [program, "--quick", "--synthetic", str(RECORDS), "--refs", "none", "--no-cold",
               "--repeats", "1", "--peers", ",".join(peers), "--dir", folder, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True)
    with open(out, encoding="utf-8") as text:
        return done, json.load(text)


def wrong(peer):
    return {name for name, check in peer["checks"].items() if not check["ok"]}


def main(program):
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        done, result = run(program, folder, ["caveat", "hashmap", "map"])
        for peer in result["peers"]:
            print("%s: %d checks, wrong: %s, error: %s" % (
                peer["peer"], len(peer["checks"]), sorted(wrong(peer)), peer["error"]))
            if peer["error"] or wrong(peer) or len(peer["checks"]) < 15:
                faults.append("%s does not pass" % peer["peer"])
        if done.returncode != 0 or not result["cross_check"]:
            faults.append("sound peers fail the run:\n" + done.stderr)

        done, result = run(program, folder, ["bad"])
        found = wrong(result["peers"][0])
        print("bad: wrong in %s" % sorted(found))
        for check in PLANTED:
            if check not in found:
                faults.append("the fault planted in %s is not found" % check)
        for check in UNTOUCHED:
            if check in found:
                faults.append("%s is right, and called wrong" % check)
        if done.returncode != 1 or "MISMATCH" not in done.stderr or "WRONG" not in done.stdout:
            faults.append("a wrong answer does not fail the run")
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
