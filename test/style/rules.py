"""The rules of docs/style.md that a program can check.

A rule is a function: {path: text} -> (path, line number, what is wrong and what to do instead). Its
decorator carries a sample that breaks it, so that a rule that has gone blind is found out.
"""
import re

from source import code_only, folder, includes, is_cpp

RULES = []
LIBRARY = ("engine", "indexes", "pool", "adapters")


def rule(planted):
    """`planted`: {path: text} that the rule has to complain about."""
    def register(function):
        RULES.append((function, planted))
        return function
    return register


# --- What may lie at the top ---------------------------------------------------------------------

TOP = ("CMakeLists.txt", "CMakePresets.json", "README.md", "engine", "indexes", "pool", "adapters",
       "test", "tools", "docs")


@rule(planted={"stderr": ""})
def the_top_is_as_given(files):
    for name in sorted({folder(path) for path in files}):
        if name not in TOP and not name.startswith("."):
            yield name, 1, "nothing else lies at the top"


# --- Who may include whom ------------------------------------------------------------------------

# For each folder, where its includes may come from. The most specific folder counts.
MAY_INCLUDE = {
    "pool": ("pool/",),
    "indexes": ("indexes/", "pool/", "engine/include/", "engine/model/"),
    "engine": ("engine/", "indexes/", "pool/"),
    "adapters": ("adapters/", "engine/", "indexes/", "pool/"),
    "tools": ("tools/", "adapters/", "engine/", "indexes/", "pool/"),
    "test": ("test/", "tools/", "adapters/", "engine/", "indexes/", "pool/"),
}


def resolve(included, path, files):
    """Where an include of ours lies: "caveat/x.h" is in one of the include folders."""
    name = included[1:-1]
    beside = path.rsplit("/", 1)[0] + "/" + name
    for candidate in ("engine/include/" + name, "indexes/include/" + name,
                      "pool/include/" + name, "adapters/c/include/" + name, name, beside):
        if candidate in files:
            return candidate
    return None


@rule(planted={"pool/arena.cpp": '#include "engine/delta/delta.h"\n', "engine/delta/delta.h": ""})
def includes_follow_the_arrows(files):
    for path, text in files.items():
        allowed = MAY_INCLUDE.get(folder(path))
        if not is_cpp(path) or allowed is None:
            continue
        for line, included in includes(text):
            target = resolve(included, path, files)
            if target and not target.startswith(allowed):
                yield path, line, "%s/ may not include %s; see docs/architecture.md" % (
                    folder(path), target)


@rule(planted={"engine/store/open.cpp": "#include <rocksdb/db.h>\n"})
def only_one_adapter_knows_rocksdb(files):
    for path, text in files.items():
        if is_cpp(path) and not path.startswith(("adapters/rocksdb/", "test/")):
            for line, included in includes(text):
                if included[1:].startswith("rocksdb/"):
                    yield path, line, "only adapters/rocksdb/ includes rocksdb/; use KvBackend"


@rule(planted={"engine/include/caveat/x.h": '#pragma once\n#include "engine/model/row.h"\n',
               "engine/model/row.h": ""})
def public_headers_include_only_public_ones(files):
    for path, text in files.items():
        if "/include/caveat/" in path:
            for line, included in includes(text):
                target = resolve(included, path, files)
                if target and "/include/caveat/" not in target:
                    yield path, line, "%s is not installed; a public header cannot need it" % target


# --- Size and shape ------------------------------------------------------------------------------

LINES_MAX = 500


@rule(planted={"engine/store/big.cpp": "int x;\n" * (LINES_MAX + 1)})
def files_are_short(files):
    for path, text in files.items():
        lines = text.count("\n")
        if lines > LINES_MAX and not path.endswith((".md", ".txt", ".json")):
            yield path, lines, "more than %d lines; find the second idea in it" % LINES_MAX


