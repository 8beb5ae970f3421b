"""--help, manual pages, completions and the reference in docs/cli.md say the same, and are well formed.

    generated_test.py TOOL TOP             the tests
    generated_test.py TOOL TOP --update    writes the reference anew
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

import tool
from tool import TOOL, TOP, run

BEGIN = "<!-- reference: made by `caveat --generate markdown` -->\n"
END = "<!-- end of the reference -->\n"
PAGE = os.path.join(TOP, "docs", "cli.md")


def parts_of_page():
    with open(PAGE, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    reference, after = rest.split(END)
    return before, reference, after


def commands():
    """Of --help, which people read: {name: (set of options, set of arguments)}."""
    found = {}
    listed = run("--help").stdout.split("Commands:\n")[1].split("\nOptions:")[0]
    for name in re.findall(r"^  ([a-z-]+)(?:  |$)", listed, re.MULTILINE):
        text = run(name, "--help").stdout
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", text, re.MULTILINE)) - {"--help"}
        arguments = set(re.findall(r"^  ([A-Z]+)\b", text.split("Arguments:\n")[1], re.MULTILINE))
        found[name] = (options, arguments)
    return found


def lint(program, text):
    """-> what a checker of manual pages says."""
    return subprocess.run(program, input=text, capture_output=True, text=True, check=False)


class Generated(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = commands()
        cls.generated = {kind: run("--generate", kind).stdout
                         for kind in ("man", "markdown", "bash", "zsh", "fish")}

    def test_every_command_has_help_with_an_example_and_json(self):
        self.assertGreater(len(self.commands), 14)
        for name, (options, arguments) in self.commands.items():
            text = run(name, "--help").stdout
            self.assertIn("Example: caveat", text)
            self.assertIn("Exit codes:", text)
            self.assertIn("--json", options, name)
            self.assertIn("STORE", arguments, name)
            self.assertLessEqual(max(map(len, text.split("Example:")[0].split("\n"))), 80)

    def test_they_name_the_same_commands_options_and_arguments(self):
        for name, (options, arguments) in self.commands.items():
            page = run("--generate", "man", name).stdout.replace("\\-", "-")
            self.assertEqual(set(re.findall(r"^\.B (?:-\w, )?(--[a-z-]+)", page, re.MULTILINE)),
                             options | {"--help"}, name)
            self.assertEqual(set(re.findall(r"^\.B ([A-Z]+)$", page, re.MULTILINE)) - set("0123456"),
                             arguments, name)
            section = self.generated["markdown"].split("### caveat %s\n" % name)[1].split("###")[0]
            self.assertEqual(set(re.findall(r"^\| `(?:-\w, )?(--[a-z-]+)", section, re.MULTILINE)),
                             options, name)
            bash = re.search(r'"%s -"\*\) _caveat_words "([^"]*)"' % name, self.generated["bash"])
            self.assertEqual({w for w in bash.group(1).split() if w.startswith("--")},
                             options | {"--help"}, name)
            fish = re.findall(r"__fish_seen_subcommand_from %s'.*? -l ([a-z-]+)" % name,
                              self.generated["fish"])
            self.assertEqual({"--" + w for w in fish}, options, name)
            zsh = self.generated["zsh"].split("        %s)\n" % name)[1].split(";;")[0]
            self.assertEqual(set(re.findall(r"'\([^)]*\)(--[a-z-]+)", zsh)), options, name)
            self.assertIn("\n.B %s\n" % name.replace("-", "\\-"), self.generated["man"])

    def test_the_reference_in_the_documents_is_what_the_tool_says(self):
        self.assertEqual(parts_of_page()[1], self.generated["markdown"],
                         "docs/cli.md is old; run: test/terminal/generated_test.py TOOL TOP --update")

    def test_exit_codes_are_the_same_everywhere(self):
        codes = re.findall(r"^  (\d+)  +(\S.*)", run("--help").stdout, re.MULTILINE)
        self.assertEqual([c for c, _ in codes], ["0", "1", "2", "3", "4", "5", "6", "7", "130"])
        for code, _ in codes:
            self.assertIn("\n| `%s` | " % code, self.generated["markdown"])
            self.assertIn("\n.B %s\n" % code, self.generated["man"])

    def test_manual_pages_are_clean(self):
        checkers = [c for c in (["mandoc", "-T", "lint", "-W", "warning"],
                                ["groff", "-man", "-Tutf8", "-ww", "-z"])
                    if subprocess.run(["which", c[0]], capture_output=True, check=False).returncode == 0]
        if not checkers:
            self.skipTest("neither mandoc nor groff is installed")
        for page in [self.generated["man"]] + [run("--generate", "man", n).stdout
                                               for n in self.commands]:
            for checker in checkers:
                said = lint(checker, page)
                # References to pages beside it are found once they are installed.
                output = "\n".join(l for l in (said.stdout + said.stderr).split("\n")
                                   if l and "referenced manual not found" not in l)
                self.assertEqual(output, "", checker)
        broken = self.generated["man"] + ".XY\n\\fZoops\n.RE\n"
        self.assertTrue(any(lint(c, broken).stdout + lint(c, broken).stderr for c in checkers),
                        "the checkers see nothing")

    def test_shells_can_read_their_completions(self):
        for shell, kind in (("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")):
            if subprocess.run(["which", shell], capture_output=True, check=False).returncode != 0:
                continue
            said = subprocess.run([shell, "-n", "/dev/stdin"], input=self.generated[kind],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((said.returncode, said.stderr), (0, ""), shell)

    def test_all_files_are_written_where_they_are_looked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("--generate", "files", folder).returncode, 0)
            found = {os.path.relpath(os.path.join(at, name), folder)
                     for at, _, names in os.walk(folder) for name in names}
        expected = {"man/man1/caveat-%s.1" % n for n in self.commands} | {
            "man/man1/caveat.1", "bash-completion/completions/caveat",
            "zsh/vendor-completions/_caveat", "fish/vendor_completions.d/caveat.fish"}
        self.assertEqual(found, expected)

    def test_what_is_no_kind_is_refused(self):
        for words in ((), ("html",), ("man", "frobnicate"), ("bash", "x")):
            done = run("--generate", *words)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith("caveat: --generate needs"))


if __name__ == "__main__":
    if sys.argv[3:] == ["--update"]:
        head, _, tail = parts_of_page()
        with open(PAGE, "w", encoding="utf-8") as out:
            out.write(head + BEGIN + run("--generate", "markdown").stdout + END + tail)
    else:
        tool.main()
