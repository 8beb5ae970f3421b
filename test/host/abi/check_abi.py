#!/usr/bin/env python3
"""Compares libcaveat.so with what was promised: caveat_c.abi (libabigail) and caveat_c.txt beside this.

    check_abi.py LIBRARY ARCHIVE            fails where a symbol, a layout or a constant has changed
    check_abi.py LIBRARY ARCHIVE --update   writes the golden files anew: only to add something
    check_abi.py LIBRARY ARCHIVE --planted  changes headers and lists in many ways: each has to be found

ARCHIVE is libcaveat.a: the public C++ functions in it have to be in LIBRARY too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.abspath(os.path.join(HERE, "..", "..", ".."))
C_HEADERS = os.path.join(TOP, "adapters", "c", "include")
LAYOUT = os.path.join(HERE, "caveat_c.abi")
LIST = os.path.join(HERE, "caveat_c.txt")


def run(*command, may_fail=False):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode and not may_fail:
        sys.exit("%s\n%s%s" % (" ".join(command), done.stdout, done.stderr))
    return done


# --- Layouts -------------------------------------------------------------------------------------

def layout_of(library, headers):
    return run("abidw", "--suppr", os.path.join(HERE, "only_c.suppr"), "--headers-dir", headers,
               "--drop-private-types", "--no-show-locs", "--no-comp-dir-path", "--no-corpus-path",
               "--no-elf-needed", "--type-id-style", "hash", library).stdout


def layout_changes(golden, layout):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "now.abi")
        with open(path, "w") as out:
            out.write(layout)
        done = run("abidiff", "--harmless", golden, path, may_fail=True)
        return done.stdout if done.returncode else ""


# --- Symbols and constants -----------------------------------------------------------------------

def exported(library):
    """-> {mangled name: version node} of what others can see."""
    found = {}
    for line in run("readelf", "-W", "--dyn-syms", library).stdout.splitlines():
        field = line.split()
        if len(field) >= 8 and field[6] not in ("UND", "Ndx", "ABS") and field[4] != "LOCAL":
            name, _, node = field[7].partition("@@")
            found[name] = node
    return found


def constants(header):
    """Of the header and of those that it includes beside it."""
    found = []
    for name in (header, os.path.join(os.path.dirname(header), "c_keys.h")):
        with open(name) as text:
            found += re.findall(r"\b(CAVEAT_[A-Z0-9_]+) (?:= )?(\d+)", text.read())
    return found


def listing(library, header):
    symbols = ["%s@@%s" % pair for pair in sorted(exported(library).items())
               if not pair[0].startswith("_Z")]
    return "\n".join(symbols + ["%s = %s" % pair for pair in constants(header)]) + "\n"


def list_changes(golden, now):
    was = set(golden.splitlines())
    now = set(now.splitlines())
    return ["gone: " + line for line in sorted(was - now)] + \
           ["new: " + line for line in sorted(now - was)]


# --- The public C++ interface --------------------------------------------------------------------

def public_names():
    """Words that the public headers use: of their classes, functions and members."""
    words = set()
    for folder in ("engine", "indexes", "pool"):
        headers = os.path.join(TOP, folder, "include", "caveat")
        for name in os.listdir(headers):
            with open(os.path.join(headers, name)) as text:
                code = re.sub(r"//[^\n]*", "", text.read())
                words.update(re.findall(r"^(?:class|struct)(?: \[\[nodiscard\]\])? (\w+)[^;]*?\{", code,
                                        re.MULTILINE))
                words.update(re.findall(r"(\w+)\(", code))
    return words


def hidden_cpp(library, archive):
    """Public functions of the archive that the library hides."""
    names = public_names()
    visible = exported(library)
    hidden = []
    for line in run("nm", "--defined-only", archive, may_fail=True).stdout.splitlines():
        field = line.split()
        # Not weak ones: what is inline in a header is compiled into the host.
        if len(field) != 3 or field[1] != "T" or not field[2].startswith("_ZN"):
            continue
        if field[2] not in visible:
            hidden.append(field[2])
    plain = run("c++filt", "-p", *hidden).stdout.splitlines() if hidden else []
    found = []
    for name in plain:
        name = re.sub(r"\[abi:\w+\]", "", name)
        parts = name.split("::")
        if parts[0] == "caveat" and 2 <= len(parts) <= 3 and all(
                part.lstrip("~") in names for part in parts[1:]):
            found.append(name)
    return sorted(set(found) - set(INTERNAL))


# Functions of the insides that share their words with public ones.
INTERNAL = ("caveat::encode_value",)


# --- Planted changes -----------------------------------------------------------------------------

PLANTED = (  # in which header, what, by what
    ("c.h", "  int64_t created_at_ns;", "  int64_t updated_at_ns;\n  int64_t created_at_ns;"),
    ("c.h", "  float confidence;", "  double confidence;"),
    ("c_statistics.h", "  uint64_t reads; ", "  uint64_t loads; "),
    ("c_statistics.h", "  uint64_t memory_bytes;        /* in use */\n"
                       "  uint64_t memory_budget_bytes; /* of caveat_options */\n",
     "  uint64_t memory_budget_bytes;\n  uint64_t memory_bytes;\n"),
    ("c.h", "typedef int32_t caveat_code;", "typedef int64_t caveat_code;"),
    ("plugin.h", "  caveat_code (*close)(caveat_store* store, caveat_error** error);\n", ""),
    ("plugin.h", "(*close)(caveat_store* store,", "(*close)(caveat_store* store, int32_t force,"),
    ("plugin.h", "} caveat_api;", "  void (*more)(void);\n} caveat_api;"),
)


def planted_layout(folder, changes):
    """The layout of the table's file alone, compiled against changed headers."""
    headers = os.path.join(folder, "include")
    shutil.copytree(C_HEADERS, headers)
    for name, old, new in changes:
        path = os.path.join(headers, "caveat", name)
        with open(path) as text:
            code = text.read()
        if old not in code:
            sys.exit("nothing to change: %s is not in %s" % (old, name))
        with open(path, "w") as out:
            out.write(code.replace(old, new))
    source = os.path.join(folder, "plugin.cpp")
    with open(os.path.join(TOP, "adapters", "c", "plugin.cpp")) as text:
        code = re.sub(r"      \.(?!size|abi_version)\w+ = \w+,\n", "", text.read())
    with open(source, "w") as out:
        out.write(code)
    library = os.path.join(folder, "planted.so")
    run(os.environ.get("CXX", "c++"), "-std=c++20", "-g", "-O0", "-fPIC", "-shared", "-I", headers,
        source, "-o", library)
    return layout_of(library, headers)


