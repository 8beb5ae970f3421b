#!/usr/bin/env python3
"""Compiles and runs every example in the documents, and compares what it prints.

    run_snippets.py TOP WORK PREFIX CXX    PREFIX holds an installed caveat
    run_snippets.py --planted WORK PREFIX CXX    a page with each fault: each has to be found
"""
import os
import shutil
import subprocess
import sys

from snippets import commands_only_indented, pages, snippets_of

EXAMPLE_LINES_MAX = 20

# All fragments become one program, since most of the time goes into the headers.
FRAGMENTS = """\
#include <caveat/caveat.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

%s
int main() {
  int failed = 0;
  const auto run = [&](const char* name, caveat::Result<void> (*fragment)(caveat::StorageOptimizer&)) {
    std::filesystem::remove_all("fragment.store");
    auto store = caveat::open("fragment.store");
    const auto done = store ? fragment(*store) : caveat::fail(store.error());
    if (done) return;
    std::printf("%%s: %%s\\n", name, done.error().message().c_str());
    ++failed;
  };
%s  return failed;
}
"""
FRAGMENT = """\
caveat::Result<void> fragment_%d([[maybe_unused]] caveat::StorageOptimizer& store) {
%s
#line %d "%s"
%s
%s
  return {};
}
"""


class Runner:
    def __init__(self, work, prefix, cxx):
        self.work, self.cxx, self.faults = work, cxx, []
        self.compiled = self.ran = 0
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        self.environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", NO_COLOR="1")
        lib = [os.path.join(prefix, name) for name in ("lib", "lib64")]
        lib += [os.path.join(prefix, "lib", name) for name in os.listdir(lib[0])]
        self.environment["PKG_CONFIG_PATH"] = ":".join(os.path.join(f, "pkgconfig") for f in lib)
        self.environment["LD_LIBRARY_PATH"] = ":".join(lib)
        self.environment["PYTHONPATH"] = os.path.join(prefix, "lib", "python3", "dist-packages")
        self.environment["PATH"] = "%s/bin:%s" % (prefix, os.environ["PATH"])

    def fault(self, name, what):
        self.faults.append(name)
        print("%s: %s" % (name, what))

    def execute(self, command, folder):
        return subprocess.run(command, cwd=folder, env=self.environment, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def flags(self, packages):
        done = self.execute(["pkg-config", "--cflags", "--libs"] + packages, self.work)
        return done.stdout.split() if done.returncode == 0 else None

    def compile(self, name, code, language, packages):
        """-> the program, or None."""
        flags = self.flags(packages)
        if flags is None:
            print("%s: left out, for want of %s" % (name, ", ".join(packages)))
            return None
        base = os.path.join(self.work, "".join(c if c.isalnum() else "_" for c in name))
        with open(base + "." + language, "w", encoding="utf-8") as out:
            out.write(code)
        kind = ["-x", "c", "-std=c11"] if language == "c" else ["-x", "c++", "-std=c++20"]
        done = self.execute([self.cxx, "-O0", "-Wall", "-Wextra", "-Werror"] + kind +
                            [base + "." + language, "-x", "none", "-o", base] + flags, self.work)
        if done.returncode:
            self.fault(name, "does not compile\n" + done.stdout)
            return None
        self.compiled += 1
        return base

    def run(self, name, command, folder, prints):
        os.makedirs(folder, exist_ok=True)
        done = self.execute(command, folder)
        self.ran += 1
        if done.returncode:
            self.fault(name, "ended with status %d\n%s" % (done.returncode, done.stdout))
        elif prints is not None and done.stdout != prints:
            self.fault(name, "printed\n%s-- instead of --\n%s" % (done.stdout, prints))

    def example(self, snippet):
        if snippet.language == "python":
            self.python(snippet)
            return
        code = '%s\n#line %d "%s"\n%s\n%s' % (snippet.before, snippet.line + 1, snippet.page,
                                              snippet.text, snippet.after)
        packages = ["caveat"] + snippet.argument.replace(",", " ").split()
        program = self.compile(snippet.name(), code, snippet.language, packages)
        if program:
            self.run(snippet.name(), [program], program + ".run", snippet.prints)

    def length(self, snippet):
        """README.md promises so many lines."""
        lines = len([line for line in snippet.text.split("\n") if line.strip()])
        if snippet.page == "README.md" and lines > EXAMPLE_LINES_MAX:
            self.fault(snippet.name(), "%d lines of code, more than %d" % (lines, EXAMPLE_LINES_MAX))

    def python(self, snippet):
        base = os.path.join(self.work, "".join(c if c.isalnum() else "_" for c in snippet.name()))
        with open(base + ".py", "w", encoding="utf-8") as out:
            out.write(snippet.before + snippet.text + snippet.after)
        self.run(snippet.name(), [sys.executable, base + ".py"], base + ".run", snippet.prints)

    def fragments(self, snippets):
        bodies, calls = [], []
        for number, snippet in enumerate(snippets):
            bodies.append(FRAGMENT % (number, snippet.before, snippet.line + 1, snippet.page,
                                      snippet.text, snippet.after))
            calls.append('  run("%s", fragment_%d);\n' % (snippet.name(), number))
        program = self.compile("fragments", FRAGMENTS % ("\n".join(bodies), "".join(calls)), "cpp",
                               ["caveat"])
        if program:
            self.run("fragments", [program], program + ".run", None)

    def shell(self, snippet):
        folder = os.path.join(self.work, snippet.page.replace("/", "_") + ".run")
        script = "set -euo pipefail\n" + snippet.before + snippet.text + snippet.after
        self.run(snippet.name(), ["bash", "-c", script], folder, snippet.prints)

    def all_of(self, documents):
        fragments = []
        for page, text in documents.items():
            for line in commands_only_indented(text):
                self.fault("%s:%d" % (page, line), "a command that nothing runs: write it as a block "
                           "of shell that says how it is run, see test/documents/snippets.py")
            for snippet in snippets_of(page, text):
                if snippet.role == "example":
                    self.length(snippet)
                    self.example(snippet)
                elif snippet.role == "fragment":
                    fragments.append(snippet)
                elif snippet.role == "run":
                    self.shell(snippet)
                elif not snippet.role:
                    self.fault(snippet.name(), "says neither how it is run nor why it is not: "
                               "see test/documents/snippets.py")
        if fragments:
            self.fragments(fragments)
        print("%d compiled, %d run, %d faults" % (self.compiled, self.ran, len(self.faults)))


PLANTED = {
    "indented.md": "so:\n\n    caveat stats STORE\n",
    "README.md": "<!-- example -->\n```cpp\nint main() {%s\n}\n```\n" % ("\n  ;" * 20),
    "unmarked.md": "```cpp\nint x;\n```\n",
    "syntax.md": "<!-- example -->\n```cpp\nint main() { return x; }\n```\n",
    "prints.md": "<!-- example -->\n```cpp\nint main() {}\n```\n<!-- prints -->\n```\nhello\n```\n",
    "python.md": "<!-- example -->\n```python\nprint(no_name)\n```\n",
    "shell.md": "<!-- run -->\n```sh\nfalse\n```\n",
    "fragment.md": "<!-- fragment -->\n```cpp\nreturn caveat::fail(caveat::ErrorCode::closed, \"\");\n```\n",
}


def main(top, work, prefix, cxx):
    runner = Runner(work, prefix, cxx)
    if top != "--planted":
        runner.all_of(pages(top))
        return 1 if runner.faults else 0
    runner.all_of(PLANTED)
    found = {name.split(":")[0].replace("fragments", "fragment.md") for name in runner.faults}
    print("planted: %d of %d found" % (len(found), len(PLANTED)))
    return 0 if found == set(PLANTED) else 1


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
