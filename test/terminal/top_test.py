"""caveat top on a terminal: the whole screen and no more of it, keys without Enter, and everything
as it was whichever way it ends."""
import os
import re
import signal
import tempfile
import time
import unittest

import tool
from tool import TOOL, Terminal, run

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
CACHES = ("blocks", "candidates", "postings", "records")
INDEXES = ("property", "source", "confidence", "temporal")


def figures(when, written):
    """As many as a store writes."""
    lines = ["caveat_store_open 1", "caveat_metrics_timestamp_seconds %f" % when,
             "caveat_records 0", "caveat_records_min 0", "caveat_records_max 1234",
             "caveat_rows_written_total %d" % written]
    for cache in CACHES:
        lines.append('caveat_cache_bytes{cache="%s"} 5000' % cache)
    for index in INDEXES:
        lines.append('caveat_index_candidates_total{index="%s"} 7' % index)
    return "\n".join(lines) + "\n"


def rows_of(frame):
    """The lines of one picture, without what steers the terminal."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame).split("\n")


class Top(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = os.path.join(self.folder.name, "caveat.prom")
        self.now = time.time()
        self.write(self.now, 1000)

    def write(self, when, written):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(figures(when, written))
        os.rename(self.path + ".new", self.path)

    def start(self, interval="3600", **options):
        terminal = Terminal([TOOL, "top", self.path, "--interval", interval], **options)
        self.assertTrue(terminal.wait_for("q ends"), terminal.text())
        return terminal

    def frame(self, terminal, text):
        """The first picture from here on that shows this."""
        begin = len(terminal.text())
        end = time.monotonic() + 60
        while time.monotonic() < end:
            terminal.read(0.1)
            # A picture is whole once the rest is erased.
            for frame in terminal.text()[begin:].split("\x1b[H")[1:]:
                if text in frame and frame.endswith("\x1b[J"):
                    return rows_of(frame)
        self.fail("%r is not shown: %s" % (text, terminal.text()[begin:]))

    def test_a_live_view_shows_rates_and_outlives_its_file(self):
        terminal = self.start("1")
        self.write(self.now + 2, 5000)
        self.assertTrue(terminal.wait_for("       2,000       5,000"), terminal.text())
        self.assertIn("about 0 (0 to 1,234)", terminal.text())
        os.remove(self.path)
        self.assertTrue(terminal.wait_for("no such file of metrics"), terminal.text())
        terminal.type("q")  # and no Enter
        self.assertEqual(terminal.finish(60), 0, terminal.text())

    def test_the_terminal_is_as_it_was_whichever_way_it_ends(self):
        for end, code in (("q", 0), ("\x03", 130), (signal.SIGINT, 130), (signal.SIGTERM, 143),
                          (signal.SIGHUP, 129)):
            # The shell stays, so that the terminal can be looked at.
            terminal = Terminal(["sh", "-c", 'read begin; trap : INT; "$@"; echo "ended $?"; read end',
                                 "sh", TOOL, "top", self.path, "--interval", "3600"])
            before = terminal.modes()
            terminal.type("\n")
            self.assertTrue(terminal.wait_for("q ends"), terminal.text())
            self.assertEqual(terminal.text().count(ENTER), 1)
            self.assertNotEqual(terminal.modes(), before, "keys need Enter")
            if isinstance(end, str):
                terminal.type(end)
            else:
                with open("/proc/{0}/task/{0}/children".format(terminal.pid), encoding="ascii") as of:
                    os.kill(int(of.read()), end)
            self.assertTrue(terminal.wait_for("ended %d" % code, 20), terminal.text())
            self.assertEqual(terminal.text().count(LEAVE), 1, terminal.text())
            self.assertLess(terminal.text().index(LEAVE), terminal.text().index("ended"))
            self.assertEqual(terminal.modes(), before)
            terminal.type("\n")
            terminal.finish(10)

    def test_it_fits_the_screen_and_says_what_it_hides(self):
        for rows, columns in ((24, 80), (24, 60), (10, 40), (3, 20)):
            terminal = Terminal([TOOL, "top", self.path], rows=rows, columns=columns)
            self.assertTrue(terminal.wait_for("q ends"), terminal.text())
            terminal.type(" ")
            shown = self.frame(terminal, "lines 1 to" if columns > 20 else "q ends")
            if columns == 80:  # all of the last line
                self.assertIn("space looks now, q ends", shown[-1])
            # However narrow it is, it says how to leave: that once was what was cut.
            self.assertTrue(shown[-1].endswith("q ends"), shown[-1])
            self.assertEqual(len(shown), rows)
            self.assertLessEqual(max(map(len, shown)), columns)
            terminal.type("q")
            self.assertEqual(terminal.finish(60), 0)

    def test_keys_scroll_change_the_pace_and_look_again(self):
        terminal = self.start("5")
        self.assertIn("every 5 s", terminal.text())
        terminal.type("+")
        self.frame(terminal, "every 10 s")
        terminal.type("-")
        self.frame(terminal, "every 5 s")
        terminal.type("\x1b[B")
        self.frame(terminal, "lines 2 to 24")
        terminal.type("\x1b[6~")
        self.frame(terminal, "open snapshots")  # what a clock drew just before has it not
        terminal.type("g")
        self.frame(terminal, "lines 1 to 23")
        self.write(self.now + 2, 777_000)
        terminal.type(" ")
        self.frame(terminal, "777,000")
        terminal.type("\x1b[C")  # an arrow that means nothing here
        terminal.resize(60, 100)
        whole = self.frame(terminal, "open snapshots")
        self.assertEqual(len(whole), 60)
        self.assertNotIn("lines 1", whole[-1])
        terminal.resize(12, 50)
        self.assertEqual(len(self.frame(terminal, "lines 1 to 11")), 12)
        terminal.type("q")
        self.assertEqual(terminal.finish(60), 0)

    def test_ctrl_z_gives_the_screen_back_meanwhile(self):
        shell = Terminal(["bash", "--norc", "-i"], environment={"PS1": "ready> "})
        self.assertTrue(shell.wait_for("ready> "))
        shell.type("'%s' top '%s'\n" % (TOOL, self.path))
        self.assertTrue(shell.wait_for("q ends"), shell.text())
        shell.type("\x1a")
        self.assertTrue(shell.wait_for("Stopped"), shell.text())
        self.assertLess(shell.text().index(LEAVE), shell.text().index("Stopped"))
        shell.type("fg\n")
        end = time.monotonic() + 20
        while shell.text().count(ENTER) < 2 and time.monotonic() < end:
            shell.read(0.1)
        shell.type("q")
        while shell.text().count("ready> ") < 3 and time.monotonic() < end:
            shell.read(0.1)
        shell.type("echo back $?\nexit\n")
        self.assertTrue(shell.wait_for("back 0"), shell.text())
        shell.finish(10)

    def test_pipes_get_plain_text_once(self):
        done = run("top", self.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("\x1b", done.stdout)
        self.assertIn("open snapshots", done.stdout)
        self.assertNotIn("q ends", done.stdout)


if __name__ == "__main__":
    tool.main()
