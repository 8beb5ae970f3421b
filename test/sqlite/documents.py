"""Runs the examples of docs/sql.md, in the real sqlite3 shell and in Python, and compares what they print.

Each as it is written: the loader looks where the extension is, as it does where a package put it.

  documents.py EXTENSION DOCUMENT [--planted]
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from world import connect, skip

EXAMPLE = re.compile(r"<!-- not run: here, but by test/sqlite -->\n```(sql|python)\n(.*?)```\n"
                     r"<!-- shows -->\n```\n(.*?)```", re.DOTALL)
END = "-- end of an example --"


class Shell:
    """One shell for all examples, as a reader would have it open."""

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(["sqlite3", "-batch", "-init", os.devnull, ":memory:"], cwd=folder,
                                        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)

    def run(self, text):
        self.process.stdin.write(text + "\n.print '%s'\n" % END)
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.rstrip("\n") == END:
                return "".join(lines)
            lines.append(line)
        return "".join(lines) + "(the shell has ended)"

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


def run_python(text, folder, environment):
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout


def as_installed(extension):
    """What a program sees where the loader's own folders have the extension."""
    folders = [os.path.dirname(extension)] + os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return dict(os.environ, LD_LIBRARY_PATH=":".join(filter(None, folders)))


def check(document, extension):
    """-> the number of examples, and those that print something else"""
    wrong, count = [], 0
    with tempfile.TemporaryDirectory(prefix="caveat-sql-") as folder:
        environment = as_installed(extension)
        shell = Shell(folder, environment)
        for kind, text, expected in EXAMPLE.findall(document):
            count += 1
            if kind == "sql":
                printed = shell.run(text)
            else:
                printed = run_python(text, folder, environment)
            if printed != expected:
                wrong.append("%s\nprints\n%s\ninstead of\n%s" % (text, printed, expected))
        if shell.close() != 0:
            wrong.append("the shell did not end well")
    return count, wrong


def main():
    extension = os.path.abspath(sys.argv[1])
    if not shutil.which("sqlite3"):
        skip("there is no sqlite3 shell")
    connect(sys.argv[1]).close()
    with open(sys.argv[2], encoding="utf-8") as file:
        document = file.read()
    if "--planted" in sys.argv:
        document = document.replace("42|penguins swim|0.99", "42|penguins swim|0.98")
    count, wrong = check(document, extension)
    for text in wrong:
        print(text)
    print("%d examples, %d of them print something else" % (count, len(wrong)))
    if "--planted" in sys.argv:
        sys.exit(0 if len(wrong) == 1 else "a wrong line in the document went unnoticed")
    sys.exit(1 if wrong or count < 5 else 0)


if __name__ == "__main__":
    main()
