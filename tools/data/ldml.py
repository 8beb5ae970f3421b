"""Reads the locale files of Unicode CLDR and resolves what a locale inherits.

LDML, the format of these files, is a tree of elements. A *path* is the way from the root of the
tree to a leaf, with the attributes that tell one element from its siblings:

    numbers/currencies/currency[@type="EUR"]/displayName

A locale states values for some paths and inherits the others, in this order:

  1. parent:  from its parent locale, that one's parent, and so on up to root.
  2. alias:   where root has <alias path="..."/> on a prefix of the path, the lookup starts again
              at the locale itself (not at its parent) with the aliased path.
  3. lateral: [@count="x"] falls back to [@count="other"], then to no count;
              [@alt="x"] falls back to the path without alt.
  4. code:    names of languages, scripts, territories, variants, keys and types, and names and
              symbols of currencies, fall back to the code itself ("FR").
"""
import os
import re
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple, Optional

FOLDERS = ("main", "annotations")
NUMERIC_ELEMENTS = {"minimumGroupingDigits", "minDays"}
LAYOUT = " \t\r\n"


class Leaf(NamedTuple):
    """A value as one locale states it."""
    value: object           # a string, a number or a list of strings
    draft: Optional[str]    # how far it was reviewed; none is as good as "approved"


class Inherited(NamedTuple):
    """A value that a locale would have if it stated none."""
    value: object
    origin: str             # the locale it comes from, or "code-fallback"
    hops: int               # steps up the chain of parents
    kind: str               # "parent", "alias", "lateral count", "lateral alt" or "code"


def read_attribute_kinds(dtd):
    """-> (value attributes, metadata attributes), each a set of (element, attribute).

    Neither kind distinguishes one path from another; all other attributes do. The DTD says which
    is which in a comment after each attribute's declaration.
    """
    values, metadata = set(), set()
    attribute = None
    with open(dtd, encoding="utf-8") as lines:
        for line in lines:
            declared = re.match(r"<!ATTLIST (\S+) (\S+)", line)
            if declared:
                attribute = declared.groups()
            elif attribute and "<!--@VALUE" in line:
                values.add(attribute)
            elif attribute and "<!--@METADATA" in line:
                metadata.add(attribute)
            elif line.startswith("<!ELEMENT"):
                attribute = None
    return values, metadata


def leaf_value(element, text, path):
    """The JSON value of a leaf's text."""
    if element in NUMERIC_ELEMENTS:
        return int(text)
    if element == "annotation" and "[@type=" not in path:
        return [keyword.strip(" \t") for keyword in text.split("|")]
    return text


def leaf_text(element):
    """White space within a line is the value (a no-break space that groups digits); a line feed
    means that there is only layout around the value."""
    text = element.text or ""
    return text.strip(LAYOUT) if "\n" in text else text


def alias_target(steps, relative):
    """The path that an alias on `steps` points to: "../../month[@type='wide']" and the like."""
    target = list(steps)
    for step in relative.replace("'", '"').split("/"):
        if step == "..":
            target.pop()
        else:
            target.append(step)
    return "/".join(target)


