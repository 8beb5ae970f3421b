"""Finds the examples in the project's documents.

A fenced block of C++, C, SQL, Python or shell says in a comment right above it what becomes of it:

    <!-- example -->              a whole program: compiled and run
    <!-- example: sqlite3 -->     the same, with the pkg-config packages that it needs
    <!-- fragment -->             the inside of a function that has a `store` (an open store of its own)
    <!-- run -->                  commands for a shell, in an empty folder with `caveat` in the PATH;
                                  all of a page run in one folder, from top to bottom
    <!-- not run: why -->         neither

Commands that are only indented, which nothing would run, are a fault, but for what is made by a program
(between "<!-- reference" and "<!-- end of the reference -->").

What follows the first line of the comment is code that the reader need not see, in front of the block.
After a block may stand, in this order,

    <!-- then                     code that the reader need not see, behind it
    ... -->
    <!-- prints -->               and a block that says what the example prints
"""
import os
import re
from typing import NamedTuple

CODE = ("cpp", "c", "sh", "sql", "python", "cmake")
MARK = re.compile(r"<!-- (?P<role>example prints|example|fragment|run|not run|then|prints)"
                  r"(?:: (?P<argument>[^\n]*?))?(?: -->|\n(?P<hidden>.*?)-->)\n*\Z", re.DOTALL)
FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Snippet(NamedTuple):
    page: str
    line: int
    language: str
    role: str        # "" where the page does not say
    argument: str    # after the role's colon
    before: str      # hidden code in front of it
    text: str
    after: str       # and behind it
    prints: str      # None where the page does not say

    def name(self):
        return "%s:%d" % (self.page, self.line)


def mark_above(text, end):
    """-> the comment that ends where a block begins, or None."""
    start = text.rfind("<!--", 0, end)
    return MARK.match(text, start, end) if start >= 0 else None


def snippets_of(page, text):
    found = []
    for fence in FENCE.finditer(text):
        mark = mark_above(text, fence.start())
        role = mark["role"] if mark else ""
        if role in ("prints", "example prints"):
            found[-1] = found[-1]._replace(prints=fence["text"])
            continue
        if fence["language"] not in CODE:
            continue
        then = re.match(r"\n+<!-- then\n(.*?)-->", text[fence.end():], re.DOTALL)
        found.append(Snippet(page, text.count("\n", 0, fence.start()) + 1, fence["language"], role,
                             (mark and mark["argument"]) or "", (mark and mark["hidden"]) or "",
                             fence["text"], then[1] if then else "", None))
    return found


COMMAND = re.compile(r"^    (?:\$ |[A-Z_]+=\S+ |\()*(?:caveat|tools/\w+|cmake|ctest|doxygen|apt-get|pkg-config|umask)"
                     r"(?: |$)")
GENERATED = re.compile(r"<!-- reference.*?<!-- end of the reference -->", re.DOTALL)


def commands_only_indented(text):
    """-> the numbers of lines with a command in an indented block."""
    blank = lambda found: "\n" * found[0].count("\n")
    lines = re.sub(r"<!--.*?-->", blank, FENCE.sub(blank, GENERATED.sub(blank, text)),
                   flags=re.DOTALL).split("\n")
    return [number for number, line in enumerate(lines, 1) if COMMAND.match(line)]


def pages(top):
    """-> {path from the top: text} of README.md and all below docs/."""
    paths = ["README.md"]
    for folder, _, names in os.walk(os.path.join(top, "docs")):
        paths += [os.path.relpath(os.path.join(folder, name), top) for name in sorted(names)
                  if name.endswith(".md")]
    found = {}
    for path in sorted(paths):
        with open(os.path.join(top, path), encoding="utf-8") as text:
            found[path] = text.read()
    return found
