"""Runs the examples of docs/sql.md, in the real sqlite3 shell and in Python, and compares what they print.

  documents.py EXTENSION DOCUMENT [--planted]
"""
import contextlib
import io
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

    def __init__(self, folder):
        self.process = subprocess.Popen(["sqlite3", "-batch", "-init", os.devnull, ":memory:"], cwd=folder,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
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


def run_python(text, extension, folder):
    out = io.StringIO()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out):
            exec(text.replace('"caveat_sqlite"', repr(extension)), {})
    finally:
        os.chdir(before)
    return out.getvalue()


def check(document, extension):
    """-> the number of examples, and those that print something else"""
    wrong, count = [], 0
    with tempfile.TemporaryDirectory(prefix="caveat-sql-") as folder:
        shell = Shell(folder)
        for kind, text, expected in EXAMPLE.findall(document):
            count += 1
            if kind == "sql":
                printed = shell.run(text.replace(".load caveat_sqlite", ".load " + extension))
            else:
                printed = run_python(text, extension, folder)
            if printed != expected:
                wrong.append("%s\nprints\n%s\ninstead of\n%s" % (text, printed, expected))
        if shell.close() != 0:
            wrong.append("the shell did not end well")
    return count, wrong


def main():
    extension = os.path.splitext(os.path.abspath(sys.argv[1]))[0]
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