def check_planted(library, archive):
    blind = []
    with tempfile.TemporaryDirectory() as folder:
        base = os.path.join(folder, "base.abi")
        with open(base, "w") as out:
            out.write(planted_layout(os.path.join(folder, "base"), ()))
        for number, change in enumerate(((),) + PLANTED):
            changes = (change,) if change else ()
            found = layout_changes(base, planted_layout(os.path.join(folder, str(number)), changes))
            if bool(found) != bool(change):
                blind.append("%s\n%s" % (change, found))
    listed = listing(library, os.path.join(C_HEADERS, "caveat", "c.h"))
    for old, new in (("caveat_open@@", "caveat_opened@@"), ("@@CAVEAT_0.1", "@@CAVEAT_0.2"),
                     ("CAVEAT_BUSY = 13", "CAVEAT_BUSY = 14")):
        if old not in listed or not list_changes(listed, listed.replace(old, new, 1)):
            blind.append(old)
    # A library that hides all of C++, as one would without the second part of the map.
    if len(hidden_cpp("/bin/true", archive)) < 100:
        blind.append("hidden C++ functions")
    for one in blind:
        print("not found, or found where there is none: %s" % one)
    print("%d planted changes, %d not found" % (len(PLANTED) + 4, len(blind)))
    return 1 if blind else 0


def main():
    library, archive = sys.argv[1:3]
    mode = sys.argv[3] if len(sys.argv) > 3 else ""
    if mode == "--planted":
        return check_planted(library, archive)
    layout = layout_of(library, C_HEADERS)
    now = listing(library, os.path.join(C_HEADERS, "caveat", "c.h"))
    if mode == "--update":
        with open(LAYOUT, "w") as out:
            out.write(layout)
        with open(LIST, "w") as out:
            out.write(now)
        return 0
    with open(LIST) as text:
        faults = list_changes(text.read(), now)
    changed = layout_changes(LAYOUT, layout)
    if changed:
        faults.append(changed)
    faults += ["hidden in libcaveat.so, and public: %s; name it in adapters/c/libcaveat.map" % name
               for name in hidden_cpp(library, archive)]
    for fault in faults:
        print(fault)
    print("%d symbols and constants, %d functions in the layout, %d faults" %
          (now.count("\n"), layout.count("<function-decl"), len(faults)))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
