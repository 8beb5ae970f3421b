#!/usr/bin/env python3
"""The data set that tools/data/cldr.py makes is the reference, byte for byte.

    cldr_is_the_reference.py TOP WORK     77 (skipped) where the package is missing or another version

Leaves it in WORK, with the table of its nodes, for the tests that need real data.
"""
import hashlib
import os
import subprocess
import sys

PACKAGE, VERSION = "unicode-cldr-core", "41-0.1"
RECORDS = 469763
SHA256 = "07c5fe61d9fea00b5822f4162ebed68d18086a8da09ad7b8e8ba34939ea89ed7"
SKIPPED = 77


def installed_version():
    try:
        found = subprocess.run(["dpkg-query", "-W", "-f=${Version}", PACKAGE],
                               capture_output=True, text=True)
    except OSError:
        return ""
    return found.stdout if found.returncode == 0 else ""


def main(top, work):
    version = installed_version()
    if version != VERSION:
        print("skipped: the reference was made from %s %s; here is %s"
              % (PACKAGE, VERSION, version or "none"))
        return SKIPPED
    path = os.path.join(work, "cldr.ndjson")
    subprocess.run([sys.executable, os.path.join(top, "tools/data/cldr.py"), path,
                    "--nodes", os.path.join(work, "nodes.tsv")], check=True)
    digest, records = hashlib.sha256(), 0
    with open(path, "rb") as lines:
        for line in lines:
            digest.update(line)
            records += 1
    print("%d records, sha256 %s" % (records, digest.hexdigest()))
    if (records, digest.hexdigest()) != (RECORDS, SHA256):
        print("expected %d records, sha256 %s" % (RECORDS, SHA256))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