@rule(planted={"engine/model/row.h": "struct Row {};\n"})
def headers_are_guarded(files):
    for path, text in files.items():
        if path.endswith(".h") and "#pragma once" not in text:
            yield path, 1, "no #pragma once"


@rule(planted={"engine/model/row.cpp": "int x; \n"})
def lines_end_clean(files):
    for path, text in files.items():
        if text and not text.endswith("\n"):
            yield path, text.count("\n") + 1, "no line feed at the end"
        for number, line in enumerate(text.split("\n"), 1):
            if line != line.rstrip():
                yield path, number, "white space at the end of the line"


# --- What is not written -------------------------------------------------------------------------

BANNED = (  # pattern, instead
    (r"(?<![\w:.>])(?:std::)?(?:v?f?printf|puts|fputs|putchar)\s*\(",
     "the library prints nothing; return a StorageError"),
    (r"\bstd::(?:cout|cerr|clog)\b", "the library prints nothing; return a StorageError"),
    (r"(?<![\w:.>])(?:std::)?(?:abort|exit|_Exit|quick_exit|terminate)\s*\(",
     "the library ends no process; return ErrorCode::internal, or CAVEAT_ASSERT"),
    (r"(?<![\w:])assert\s*\(", "CAVEAT_ASSERT (pool/invariant.h)"),
    (r"\bthrow\b(?!\s*;|\s*std::bad_alloc\b)",
     "return a StorageError; only std::bad_alloc may leave a function"),
    (r"(?<![\w:.>])(?:std::)?s?rand\s*\(", "std::mt19937_64 with a seed that can be printed"),
    (r"(?<![\w:.>])(?:strcpy|strcat|sprintf|vsprintf|gets|alloca)\s*\(", "a bounded call"),
    (r"\busing\s+namespace\s+std\b", "name what you use"),
)
EXEMPT = {"pool/invariant.h"}  # defines CAVEAT_ASSERT


@rule(planted={"engine/store/x.cpp": 'void f() { std::printf("no"); }\n'})
def library_calls_nothing_banned(files):
    for path, text in files.items():
        if is_cpp(path) and folder(path) in LIBRARY and path not in EXEMPT:
            code = code_only(text)
            for pattern, instead in BANNED:
                for found in re.finditer(pattern, code):
                    line = code.count("\n", 0, found.start()) + 1
                    yield path, line, "%s is banned: %s" % (found.group(0).rstrip("( "), instead)


# Written with brackets so that this file does not hold them itself.
MARKS = re.compile(r"\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K]|WI[P])\b|not implemente[d]|unimplemente[d]")


@rule(planted={"tools/cli/x.cpp": "// TO" + "DO: later\n"})
def nothing_is_left_over(files):
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            found = MARKS.search(line)
            if found:
                yield path, number, (
                    '"%s": finish it, or say in docs/ what falls short' % found.group(0))


MACHINE = re.compile(r"/wor[k]/|/roo[t]/|/hom[e]/\w|/User[s]/\w|bash_job[s]")


@rule(planted={"docs/x.md": "see /wor" + "k/main\n"})
def no_machine_is_named(files):
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            if MACHINE.search(line):
                yield path, number, "a path of one machine; write it from the top of the project"


# --- Documents and tests that must not drift -----------------------------------------------------

FORMAT_PAGE = re.compile(r"docs/format/([\w-]+\.md)")


@rule(planted={"engine/block/header.cpp": "// See docs/format/gone.md\n"})
def named_format_pages_exist(files):
    for path, text in files.items():
        if path.startswith("test/style/"):  # holds the sample above
            continue
        for number, line in enumerate(text.split("\n"), 1):
            for page in FORMAT_PAGE.findall(line):
                if "docs/format/" + page not in files:
                    yield path, number, "docs/format/%s does not exist" % page


