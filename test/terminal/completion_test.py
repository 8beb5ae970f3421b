"""Completions in the real shells: what is offered, and what a tab makes of a line."""
import os
import shutil
import subprocess
import unittest

import tool
from tool import TOOL, Terminal, run


class Completion(unittest.TestCase):
    """A shell that is not installed is skipped, and the report says so."""

    def need(self, shell):
        path = shutil.which(shell)
        if path is None:
            self.skipTest(shell + " is not installed")
        return path

    @classmethod
    def setUpClass(cls):
        cls.folder = tool.tempfile.mkdtemp(prefix="caveat-completion-")
        for shell in ("bash", "zsh", "fish"):
            cls.write({"bash": "caveat", "zsh": "_caveat", "fish": "caveat.fish"}[shell],
                      run("--generate", shell).stdout)
        os.mkdir(os.path.join(cls.folder, "birds.store"))
        cls.write("birds.ndjson", "")
        cls.write("metrics.prom", "")
        os.mkdir(os.path.join(cls.folder, "bin"))
        os.symlink(TOOL, os.path.join(cls.folder, "bin", "caveat"))
        cls.environment = {"PATH": os.path.join(cls.folder, "bin") + ":" + os.environ["PATH"]}

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def bash(self, *words):
        """What bash would offer at the end of these words."""
        script = ('. ./caveat; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _caveat; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "bash", *words], cwd=self.folder,
                              capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.split())

    def test_bash_offers_commands_options_values_and_places(self):
        self.need("bash")
        self.assertEqual(self.bash("caveat", "qu"), ["query"])
        self.assertIn("rebuild-indexes", self.bash("caveat", ""))
        self.assertEqual(self.bash("caveat", "query", "--conf"), ["--confidence"])
        self.assertEqual(self.bash("caveat", "query", "s", "--source", "De"), ["Detected"])
        self.assertEqual(self.bash("caveat", "query", "s", "--source", "=", "De"), ["Detected"])
        self.assertEqual(len(self.bash("caveat", "query", "s", "--source", "=")), 5)
        self.assertEqual(self.bash("caveat", "query", "--format", ""), ["card", "csv", "ndjson", "table"])
        self.assertEqual(self.bash("caveat", "query", "bi"), ["bin", "birds.store"])
        self.assertEqual(self.bash("caveat", "query", "--limit", "3", "bir"), ["birds.store"])
        self.assertEqual(self.bash("caveat", "query", "s", "bi"), [])
        self.assertEqual(self.bash("caveat", "top", "met"), ["metrics.prom"])
        self.assertEqual(self.bash("caveat", "top", "birds.s"), ["birds.store"])
        self.assertEqual(self.bash("caveat", "query", "met"), [])
        self.assertEqual(self.bash("caveat", "import", "s", "bir"), ["birds.ndjson", "birds.store"])
        self.assertEqual(self.bash("caveat", "dump", "s", "-o", "birds.n"), ["birds.ndjson"])
        self.assertEqual(self.bash("caveat", "query", "s", "--limit", ""), [])
        self.assertEqual(self.bash("caveat", "nonsense", "x"), [])

    def tab(self, command, ready, line, completed):
        """Types a line and a tab into a shell on a terminal; what the line is then."""
        # In the folder, as shells start where their parent is.
        before = os.getcwd()
        os.chdir(self.folder)
        shell = Terminal(command, {**self.environment, "HOME": self.folder, "PS1": "$ "})
        os.chdir(before)
        self.assertTrue(shell.wait_for(ready), shell.text())
        shell.type(line + "\t")
        found = shell.wait_for(completed, 20)
        shell.type("\x03")
        shell.type("\x04exit\n")
        shell.finish(5)
        self.assertTrue(found, shell.text())

    def test_bash_completes_a_line_on_a_terminal(self):
        self.need("bash")
        self.write("bashrc", ". ./caveat\nPS1='ready> '\n")
        shell = ["bash", "--noprofile", "--rcfile", "bashrc", "-i"]
        self.tab(shell, "ready> ", "caveat rebu", "caveat rebuild-indexes")
        self.tab(shell, "ready> ", "caveat query birds", "caveat query birds.store/")
        self.tab(shell, "ready> ", "caveat query s --source=Pro", "--source=Promoted")

    def test_zsh_completes_a_line_on_a_terminal(self):
        self.need("zsh")
        self.write(".zshrc", "fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D\n"
                             "PS1='ready> '; unsetopt BEEP; zstyle ':completion:*' menu no\n")
        self.environment["ZDOTDIR"] = self.folder
        shell = ["zsh", "-i"]
        self.tab(shell, "ready> ", "caveat rebu", "ild-indexes")
        self.tab(shell, "ready> ", "caveat query birds", ".store")
        self.tab(shell, "ready> ", "caveat top met", "rics.prom")
        self.tab(shell, "ready> ", "caveat query s --source=Pro", "moted")
        self.tab(shell, "ready> ", "caveat query s --conf", "--confidence")

    def test_fish_offers_commands_options_values_and_places(self):
        self.need("fish")

        def fish(line):
            done = subprocess.run(
                ["fish", "--no-config", "-c", "source caveat.fish; complete -C '%s'" % line],
                cwd=self.folder, capture_output=True, text=True, check=True,
                env={**os.environ, **self.environment, "HOME": self.folder})
            return [entry.split("\t")[0] for entry in done.stdout.split("\n") if entry]

        self.assertEqual(fish("caveat rebu"), ["rebuild-indexes"])
        self.assertEqual(fish("caveat query s --conf"), ["--confidence"])
        self.assertEqual(fish("caveat query s --source De"), ["Detected"])
        self.assertEqual(sorted(fish("caveat query s --format ")), ["card", "csv", "ndjson", "table"])
        self.assertIn("birds.store/", fish("caveat query bir"))
        self.assertNotIn("birds.ndjson", fish("caveat query bir"))
        self.assertIn("birds.ndjson", fish("caveat import s bir"))
        self.assertIn("metrics.prom", fish("caveat top met"))
        self.assertIn("birds.store/", fish("caveat top bir"))
        self.assertIn("birds.ndjson", fish("caveat dump s -o bir"))


if __name__ == "__main__":
    tool.main()
