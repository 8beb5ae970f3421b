#!/usr/bin/env python3
"""Shows a header to Doxygen: its plain comments become Doxygen's.

    doxygen_filter.py HEADER     writes the header to standard output

A comment above a declaration documents it, and those that follow it without an empty line or a comment of
their own; one behind a member documents that, and the one at the top documents the file. Rulers ("// --- Reading ---") and comments with an empty line behind them, which
speak of several things, stay as they are.
"""
import re
import sys

ABOVE = re.compile(r"^(\s*)//(?: (.*))?$")
COMMENT = re.compile(r"^\s*(//|/\*)")
OTHER = re.compile(r"^\s*(friend|public:|private:|protected:|#)")
TYPE = re.compile(r"^\s*(struct|class|enum|namespace|union|template)\b(?!.*;\s*$)")
BEHIND = re.compile(r"^(.*[;,{}\w\")]\s*)// (.*)$")
BEHIND_IN_C = re.compile(r"^(.*[;,{}\w\")]\s*)/\* (.*)$")
CALL = re.compile(r"^(caveat_code|const char\*|u?int\w+|void) caveat_\w+\(")
ENTRY = re.compile(r"^(  )[\w ]+\*? ?\(\*(\w+)\)\((?!void\* context)")
C_BLOCK = re.compile(r"^\s*/\*.*?\*/[ \t]*\n?", re.DOTALL | re.MULTILINE)


def escape(text):
    """What Doxygen would take for its own marks."""
    return re.sub(r"([\\@#<>%])", r"\\\1", text)


def is_ruler(text):
    return text.startswith("---")


def last_of_group(lines, begin):
    """Where the declarations end that stand together from `begin` on; `begin` if it is one alone."""
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    at, count = begin, 0
    while at < len(lines) and lines[at].strip() and not COMMENT.match(lines[at]):
        line = lines[at]
        here = len(line) - len(line.lstrip())
        if here < indent or OTHER.match(line):
            break
        count += here == indent and not line.lstrip().startswith("}")
        at += 1
    whole = lines[begin:at]
    balanced = sum(l.count("{") - l.count("}") for l in whole) == 0
    simple = not any(TYPE.match(l) for l in whole)
    return at if count > 1 and balanced and simple else begin


def cpp(lines):
    out, at = [], 0
    while at < len(lines):
        behind = BEHIND.match(lines[at])
        if ABOVE.match(lines[at]):
            end = at
            while end < len(lines) and ABOVE.match(lines[end]):
                end += 1
            texts = [ABOVE.match(line)[2] or "" for line in lines[at:end]]
            if at == 0:
                out.append("/// @file")
            documents = at == 0 or (end < len(lines) and lines[end].strip())
            last = last_of_group(lines, end) if documents and at and not is_ruler(texts[-1]) else end
            if last > end:
                indent = ABOVE.match(lines[at])[1]
                out.append(indent + "///@{")
                lines.insert(last, indent + "///@}")
            for number, text in enumerate(texts, at):
                mark = "/// " if documents and not is_ruler(text) else "// "
                out.append(ABOVE.match(lines[number])[1] + mark + escape(text))
            at = end
        elif behind:
            out.append(behind[1] + "///< " + escape(behind[2]))
            at += 1
            below = " " * len(behind[1]) + "// "  # its next lines, in the same column
            while at < len(lines) and lines[at].startswith(below):
                out.append(below.replace("// ", "///< ") + escape(lines[at][len(below):]))
                at += 1
        else:
            out.append(lines[at])
            at += 1
    return out


def c(text):
    """The same for a header whose comments are C's."""
    def block(found):
        comment, behind = found[0], text[found.end():found.end() + 1]
        inside = comment.strip()[2:-2]
        if found.start() == 0:
            return "/** @file\n *" + escape(inside) + "*/\n"
        if is_ruler(inside.strip()) or behind in ("\n", ""):
            return comment
        return comment.replace(inside, "*" + escape(inside), 1)

    lines = grouped(C_BLOCK.sub(block, text).split("\n"))
    out, inside = [], False
    for line in lines:
        behind = BEHIND_IN_C.match(line) if not inside and not line.startswith("/*") else None
        entry = ENTRY.match(line)
        if entry and entry[2] != "caveat_plugin_entry":  # of the table: the call of the same name
            out.append("%s/** @copydoc caveat_%s */" % (entry[1], entry[2]))
        out.append(behind[1] + "/**< " + behind[2] if behind else line)
    return out


def grouped(lines):
    """Declarations of functions below one comment, which documents them all."""
    out, at = [], 0
    while at < len(lines):
        if lines[at].startswith("/**") and not lines[at].startswith("/** @file"):
            end = at
            while "*/" not in lines[end]:
                end += 1
            last = last_of_group(lines, end + 1) if end + 1 < len(lines) else end + 1
            if last > end + 1 and CALL.match(lines[end + 1]):
                out += ["/** @{ */"] + lines[at:last] + ["/** @} */"]
                at = last
                continue
        out.append(lines[at])
        at += 1
    return out


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header:
        content = header.read()
    shown = c(content) if content.startswith("/*") else cpp(content.split("\n"))
    print("\n".join(shown), end="")
