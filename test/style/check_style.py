#!/usr/bin/env python3
"""Runs the style rules.

    check_style.py TOP          over the project; fails if a rule finds anything
    check_style.py --planted    over each rule's bad sample; fails if a rule does not find it
"""
import os
import sys
import tempfile

from rules import RULES
from source import is_cpp, project_files


def check_project(top):
    files = project_files(top)
    faults = 0
    for rule, _ in RULES:
        for path, line, message in sorted(rule(files)):
            print("%s:%d: %s (%s)" % (path, line, message, rule.__name__))
            faults += 1
    print("%d files, %d rules, %d faults" % (len(files), len(RULES), faults))
    return 1 if faults else 0


def check_rules():
    blind = [rule.__name__ for rule, planted in RULES if not list(rule(planted))]
    for name in blind:
        print("%s does not find its planted fault" % name)
    unseen = files_not_looked_at()
    for name in unseen:
        print("%s would not be looked at" % name)
    print("%d rules, %d blind" % (len(RULES), len(blind)))
    return 1 if blind or unseen else 0


def files_not_looked_at():
    """Of those of each kind that we write, in a project of nothing else."""
    sources = ["engine/a.h", "engine/a.cpp", "test/host/a.c"]
    wanted = sources + ["test/a.py", "docs/a.md", "test/CMakeLists.txt"]
    with tempfile.TemporaryDirectory() as top:
        for name in wanted:
            os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
            with open(os.path.join(top, name), "w") as text:
                text.write("\n")
        seen = project_files(top)
    return [name for name in wanted if name not in seen] + [
        name for name in sources if not is_cpp(name)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check_rules() if sys.argv[1] == "--planted" else check_project(sys.argv[1]))
