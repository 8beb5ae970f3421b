"""The copy of the project in which all changes are compiled, and what each test case reaches of them."""
import collections
import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

import changes

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
WORK = TOP / "build" / "mutate"
BUILD = "build/release"  # as deep as that of the preset: ccache looks at relative paths
HERE = "tools/mutation"
IDS_A_FILE = 1000  # so that a change of a file moves the ids of no other


@dataclasses.dataclass(frozen=True)
class Case:
    suite: str
    name: str
    seconds: float

    def spec(self):
        return '"' + re.sub(r'([\\",\[\]*])', r"\\\1", self.name) + '"'


def tracked():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=TOP, capture_output=True,
                            text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (TOP / name).is_file()]


def lines_since(commit):
    """By file, the numbers of the lines that are not as in that commit; a file that has none is not in it."""
    def git(*words):
        done = subprocess.run(["git", "-c", "core.quotePath=false", *words], cwd=TOP, capture_output=True,
                              text=True, errors="replace", check=False)
        return done.stdout if done.returncode == 0 else sys.exit(done.stderr.strip())

    lines = {path: range(1, (TOP / path).read_bytes().count(b"\n") + 2)
             for path in git("ls-files", "-o", "--exclude-standard").splitlines()}
    path = None
    # A file that was renamed is compared with what it was called then.
    for line in git("diff", "-U0", "-M", "--no-color", "--no-ext-diff", "--dst-prefix=b/", commit, "--", "*.cpp",
                    "*.h").splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif match := re.match(r"@@ -[\d,]+ \+(\d+)(?:,(\d+))? @@", line):
            first, count = int(match[1]), int(match[2] or 1)
            if count:
                lines.setdefault(path, set()).update(range(first, first + count))
    return lines


def run(command, seconds, **environment):
    # What a test says of broken bytes is no UTF-8.
    done = subprocess.run(command, cwd=WORK, capture_output=True, text=True, errors="replace",
                          timeout=seconds, check=False,
                          env={**os.environ, "CAVEAT_SEED": "1", **environment})
    return done.returncode, done.stdout + done.stderr


def put(name, content):
    """What is equal keeps its time, so that only changes are compiled."""
    copy = WORK / name
    if not copy.exists() or copy.read_bytes() != content:
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)


class Program:
    """All changes of the files, compiled once: `ids` are those that compile. `numbered` are all files that
    may ever be among them: so a file's ids are the same whichever others are."""

    def __init__(self, files, numbered):
        self.ids = {}
        self.of_file = {}
        for i, path in enumerate(numbered):
            if path not in files:
                continue
            found = changes.changes_of(path, (TOP / path).read_text())
            first = i * IDS_A_FILE + 1
            self.of_file[path] = [(first + i, edits) for i, (_, edits) in enumerate(found)]
            self.ids.update({first + i: change for i, (change, _) in enumerate(found)})
        self.last = len(numbered) * IDS_A_FILE
        self.dropped = []

    def write(self, path):
        text = (TOP / path).read_text()
        put(path, changes.rewrite(text, [(n, e) for n, e in self.of_file[path] if n in self.ids]).encode())

    def prepare(self):
        WORK.mkdir(parents=True, exist_ok=True)
        names = set(tracked())
        for folder in {name.split("/")[0] for name in names if "/" in name}:
            for copy in (WORK / folder).rglob("*"):  # what is no more is compiled no more
                if copy.is_file() and str(copy.relative_to(WORK)) not in names:
                    copy.unlink()
        for name in names:
            if name not in self.of_file and name != "test/main.cpp":
                put(name, (TOP / name).read_bytes())
        put("test/main.cpp", (TOP / HERE / "main.cpp").read_bytes())
        for path in self.of_file:
            self.write(path)
        # Nobody wants to hear of warnings in what has changes, which may come from any header, and whoever
        # reads beyond the end of a container is seen.
        put("compile", f"""#!/bin/sh
exec {"ccache" if shutil.which("ccache") else ""} "$@" -w -O1 -D_GLIBCXX_ASSERTIONS
""".encode())
        (WORK / "compile").chmod(0o755)
        os.environ.update(CCACHE_BASEDIR=str(WORK), CCACHE_NOHASHDIR="1")
        code, said = run(["cmake", "-S", ".", "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                          "-DCAVEAT_UNITY_BUILD=ON", f"-DCCACHE={WORK}/compile",
                          "-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld"], 600)
        if code:
            sys.exit(said)

    def build(self, suites):
        """Compiles; a change that does not compile is left out, with all of its line."""
        while True:
            code, said = run(["cmake", "--build", BUILD, "-j", "2", "--target",
                              *[f"test_{suite}" for suite in suites], "--", "-k", "0"], 7200)
            if code == 0:
                return
            at = collections.defaultdict(set)
            for path, line in re.findall(
                    r"((?:adapters|engine|indexes)/[\w/]+\.(?:cpp|h)):(\d+):\d+: +(?:error|required)", said):
                at[path].add(int(line))
            bad = [n for n, change in self.ids.items() if change.number in at.get(change.path, ())]
            if not bad:
                sys.exit(said)
            for n in bad:
                self.dropped.append(self.ids.pop(n))
            for path in at:
                if path in self.of_file:
                    self.write(path)

    def reach(self, suite):
        """What its cases reach; a suite that is as it was is not run again."""
        program = WORK / BUILD / "test" / f"test_{suite}"
        log = WORK / "reach" / f"{suite}.{hashlib.sha256(program.read_bytes()).hexdigest()[:16]}"
        if log.exists():
            return log
        log.parent.mkdir(exist_ok=True)
        seen, fresh = WORK / "seen", WORK / "reach" / "unfinished"
        seen.write_bytes(bytes(self.last + 1))
        fresh.write_text("")
        code, said = run([program], 3600, CAVEAT_MUTANT_SEEN=str(seen), CAVEAT_MUTANT_CASES=str(fresh))
        if code:
            sys.exit(f"{suite} fails without any change:\n{said[-3000:]}")
        for older in log.parent.glob(f"{suite}.*"):
            older.unlink()
        return fresh.rename(log)

    def cases(self, suites):
        """The cases by the changes that make a difference in them, and the changes that are reached at all."""
        differs, reached = collections.defaultdict(list), set()
        for suite in suites:
            for line in self.reach(suite).read_text(errors="replace").splitlines():
                name, seconds, _, ids = line.split("\t")
                case = Case(suite, name, float(seconds))
                for n in map(int, ids.split()):
                    reached.add(abs(n))
                    if n > 0:
                        differs[n].append(case)
        return differs, reached
