#!/usr/bin/env python3
"""Turns Unicode CLDR into exceptions: NDJSON for `caveat import`.

    tools/data/cldr.py OUT.ndjson [--root DIR] [--nodes FILE]

A locale inherits from its parent locale: en_GB from en_001, that from en, that from root. A record
says that a locale states another value for a path than it would inherit; the rest of CLDR is left
out. The input is Debian's package unicode-cldr-core and nothing else, and the output depends on
nothing but its version: 41-0.1 gives 469,763 records.

What becomes what:
  node        one for each (locale, branch of the tree), numbered from 1 in sorted order: "the euro
              in Polish". --nodes writes the table: node, locale, branch, parent node or nothing.
  property    the path in the tree (see ldml.py).
  source      the draft status: none or approved Explicit, contributed Imported, provisional
              Detected, unconfirmed Conflict. A value that competes with the plain one
              (alt="variant") is Conflict; an approved one of a macro region (001, 150, 419) was
              moved up from the locales below it and is Promoted.
  confidence  the draft status, less 2% for each locale passed on the way to the origin beyond the
              first, less 5% where the inherited value is an alias or lateral, 10% where a code.
  created_at  the files carry no date per value, so a rule makes one: a node K was edited in one
              sitting that began 1 + crc32(K) mod 140 days before its file's date, and each value
              follows the one before it by 1 + crc32(property) mod 45 seconds.
"""
import argparse
import gc
import json
import os
import re
import sys
import time
import zlib
from typing import NamedTuple

import ldml
import supplemental

DEFAULT_ROOT = "/usr/share/unicode/cldr/common"

CONFIDENCE = {None: 1.0, "approved": 1.0, "contributed": 0.9, "provisional": 0.6,
              "unconfirmed": 0.3}
CONFIDENCE_BY_KIND = {"parent": 1, "code": 0.9}  # of the inherited value; others 0.95
SOURCE = {None: "Explicit", "approved": "Explicit", "contributed": "Imported",
          "provisional": "Detected", "unconfirmed": "Conflict"}
ALT = re.compile(r'\[@alt="([^"]+)"\]')
MACRO_REGION = re.compile(r"_(\d{3})$")

DAY = 86400  # seconds


class Record(NamedTuple):
    node: tuple       # (locale, branch)
    order: int        # within the node, as in the source file
    property: str
    inherited: object
    actual: object
    reason: str
    source: str
    confidence: float
    file_time: int    # seconds


# --- Locales -------------------------------------------------------------------------------------

def describe(locale, found, draft, alt):
    """The reason, for people: which locale overrides which, and how."""
    own = found.origin == locale
    text = "%s overrides %s" % (locale, "its own" if own else found.origin)
    if found.kind == "alias":
        text += " aliased path" if own else " (aliased path)"
    elif found.kind.startswith("lateral"):
        text += " other form" if own else ""
        text += " (by %s)" % found.kind.split()[1]
    if draft:
        text += "; draft " + draft
    if alt:
        text += "; alt " + alt
    return text


def source_of(draft, alt, in_macro_region):
    if alt == "variant":
        return "Conflict"
    source = SOURCE[draft]
    return "Promoted" if source == "Explicit" and in_macro_region else source


def confidence_of(draft, found):
    confidence = CONFIDENCE[draft] * (1 - 0.02 * max(0, found.hops - 1))
    return round(confidence * CONFIDENCE_BY_KIND.get(found.kind, 0.95), 4)


def locale_records(locales):
    branch_of = ldml.split_into_branches(locales.stated)
    for locale in sorted(locales.stated):
        if locale == "root":
            continue
        in_macro_region = bool(MACRO_REGION.search(locale))
        for order, (path, leaf) in enumerate(locales.stated[locale].items()):
            found = locales.inherited(locale, path)
            if found is None or found.value == leaf.value:
                continue
            match = ALT.search(path)
            alt = match.group(1) if match else None
            folder = "annotations" if path.startswith("annotations/") else "main"
            yield Record((locale, branch_of[path]), order, path, found.value, leaf.value,
                         describe(locale, found, leaf.draft, alt),
                         source_of(leaf.draft, alt, in_macro_region),
                         confidence_of(leaf.draft, found), locales.file_times[locale, folder])


def supplemental_records(root, file_time):
    for order, fact in enumerate(supplemental.exceptions(root)):
        yield Record(("supplemental/" + fact.kind, fact.subject), order, fact.property,
                     fact.inherited, fact.actual, fact.reason,
                     "Imported" if fact.references else "Explicit", fact.confidence, file_time)


# --- Writing -------------------------------------------------------------------------------------

def crc(text):
    return zlib.crc32(text.encode())


def distinct(records):
    """(node, property) is unique: the first one counts."""
    seen = set()
    for record in records:
        key = (record.node, record.property)
        if key not in seen:
            seen.add(key)
            yield record


def with_times(records):
    """-> (record, seconds since 1970) by the rule above; a node's records follow one another."""
    node, now = None, 0
    for record in records:
        if record.node != node:
            node = record.node
            now = record.file_time - 1 - crc("|".join(node)) % (140 * DAY)
        now += 1 + crc(record.property) % 45
        yield record, now


def write_ndjson(records, ids, path):
    """-> the number of records written."""
    encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    written = 0
    with open(path, "w", encoding="utf-8") as out:
        for record, now in with_times(distinct(records)):
            out.write(encode({
                "node": ids[record.node], "property": record.property,
                "inherited": record.inherited, "actual": record.actual,
                "reason": record.reason, "source": record.source,
                "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
                "confidence": record.confidence}) + "\n")
            written += 1
    return written


def write_nodes(ids, chains, path):
    with open(path, "w", encoding="utf-8") as out:
        for (locale, branch), node in ids.items():
            ancestors = (ids.get((name, branch)) for name in chains.get(locale, [])[1:])
            parent = next(filter(None, ancestors), "")
            out.write("%d\t%s\t%s\t%s\n" % (node, locale, branch, parent))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="the NDJSON file to write")
    parser.add_argument("--root", default=DEFAULT_ROOT,
                        help="folder that holds main/, annotations/, dtd/ (default: %(default)s)")
    parser.add_argument("--nodes", metavar="FILE", help="also write the table of nodes")
    arguments = parser.parse_args()

    gc.disable()  # millions of small objects, no cycles: the collector takes a third of the time
    try:
        locales = ldml.Locales(arguments.root)
    except OSError as error:
        sys.exit("cldr.py: %s: %s. Install the package unicode-cldr-core, or name its folder "
                 "with --root." % (error.filename, error.strerror))
    records = list(locale_records(locales))
    records += supplemental_records(locales.supplemental, locales.supplemental_time)
    ids = {node: i + 1 for i, node in enumerate(sorted({record.node for record in records}))}
    records.sort(key=lambda record: (ids[record.node], record.order))
    part = arguments.out + ".part"  # a run that is cut off leaves nothing that looks whole
    written = write_ndjson(records, ids, part)
    if arguments.nodes:
        write_nodes(ids, locales.chains, arguments.nodes)
    os.replace(part, arguments.out)
    print("%s: %d records of %d nodes" % (arguments.out, written, len(ids)), file=sys.stderr)


if __name__ == "__main__":
    main()