@rule(planted={"docs/format/orphan.md": "# Orphan\n"})
def format_pages_are_named_by_an_encoder(files):
    named = set()
    for path, text in files.items():
        if is_cpp(path) and folder(path) in LIBRARY:
            named.update(FORMAT_PAGE.findall(text))
    for path in files:
        if path.startswith("docs/format/") and path.endswith(".md") and path.count("/") == 2:
            if path.split("/")[2] not in named | {"README.md"}:
                yield path, 1, "no encoder names this page; name it above the layout it describes"


CODE_SPAN = re.compile(r"<!--.*?-->|```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")


def links(path, text):
    """-> (line, link as written, path from the top, anchor or nothing) of those into the project."""
    text = CODE_SPAN.sub(lambda m: "\n" * m.group(0).count("\n"), text)
    for found in LINK.finditer(text):
        link = found.group(1)
        if "://" in link or link.startswith("mailto:"):
            continue
        target, _, anchor = link.partition("#")
        steps = path.split("/")[:-1] if target else path.split("/")
        for step in filter(None, target.split("/")):
            if step == "..":
                steps = steps[:-1]
            elif step != ".":
                steps.append(step)
        yield text.count("\n", 0, found.start()) + 1, link, "/".join(steps), anchor


def anchors(text):
    """The names that a page's headings have on the web."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        yield re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")


@rule(planted={"docs/a.md": "[gone](gone.md)\n"})
def links_lead_somewhere(files):
    known = set(files)
    for path in files:
        known.update(path.rsplit("/", i)[0] for i in range(1, path.count("/") + 1))
    for path, text in files.items():
        if path.endswith(".md"):
            for line, link, target, _ in links(path, text):
                if target not in known:
                    yield path, line, "%s does not exist" % link


@rule(planted={"docs/a.md": "# A\n[there](b.md#here)\n", "docs/b.md": "# There\n"})
def anchors_lead_to_a_heading(files):
    for path, text in files.items():
        if path.endswith(".md"):
            for line, link, target, anchor in links(path, text):
                if anchor and target.endswith(".md") and anchor not in anchors(files.get(target, "")):
                    yield path, line, "%s: there is no such heading" % link


@rule(planted={"docs/decisions/README.md": "# Decisions\n", "docs/decisions/0001-a.md": "# A\n"})
def every_page_is_in_its_index(files):
    for path in files:
        index = path.rsplit("/", 1)[0] + "/README.md"
        if not path.startswith("docs/") or not path.endswith(".md") or path == index:
            continue
        if path not in {target for _, _, target, _ in links(index, files.get(index, ""))}:
            yield path, 1, "%s does not list this page; add it where a reader would look" % index


@rule(planted={"test/CMakeLists.txt": "caveat_test(pool)\n", "test/lost/lost_test.cpp": ""})
def every_suite_is_run(files):
    listed = set(re.findall(r"(?:caveat_test|add_subdirectory)\((\w+)",
                            files.get("test/CMakeLists.txt", "")))
    for path in files:
        if path.startswith("test/") and path.endswith(".cpp") and path.count("/") == 2:
            if path.split("/")[1] not in listed:
                yield path, 1, "test/CMakeLists.txt does not list this folder: it never runs"


@rule(planted={"test/pool/x.cpp": "#include <catch2/catch.hpp>\n"
                                  'TEST_CASE("a race") { std::thread t(f); }\n'})
def cases_with_threads_are_tagged(files):
    for path, text in files.items():
        if not is_cpp(path) or not path.startswith("test/") or "catch2/catch.hpp" not in text:
            continue
        for found in re.finditer(r"\bstd::j?thread\b(?!::)", text):
            case = text.rfind("TEST_CASE(", 0, found.start())
            # In a helper above the cases: one of them will be tagged. [.name] is a hidden case.
            tags = text[case:text.index("{", case)] if case >= 0 else text
            if "[threads]" not in tags and "[." not in tags:
                yield path, text.count("\n", 0, found.start()) + 1, (
                    "tag cases that start threads [threads], or ThreadSanitizer never sees them")
