"""What the style rules look at: the project's text files, and C and C++ without comments and strings."""
import os
import re
import subprocess

TEXT = (".h", ".c", ".cpp", ".py", ".cmake", ".md", ".sh", ".txt", ".json", ".in", ".svg")
SCRIPTS = ("tools/setup", "tools/test", "tools/lint", "tools/format", "tools/quickstart", "tools/bench", "tools/torture", "tools/packages",
           "tools/packaging/try-packages",
           ".ci/run")


def project_files(top):
    """-> {path from the top: text} of what git knows or would; without git, of all but builds."""
    try:
        listed = subprocess.run(["git", "-C", top, "ls-files", "-co", "--exclude-standard"],
                                capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        listed = []
        for folder, folders, names in os.walk(top):
            folders[:] = [f for f in folders if not f.startswith(("build", ".git"))]
            listed += [os.path.relpath(os.path.join(folder, name), top) for name in names]
    files = {}
    for path in listed:
        full = os.path.join(top, path)
        at_top = "/" not in path and not path.startswith(".")
        if (path.endswith(TEXT) or path in SCRIPTS or at_top) and os.path.isfile(full):
            with open(full, encoding="utf-8", errors="replace") as text:
                files[path] = text.read()
    return files


def is_cpp(path):
    return path.endswith((".h", ".c", ".cpp"))


def folder(path):
    return path.split("/")[0]


COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL)


def code_only(text):
    """The text with comments and literals blanked; lines keep their numbers."""
    # A digit separator (1'000'000) is no quote.
    text = re.sub(r"(?<=[0-9a-fA-F])'(?=[0-9a-fA-F])", "", text)
    return COMMENT_OR_LITERAL.sub(lambda m: "\n" * m.group(0).count("\n"), text)


def includes(text):
    """-> (line number, the included path with its quotes or angles)."""
    for number, line in enumerate(text.split("\n"), 1):
        found = re.match(r'\s*#\s*include\s*([<"][^>"]+[>"])', line)
        if found:
            yield number, found.group(1)
