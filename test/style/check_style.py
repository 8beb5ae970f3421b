#!/usr/bin/env python3
"""Runs the style rules.

    check_style.py TOP          over the project; fails if a rule finds anything
    check_style.py --planted    over each rule's bad sample; fails if a rule does not find it
"""
import sys

from rules import RULES
from source import project_files


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
    print("%d rules, %d blind" % (len(RULES), len(blind)))
    return 1 if blind else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(check_rules() if sys.argv[1] == "--planted" else check_project(sys.argv[1]))
