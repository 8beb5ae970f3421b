"""On a terminal: colour, times in the user's zone, progress; and Ctrl-C, which ends every long command
in order, with a sentence and exit code 130."""
import fcntl
import os
import re
import threading
import time

import tool
from tool import TOOL, Terminal, WithStore, records, run

ESCAPE = "\x1b["


class OnATerminal(WithStore):
    count = 300

    def shown(self, *arguments, **options):
        terminal = Terminal([TOOL, *arguments], **options)
        code = terminal.finish()
        return code, terminal.text()

    def test_records_are_a_table_with_times_of_the_users_zone(self):
        zone = {"TZ": "Europe/Vienna"}
        code, text = self.shown("query", self.store, "node = 1", environment=zone, columns=200)
        self.assertEqual(code, 0)
        self.assertIn("created_at", text.split("\n")[0])
        self.assertIn("2022-01-01 01:00:00+01:00", text)  # winter
        self.assertIn("2022-07-07 08:00:00+02:00", text)  # summer
        self.assertIn("created_at", self.shown("get", self.store, "1", environment=zone)[1])
        # What is stored for programs is in UTC wherever it is shown.
        code, text = self.shown("dump", self.store, "node = 1", environment=zone)
        self.assertIn('"created_at":"2022-01-01T00:00:00Z"', text)
        code, text = self.shown("query", self.store, "node = 1", "--json", environment=zone)
        self.assertTrue(text.startswith('{"node":1,'))

    def test_pipes_get_lines_of_json_in_utc(self):
        done = run("query", self.store, "node = 1", environment={"TZ": "Europe/Vienna"})
        self.assertTrue(done.stdout.startswith('{"node":1,'))
        self.assertIn('"2022-01-01T00:00:00Z"', done.stdout)
        done = run("query", self.store, "node = 1", "--format", "table",
                   environment={"TZ": "Europe/Vienna"})
        self.assertIn("2022-01-01T00:00:00Z", done.stdout)
        self.assertNotIn(ESCAPE, done.stdout)

    def test_a_table_is_as_wide_as_the_screen_and_says_what_has_no_room(self):
        plain = {"NO_COLOR": "1", "TZ": "Europe/Vienna"}
        fields = ["node", "property", "inherited", "actual", "source", "confidence", "created_at", "reason"]
        for columns, hidden in ((36, "inherited, source, confidence, created_at and reason"),
                                (60, "inherited, source and confidence"), (80, "confidence"), (100, None),
                                (122, None), (200, None)):
            _, text = self.shown("query", self.store, columns=columns, environment=plain)
            lines = text.rstrip("\n").split("\n")
            self.assertLessEqual(max(map(len, lines)), columns, columns)
            note = "(no room for %s: widen the window, or use --format card)" % hidden
            if hidden:
                self.assertEqual(lines[-1], note if len(note) <= columns
                                 else note[:columns - 1] + "…")
            else:
                self.assertNotIn("no room", text)
            shown = [name for name in fields if name not in re.split(", | and ", hidden or "")]
            self.assertEqual([{"conf.": "confidence"}.get(name, name) for name in lines[0].split()], shown)

    def test_eighty_columns_show_when_and_why(self):
        # created_at and reason once were what had no room.
        for words in (["query", self.store, "node in (1, 2)"], ["get", self.store, "2"],
                      ["dump", self.store, "--format", "table"]):
            code, text = self.shown(*words, columns=80, environment={"NO_COLOR": "1", "TZ": "Europe/Vienna"})
            self.assertEqual(code, 0)
            self.assertRegex(text, r"(?m)^node +property .* created_at  reason$")
            self.assertRegex(text, r"(?m)^ *2  group5/item1 .* 2022-01-13  node 1, \"over.*…$")
        # Names are told apart by their ends.
        store = self.path("long names")
        named = records(3).replace("group", "a/rather/long/name/of/group")
        self.assertEqual(run("import", store, "-", stdin=named).returncode, 0)
        text = self.shown("query", store, columns=80)[1]
        for end in ("p0/item0", "p1/item0", "p2/item0"):
            self.assertRegex(text, "a/rath…" + end)
        # Digits go only behind the mark, and no exponent.
        small = records(1).replace('"confidence": 0.0', '"confidence": 1.2345e-30')
        self.assertEqual(run("import", store, "-", stdin=small).returncode, 0)
        for columns in range(84, 110, 5):
            shown = re.search(r" (1\.234\S*|1…\S*) ", self.shown("query", store, columns=columns)[1])
            self.assertIn(shown and shown[1], (None, "1…e-30", "1.2345e-30"))

    def test_one_record_is_shown_whole(self):
        plain = {"NO_COLOR": "1", "TZ": "Europe/Vienna"}
        store = self.path("one")
        reason = "because " * 40
        line = records(1, 500).replace("node 71, ", reason)
        self.assertEqual(run("import", store, "-", stdin=line).returncode, 0)
        card = ('node        72\nproperty    group3/item1\ninherited   "value 5"\nactual      [500,"é500",0.5]\n'
                'source      Explicit\nconfidence  0.0\ncreated_at  2022-09-25 22:00:00+02:00\n'
                'reason      ' + reason + '\\"overrides\\" its parent\\x0d\\x0aand more\n').replace('\\"', '"')
        for words in (["get", store, "72", "group3/item1"], ["get", store, "72"],
                      ["query", store, "--format", "card"]):
            for columns in (40, 80):
                self.assertEqual(self.shown(*words, columns=columns, environment=plain), (0, card))
        # A table where one is asked for, and lines of JSON in a pipe; cards there too, in UTC.
        self.assertIn("node  property", self.shown("get", store, "72", "--format", "table")[1])
        self.assertTrue(run("get", store, "72").stdout.startswith('{"node":72,'))
        self.assertEqual(run("get", store, "72", "--format", "card").stdout,
                         card.replace("2022-09-25 22:00:00+02:00", "2022-09-25T20:00:00Z"))
        cards = run("query", self.store, "--format", "card").stdout
        self.assertEqual((cards.count("\n\nnode  "), cards.count("\ncreated_at  ")), (299, 300))

    def test_a_time_is_never_cut(self):
        # With nanoseconds and a zone it is wider than other cells may be.
        store = self.path("moments")
        line = ('{"node":%d,"property":"p","inherited":1,"actual":2,"reason":"because of a long reason",'
                '"source":"Explicit","created_at":"2022-02-03T04:05:06%sZ","confidence":1}\n')
        self.assertEqual(run("import", store, "-", stdin=line % (1, ".123456789") + line % (2, "")).returncode, 0)
        zone = {"TZ": "Europe/Vienna", "NO_COLOR": "1"}
        for columns in (114, 120, 200):
            _, text = self.shown("query", store, columns=columns, environment=zone)
            self.assertIn(" 2022-02-03 05:05:06.123456789+01:00 ", text)
            self.assertIn(" 2022-02-03 05:05:06+01:00 ", text)
        # Where it has no room it is a day, which needs no zone.
        for columns in (66, 80, 100, 112):
            self.assertEqual(self.shown("query", store, columns=columns, environment=zone)[1].count(
                "  2022-02-03  "), 2)
        # Also where it was not among the rows that were measured.
        later = "".join(line % (node, "") for node in range(200)) + line % (500, ".123456789")
        self.assertEqual(run("import", store, "-", stdin=later).returncode, 0)
        for columns in range(60, 160, 3):
            text = self.shown("query", store, columns=columns, environment=zone, rows=24)[1]
            last = [shown for shown in text.split("\n") if shown.startswith(" 500")][0]
            self.assertRegex(last, r"2022-02-03( 05:05:06\.123456789\+01:00)?(  |$)", columns)

    def test_colour_is_only_for_terminals_and_not_where_it_is_unwanted(self):
        wrong = ("query", self.store, "nod = 1")
        self.assertIn(ESCAPE, self.shown(*wrong)[1])
        self.assertIn(ESCAPE, self.shown("stats", self.store)[1])
        for environment in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            self.assertNotIn(ESCAPE, self.shown(*wrong, environment=environment)[1])
            self.assertNotIn(ESCAPE, self.shown("stats", self.store, environment=environment)[1])
        # Empty is as if it was not set: no-color.org.
        self.assertIn(ESCAPE, self.shown(*wrong, environment={"NO_COLOR": ""})[1])
        done = run(*wrong)
        self.assertNotIn(ESCAPE, done.stderr)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr,
                         'caveat: filter, column 1: "nod" is no field; did you mean node?\n'
                         "  nod = 1\n  ^~~\n")