class Locales:
    """All locales of one CLDR release: what they state, and what they inherit."""

    def __init__(self, root):
        self.stated = {}      # locale -> {path: Leaf}, in document order
        self.file_times = {}  # (locale, folder) -> the file's date, in seconds
        self._aliases = {}    # path prefix -> the prefix to look under instead
        self._value_attributes, self._metadata = read_attribute_kinds(
            os.path.join(root, "dtd/ldml.dtd"))
        for folder in FOLDERS:
            for name in sorted(os.listdir(os.path.join(root, folder))):
                if name.endswith(".xml"):
                    self._read_file(os.path.join(root, folder, name), name[:-4], folder)
        supplemental = os.path.join(root, "supplemental/supplementalData.xml")
        self.supplemental = ElementTree.parse(supplemental).getroot()
        self.supplemental_time = int(os.stat(supplemental).st_mtime)
        self._explicit_parent = {
            locale: entry.get("parent")
            for entry in self.supplemental.iter("parentLocale")
            for locale in entry.get("locales").split()}
        self.chains = {locale: self._chain(locale) for locale in self.stated}

    # --- Reading -----------------------------------------------------------------------------

    def _read_file(self, path, locale, folder):
        leaves = self.stated.setdefault(locale, {})
        self._read_children(ElementTree.parse(path).getroot(), (), None, leaves)
        self.file_times[locale, folder] = int(os.stat(path).st_mtime)

    def _read_children(self, element, steps, draft, leaves):
        for child in element:
            if not steps and child.tag == "identity":
                continue
            if child.tag == "alias":
                self._aliases["/".join(steps)] = alias_target(steps, child.get("path"))
                continue
            step, values = self._step(child)
            child_steps = steps + (step,)
            child_draft = child.get("draft", draft)
            if len(child):
                self._read_children(child, child_steps, child_draft, leaves)
                continue
            path, text = "/".join(child_steps), leaf_text(child)
            if text:
                leaves.setdefault(path, Leaf(leaf_value(child.tag, text, path), child_draft))
            for name, value in values.items():
                leaves.setdefault(path + "/@" + name, Leaf(value, child_draft))

    def _step(self, element):
        """-> (the element's step in a path, its value attributes)."""
        step, values = element.tag, {}
        for name, text in element.attrib.items():
            attribute = (element.tag, name)
            if attribute in self._metadata or name in ("draft", "references"):
                continue
            if attribute not in self._value_attributes:
                step += '[@%s="%s"]' % (name, text)
            elif name not in ("validSubLocales", "standard"):
                values[name] = text
        return step, values

    # --- Inheritance -------------------------------------------------------------------------

    def _parent(self, locale):
        if locale == "root":
            return None
        if locale in self._explicit_parent:
            return self._explicit_parent[locale]
        return locale.rsplit("_", 1)[0] if "_" in locale else "root"

    def _chain(self, locale):
        """The locale and its ancestors, nearest first; those without a file are left out."""
        chain = []
        while locale:
            if locale in self.stated:
                chain.append(locale)
            locale = self._parent(locale)
        return chain

    def inherited(self, locale, path):
        """What `locale` would have at `path` if it did not state it, or None."""
        return self._lookup(locale, path, first=1, depth=0)

    def _lookup(self, locale, path, first, depth):
        """`first`: where in the chain to begin (1 leaves the locale itself out)."""
        chain = self.chains[locale]
        for hops in range(first, len(chain)):
            leaf = self.stated[chain[hops]].get(path)
            if leaf is not None:
                return Inherited(leaf.value, chain[hops], hops, "parent")
        if depth > 8:  # aliases that lead in a circle
            return None
        other = self._aliased(path)
        kind = "alias"
        if other is None:
            other, kind = lateral(path)
        if other is not None:
            found = self._lookup(locale, other, 0, depth + 1)
            return found and found._replace(kind=kind)
        code = CODE_FALLBACK.match(path)
        return code and Inherited(code[code.lastindex], "code-fallback", len(chain), "code")

    def _aliased(self, path):
        """The path with its longest aliased prefix replaced, or None."""
        end = len(path)
        while end > 0:
            target = self._aliases.get(path[:end])
            if target is not None:
                return target + path[end:]
            end = path.rfind("/", 0, end)
        return None


COUNT = re.compile(r'\[@count="([^"]+)"\]')
ALT = re.compile(r'\[@alt="[^"]+"\]')
CODE_FALLBACK = re.compile(
    r'^(?:localeDisplayNames/(?:languages/language|scripts/script|territories/territory|'
    r'variants/variant|keys/key)\[@type="([^"]+)"\]$'
    r'|localeDisplayNames/types/type\[@key="[^"]+"\]\[@type="([^"]+)"\]$'
    r'|numbers/currencies/currency\[@type="([^"]+)"\]/(?:displayName|symbol)$)')


def lateral(path):
    """-> (the plainer form of the path, how it is plainer), or (None, None)."""
    count = COUNT.search(path)
    if count:
        plainer = '[@count="other"]' if count.group(1) != "other" else ""
        return path.replace(count.group(0), plainer), "lateral count"
    alt = ALT.search(path)
    if alt:
        return path.replace(alt.group(0), ""), "lateral alt"
    return None, None


# --- Branches ----------------------------------------------------------------------------------

STEP = re.compile(r'(?:[^/"]|"[^"]*")+')  # a path is cut at the slashes outside of quotes
BRANCH_LIMIT = 120


def split_into_branches(stated):
    """-> {path: the branch it belongs to}.

    A branch is the shortest prefix of whole steps below which no locale states more than
    BRANCH_LIMIT leaves. A list whose members are leaves (languages, territories, annotations, ...)
    stays whole, however long.
    """
    stated_by = {}
    for locale, leaves in stated.items():
        for path in leaves:
            stated_by.setdefault(path, []).append(locale)
    steps_of = {path: tuple(STEP.findall(path)) for path in stated_by}
    branch_of = {}

    def largest_share(paths):
        shares = {}
        for path in paths:
            for locale in stated_by[path]:
                shares[locale] = shares.get(locale, 0) + 1
        return max(shares.values())

    def split(paths, depth):
        groups = {}
        for path in paths:
            groups.setdefault(steps_of[path][:depth + 1], []).append(path)
        for prefix, members in groups.items():
            can_split = any(len(steps_of[path]) > depth + 2 for path in members)
            if can_split and largest_share(members) > BRANCH_LIMIT:
                split(members, depth + 1)
                continue
            for path in members:
                # A leaf directly under the parent belongs to the parent's branch.
                own = prefix if len(steps_of[path]) > len(prefix) else prefix[:-1]
                branch_of[path] = "/".join(own)

    split(list(stated_by), 0)
    return branch_of
