"""Which changes there are of a C++ file, and the file with all of them in it (mutants.h says how).

The text alone decides: clang-format puts blanks around binary operators and none around the brackets
of templates, so that " < " compares; " && {" begins the body of a method. Lines stay where they are.
"""
import dataclasses
import re

COMPARES = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}
PATTERN = re.compile(r" (?P<compare><=?|>=?|==|!=)(?=\s)| (?P<logic>&&(?! \{)|\|\|)(?=\s)|(?<= [+-] )(?P<one>1U?)\b(?!\.)"
                     r"|(?P<flag>(?<![<\w])(?:true|false)\b(?!>))|(?P<no>(?<=[\s(])!)(?=[\w(*:])"
                     r"| (?P<add>\+=)(?=\s)")
# Nothing of these lines runs, or nothing that answers depend on.
SKIP = re.compile(r"^\s*(?:#|template|using|(?:static |inline )*constexpr [\w:<>, ]+ k[A-Z])"
                  r"|__builtin_prefetch|reserve\(|noexcept\(|if constexpr|\bconcept\b|\brequires\b")
# Tests of our own planted faults, and what is no part of a program that is shipped.
SKIP_STATEMENT = re.compile(r"\b(?:CAVEAT_ASSERT|static_assert|if \(!?CAVEAT_PLANTED)\(")
# What ends an operand of && and ||, if no bracket does it.
LEFT_ENDS = r"[;,]|\s(?:[-+|&^*/%]|<<|>>)?=\s|\s[?:]\s|\b(?:return|case|throw|else|do)\b"
RIGHT_ENDS = r"[;,]|\s[?:]\s"
LEFT = {"&&": re.compile(rf"{LEFT_ENDS}| \|\|\s"), "||": re.compile(LEFT_ENDS)}
RIGHT = {"&&": re.compile(rf"{RIGHT_ENDS}|\s(?:&&|\|\|)\s"), "||": re.compile(rf"{RIGHT_ENDS}|\s\|\|\s")}


@dataclasses.dataclass(frozen=True)
class Change:
    path: str
    number: int  # of the line
    before: str
    after: str

    def name(self):
        return f"{self.path}: {self.after.strip()}"


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def partners(code):
    """Where each bracket's partner is."""
    stack, found = [], {}
    for match in re.finditer(r"[\[\](){}]", code):
        if match.group() in "([{":
            stack.append(match.start())
        elif stack:
            begin = stack.pop()
            found[begin], found[match.start()] = match.start(), begin
    return found


def code_of(text):
    """The text with blanks for what is no code, or is left alone; as long as it was."""
    quoted = r'R"\((?:.|\n)*?\)"|"(?:[^"\\\n]|\\.)*"|' + r"(?<!\w)'(?:[^'\\\n]|\\.)+'"
    code = re.sub(rf"//[^\n]*|/\*(?:.|\n)*?\*/|{quoted}", lambda m: blank(m.group()), text)
    bracket = partners(code)
    for match in list(SKIP_STATEMENT.finditer(code)):
        end = bracket.get(match.end() - 1, match.end())
        if "PLANTED" in match.group():  # the condition is one bracket further out, then comes what it guards
            end = bracket[code.index("(", match.start())] + 1
            end = bracket[end + 1] if code[end:end + 2] == " {" else code.index(";", end)
        code = code[:match.start()] + blank(code[match.start():end + 1]) + code[end + 1:]
    return re.sub(r"[^\n]+", lambda m: blank(m.group()) if SKIP.search(m.group()) else m.group(), code)


def operand_begin(code, bracket, at, ends):
    i = at - 1
    while i >= 0:
        if code[i] in ")]}" and i in bracket:
            i = bracket[i]
        elif code[i] in "([{":
            i += 1
            break
        elif match := ends.match(code, i):
            i = match.end()
            break
        i -= 1
    while code[i].isspace():
        i += 1
    return i


def operand_end(code, bracket, at, ends):
    i = at + 1  # the blank after the operator ends nothing
    while i < len(code):
        if code[i] in "([{" and i in bracket:
            i = bracket[i]
        elif code[i] in ")]}" or ends.match(code, i):
            break
        i += 1
    return i


def changes_of(path, text):
    """The changes in their order, each with what to put where: (begin, end, rank, text with @ for its id)."""
    code = code_of(text)
    bracket = partners(code)
    lines = text.split("\n")
    result = []
    for match in PATTERN.finditer(code):
        kind = match.lastgroup
        was, (begin, end) = match.group(kind), match.span(kind)
        if kind == "compare":
            becomes, edits = COMPARES[was], [(begin, end, 0, f"{was} ::mutant::At{{@}} {was}")]
        elif kind == "one":
            becomes, edits = was.replace("1", "0"), [(begin, end, 0, f"::mutant::one(@, {was})")]
        elif kind == "flag":
            becomes = "false" if was == "true" else "true"
            edits = [(begin, end, 0, f"::mutant::flip(@, {was})")]
        elif kind == "no":
            becomes, edits = "", [(begin, end, 0, "::mutant::Not{@}->*")]
        elif kind == "add":
            becomes, edits = "-=", [(begin, end, 0, "+= ::mutant::Add{@} +=")]
        else:
            becomes, how, other = ("||", "both", "") if was == "&&" else ("&&", "any", "!")
            first = operand_begin(code, bracket, begin - 1, LEFT[was])
            last = operand_end(code, bracket, end, RIGHT[was])
            # In one place what ends comes first; the longer begins first, and ends last.
            edits = [(first, first, first - last, f"(::mutant::{how}(@, bool("),
                     (begin, end, 0, f")) ? ::mutant::{how}_right(@, bool("),
                     (last, last, last - first - len(text) * 2, f")) : {other}::mutant::on(@, false))")]
        number = text.count("\n", 0, begin)
        start = text.rfind("\n", 0, begin) + 1
        line = lines[number]
        after = line[:begin - start] + becomes + line[end - start:]
        result.append((Change(path, number + 1, line, after), edits))
    return result


def rewrite(text, numbered):
    """The text with the changes [(id, edits)] in it, of which one is chosen when it runs."""
    places = sorted(((*edit[:3], edit[3].replace("@", str(n))) for n, edits in numbered for edit in edits),
                    key=lambda place: (place[0], place[2]))
    parts, at = [], 0
    for begin, end, _, put in places:
        parts += [text[at:begin], put]
        at = end
    # Whoever includes a header with changes in it is compiled with all its warnings.
    quiet = "#pragma GCC system_header\n" if "#pragma once" in text else ""
    return f'#include "tools/mutation/mutants.h"\n{quiet}#line 1\n' + "".join([*parts, text[at:]])