class CtrlC(WithStore):
    count = 80_000

    def interrupt(self, arguments, when, before=None, **options):
        """Ctrl-C once `when` is on the screen, or is true; -> exit code, screen."""
        for _ in range(5):
            if before:
                before()
            terminal = Terminal([TOOL, *arguments], **options)
            ready = self.wait(when) if callable(when) else terminal.wait_for(when)
            terminal.type("\x03")
            code = terminal.finish()
            if ready and code != 0:
                break  # else it was done before
        return code, terminal.text()

    @staticmethod
    def wait(condition):
        for _ in range(6000):
            if condition():
                return True
            time.sleep(0.01)
        return False

    @staticmethod
    def small_pipe():
        """One that is full soon: a dump into it waits to be read."""
        reader, writer = os.pipe()
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        return reader, writer

    def assert_interrupted(self, code, text, *sentences):
        self.assertEqual(code, 130, text)
        said = [l for l in re.split(r"[\r\n]", text.replace(ESCAPE + "K", "").replace("^C", "")) if "caveat:" in l]
        self.assertEqual(len(said), 1, text)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", said[0])
        self.assertTrue(any(re.fullmatch("caveat: interrupted" + s, plain) for s in sentences), text)

    def test_import(self):
        store = self.path("new")
        source = self.path("fifo")
        os.mkfifo(source)
        feeder = threading.Thread(target=self.feed, args=(source,))
        feeder.start()
        terminal = Terminal([TOOL, "import", store, source])
        self.assertTrue(terminal.wait_for("/s"), terminal.text())
        terminal.type("\x03")
        code = terminal.finish()
        self.stop = True
        feeder.join()
        self.assert_interrupted(code, terminal.text(),
                                r": the first [\d,]+ records? (are|is) stored; run it again for the rest")
        stored = int(re.search(r"first ([\d,]+)", terminal.text()).group(1).replace(",", ""))
        self.assertEqual(run("count", store).stdout, "%d\n" % stored)

    stop = False

    def feed(self, path):
        try:
            with open(path, "w", encoding="utf-8") as fifo:
                for i in range(1000):
                    fifo.write(records(1000, i * 1000))
                    fifo.flush()
                    time.sleep(0.02)
                    if self.stop:
                        return
        except BrokenPipeError:
            pass

    def test_optimize(self):
        def more():
            done = run("import", self.store, "-", stdin=records(self.count))
            self.assertEqual(done.returncode, 0, done.stderr)

        code, text = self.interrupt(["optimize", self.store], "[", before=more)
        self.assert_interrupted(code, text, ": what was done stays, and the next run goes on",
                                " when all was done")
        self.assertEqual(run("verify", self.store).returncode, 0)
        self.assertEqual(run("count", self.store).stdout, "%d\n" % self.count)

    def test_verify(self):
        code, text = self.interrupt(["verify", self.store], "verify")
        self.assert_interrupted(code, text, ": not everything was checked", " when all was done")

    def test_backup(self):
        backups = self.path("backups")
        code, text = self.interrupt(["backup", self.store, backups],
                                    lambda: os.path.isdir(backups) or None)
        self.assert_interrupted(code, text, ": there is no new backup", " when all was done", "")

    def test_a_backup_that_is_read(self):
        # It was said to have changed nothing, which reading never does.
        backups = self.path("backups to read")
        self.assertEqual(run("backup", self.store, backups).returncode, 0)
        code, text = self.interrupt(["backup", backups, "--verify"], "verify")
        self.assert_interrupted(code, text, ": the backup was not read to its end", " when all was done")

    def test_dump_and_query(self):
        for arguments in (["dump", self.store], ["query", self.store, "confidence > 0.01"]):
            reader, writer = self.small_pipe()
            terminal = Terminal([TOOL, *arguments], stdout=writer)
            os.close(writer)
            self.assertTrue(os.read(reader, 1))  # it has begun, and waits for us to read
            terminal.type("\x03")
            time.sleep(0.3)
            rest = b"x"
            last = b""
            while rest:
                rest = os.read(reader, 65536)
                last = rest or last
            os.close(reader)
            code = terminal.finish()
            self.assert_interrupted(code, terminal.text(), r" after [\d,]+ records?")
            self.assertTrue(last.endswith(b"}\n"), "a line is cut")

    def test_a_file_that_is_not_whole_does_not_appear(self):
        file = self.path("dump.ndjson")
        code, text = self.interrupt(
            ["dump", self.store, "-o", file],
            lambda: any(n.endswith(".part") for n in os.listdir(self.folder)))
        self.assert_interrupted(code, text, r" after [\d,]+ records?; .* was not written")
        left = [n for n in os.listdir(self.folder) if "dump.ndjson" in n or ".caveat-" in n]
        self.assertEqual(left, [])

    def test_a_dump_that_nobody_reads_ends_as_well(self):
        reader, writer = self.small_pipe()
        terminal = Terminal([TOOL, "dump", self.store], stdout=writer)
        os.close(writer)
        self.assertTrue(os.read(reader, 1))
        time.sleep(0.3)  # and now it waits
        terminal.type("\x03")
        code = terminal.finish()
        os.close(reader)
        self.assert_interrupted(code, terminal.text(), "")
        self.assertEqual([n for n in os.listdir(self.folder) if n.startswith(".caveat-")], [])

    def test_remove_says_how_far_it_came(self):
        def again():
            done = run("import", self.store, "-", stdin=records(self.count))
            self.assertEqual(done.returncode, 0, done.stderr)

        code, text = self.interrupt(["remove", self.store, "--where", "node > 0"], "removed",
                                    before=again)
        self.assert_interrupted(code, text, r": [\d,]+ records? (are|is) removed, the others are there",
                                " when all was done")
        removed = re.search(r"interrupted: ([\d,]+)", text)
        if removed:
            left = self.count - int(removed.group(1).replace(",", ""))
            self.assertEqual(run("count", self.store).stdout, "%d\n" % left)
        again()


if __name__ == "__main__":
    tool.main()
