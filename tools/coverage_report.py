"""What tools/coverage prints: the figures of llvm-cov's export, branch by branch.

A branch has two sides. It counts once, however many binaries, templates and uses of a macro hold it,
and a side is taken if it was in any of them. llvm-cov's own summary takes the best single instance.
Not counted: what the compiler decides (if constexpr, while (true)), and planted faults.
"""
import collections
import fnmatch
import json
import pathlib
import sys

FOLDERS = ("engine/", "indexes/", "pool/")
EXPANSION = 1
NOT_COUNTED = ("CAVEAT_PLANTED", "if constexpr", "while (true)")


class Coverage:
    def __init__(self, export, top):
        self.top = pathlib.Path(top)
        self.sources = {}
        self.branches = collections.defaultdict(lambda: [0, 0])  # place -> times true, false
        self.lines = collections.defaultdict(lambda: [0, 0])     # file -> lines, of them run
        data = json.load(open(export, encoding="utf-8"))["data"][0]
        for file in data["files"]:
            name = self.name_of(file["filename"])
            if name:
                summary = file["summary"]["lines"]
                self.lines[name] = [summary["count"], summary["covered"]]
        for function in data["functions"]:
            self.add_function(function)

    def name_of(self, path):
        name = path.removeprefix(str(self.top) + "/")
        return name if name.startswith(FOLDERS) else None

    def line_of(self, name, number):
        if name not in self.sources:
            self.sources[name] = (self.top / name).read_text(encoding="utf-8").split("\n")
        return self.sources[name][number - 1].strip()

    def add_function(self, function):
        files = function["filenames"]
        if not any(self.name_of(path) for path in files):
            return
        used_at = {}  # file id of an expansion -> file id, line and column where the macro is used
        regions = []
        for begin, column, end, end_column, count, file, expanded, kind in function["regions"]:
            if kind == EXPANSION:
                used_at[expanded] = (file, begin, column)
            elif kind == 0:
                regions.append((file, (begin, column), (end, end_column), count))
        for line, column, _, _, true, false, file, _, _ in function.get("branches", []):
            if true == 0 and false == 0 and decided(regions, file, (line, column)):
                continue
            inner = (line, column)
            while file in used_at:
                file, line, column = used_at[file]
            name = self.name_of(files[file])
            if name and not any(word in self.line_of(name, line) for word in NOT_COUNTED):
                sides = self.branches[name, line, column, inner]
                sides[0] += true
                sides[1] += false


# It was come by, and neither side was taken: the compiler has decided.
def decided(regions, file, place):
    here = [(begin, count) for f, begin, end, count in regions if f == file and begin <= place < end]
    return bool(here) and max(here)[1] > 0


class Known:
    """Sides that nobody takes, and why: a line in brackets is a reason, the places follow."""

    def __init__(self, path):
        self.entries = []  # pattern of a file, text in the line, reason
        self.used = set()
        reason = None
        for line in pathlib.Path(path).read_text(encoding="utf-8").split("\n"):
            line = line.strip()
            if line.startswith("["):
                reason = line.strip("[]")
            elif line and not line.startswith("#"):
                file, _, text = line.partition(": ")
                self.entries.append((file, text, reason))

    def reason(self, name, text):
        for i, (file, part, reason) in enumerate(self.entries):
            if fnmatch.fnmatch(name, file) and part in text:
                self.used.add(i)
                return reason
        return None


def group_of(name):
    return "/".join(name.split("/")[:2]) if name.startswith("engine/") else name.split("/")[0]


def share(covered, count):
    return f"{covered:>7} of {count:>6} {100 * covered / max(1, count):6.2f}%"


def print_figures(coverage, known):
    lines, sides = (collections.defaultdict(lambda: [0, 0]) for _ in range(2))
    explained = collections.Counter()
    missing = collections.defaultdict(list)
    for name, (count, covered) in coverage.lines.items():
        for group in (group_of(name), "all"):
            lines[group][0] += count
            lines[group][1] += covered
    for (name, line, column, _), taken in sorted(coverage.branches.items()):
        text = coverage.line_of(name, line)
        for side, count in zip(("true", "false"), taken):
            for group in (group_of(name), "all"):
                sides[group][0] += 1
                sides[group][1] += count > 0
            if count == 0:
                reason = known.reason(name, text)
                if reason is not None:
                    for group in (group_of(name), "all"):
                        explained[group] += 1
                missing[name].append((line, column, side, text, reason))
    print(f"{'':<22} {'lines':>25}   {'sides of branches':>25}   {'explained':>9}")
    for group in sorted(sides, key=lambda g: (g == "all", g)):
        print(f"{group:<22} {share(lines[group][1], lines[group][0])}   "
              f"{share(sides[group][1], sides[group][0])}   {explained[group]:>9}")
    return missing, sides["all"], explained["all"]


def main():
    export, top, known_path, listing, least = sys.argv[1:6]
    coverage, known = Coverage(export, top), Known(known_path)
    missing, (count, covered), explained = print_figures(coverage, known)
    unexplained = 0
    with open(listing, "w", encoding="utf-8") as out:
        for name, sides in missing.items():
            for line, column, side, text, reason in sides:
                unexplained += reason is None
                print(f"{name}:{line}:{column}: never {side}: {text}\n"
                      f"    {reason or 'NOT EXPLAINED'}", file=out)
    for i, (file, text, _) in enumerate(known.entries):
        if i not in known.used:
            print(f"tools/coverage.known explains what is taken, or is not there: {file}: {text}")
    print(f"\nbranches never taken, by file (all of them in {pathlib.Path(listing).relative_to(top)}):")
    for name, sides in sorted(missing.items(), key=lambda m: -len(m[1]))[:12]:
        print(f"  {name:<44} {len(sides):>4}, {sum(r is None for *_, r in sides)} not explained")
    print(f"{count - covered} sides never taken, {explained} of them explained, "
          f"{unexplained} not")
    good = 100 * covered >= float(least) * count and unexplained == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
