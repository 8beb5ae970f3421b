"""What programs read: CSV by Python's csv, NDJSON by its json; diff and remove against sets."""
import base64
import csv
import io
import json
import random

import tool
from tool import WithStore, records, run


def parsed(text):
    return {(r["node"], r["property"]): r for r in map(json.loads, text.splitlines())}


class Formats(WithStore):
    count = 700

    def test_csv_says_what_ndjson_says(self):
        whole = run("dump", self.store).stdout
        text = run("dump", self.store, "--format", "csv").stdout
        self.assertEqual(text.replace("\r\n", "").count("\n"), 0)  # also those within a field
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        self.assertEqual(len(rows), self.count)
        for row, line in zip(rows, whole.splitlines()):
            record = json.loads(line)
            self.assertEqual(int(row["node"]), record["node"])
            self.assertEqual(json.loads(row["inherited"]), record["inherited"])
            self.assertEqual(json.loads(row["actual"]), record["actual"])
            self.assertEqual(float(row["confidence"]), record["confidence"])
            for field in ("property", "reason", "source", "created_at"):
                self.assertEqual(row[field], record[field])
            self.assertTrue(row["property_hash"].isdigit())
        # The comparison can fail: a field out of place is seen.
        self.assertNotEqual(rows[0]["reason"], json.loads(whole.splitlines()[-1])["reason"])

    def test_a_table_in_a_pipe_is_aligned_whatever_the_cells(self):
        lines = records(500).splitlines()
        long = [dict(json.loads(line), property="p" * (3 + 7 * (i % 40)), actual="v" * (i % 333))
                for i, line in enumerate(lines)]
        store = self.path("long")
        done = run("import", store, "-", stdin="\n".join(map(json.dumps, long)))
        self.assertEqual(done.returncode, 0, done.stderr)
        shown = run("query", store, "--format", "table").stdout.rstrip("\n").split("\n")
        self.assertEqual(len(shown), 501)
        at = shown[0].index("created_at")
        self.assertGreater(at, 300)
        for line in shown[1:]:
            self.assertRegex(line[at - 2:at + 22], r"^  2022-\d\d-\d\dT\d\d:\d\d:\d\dZ")

    # What a reader of the CSV does with property and reason, as docs/cli.md says.
    @staticmethod
    def bytes_of(field):
        if field.startswith('{"$bytes":"'):
            return base64.b64decode(field[len('{"$bytes":"'):-len('"}')], validate=True)
        return field.encode()

    def test_csv_keeps_bytes_apart_from_text_that_looks_like_them(self):
        def of_json(value):
            return (base64.b64decode(value["$bytes"], validate=True) if isinstance(value, dict)
                    else value.encode())

        texts = ['{"$bytes":"/w=="}', '{"$bytes":"', '{"$bytes":"x', '{"$bytes": "/w=="}', "{}", '"', "",
                 "a,b\r\nc", '""', " plain ", "{", {"$bytes": "/w=="}, {"$bytes": "eyIkYnl0ZXMiOiL/"}]
        given = []
        for i, text in enumerate(texts):
            record = json.loads(records(1))
            record.update(node=i + 1, reason=text, property=text or "p", actual=text)
            given.append(record)
        store = self.path("bytes")
        done = run("import", store, "-", stdin="\n".join(map(json.dumps, given)))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in run("dump", store).stdout.splitlines()]
        rows = list(csv.DictReader(io.StringIO(run("dump", store, "--format", "csv").stdout,
                                               newline=""), strict=True))
        self.assertEqual(len(rows), len(texts))
        for record, line, row in zip(given, lines, rows):
            for field in ("property", "reason"):
                self.assertEqual(self.bytes_of(row[field]), of_json(record[field]))
                self.assertEqual(of_json(line[field]), of_json(record[field]))
            self.assertEqual(json.loads(row["actual"]), line["actual"])
        # Plain text stays plain.
        self.assertEqual(rows[4]["reason"], "{}")
        self.assertEqual(rows[3]["reason"], '{"$bytes": "/w=="}')
        # Different texts are different fields.
        self.assertEqual(len({row["reason"] for row in rows}), len(texts))

    def test_a_confidence_is_the_nearest_float(self):
        store = self.path("confidences")
        lines = []
        for i, confidence in enumerate(("1e-50", "1e-400", "0.7", "0.99999999999", "1e-45", "-0.0")):
            record = json.loads(records(1))
            record.update(node=i + 1, confidence="@")
            lines.append(json.dumps(record).replace('"@"', confidence))
        done = run("import", store, "-", stdin="\n".join(lines))
        self.assertEqual(done.returncode, 0, done.stderr)

        def nodes(*words):
            done = run("query", store, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [json.loads(line)["node"] for line in done.stdout.splitlines()]

        for zero in ("0", "1e-50", "1e-400", "-0.0", "0e9"):
            self.assertEqual(nodes("confidence = " + zero), [1, 2, 6])
            self.assertEqual(nodes("--confidence", zero), [1, 2, 6])
            self.assertEqual(nodes("confidence > " + zero), [3, 4, 5])
        self.assertEqual(nodes("confidence = 0.7"), [3])
        self.assertEqual(nodes("confidence >= 0.99999999999"), [4])
        self.assertEqual(nodes("confidence = 1e-45"), [5])
        for wrong in ("1.00000000001", "1e400", "-1e-50", "nan", "1e", "0x1"):
            for words in (["confidence = " + wrong], ["--confidence", wrong]):
                self.assertEqual(run("query", store, *words).returncode, 2, words)

    def test_times_no_record_can_have_bound_nothing(self):
        def count(*words):
            done = run("count", self.store, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return int(done.stdout)

        for beyond in ("2262-04-12", "3000-01-01", "9999-12-31T23:59:59Z"):
            for words, all_of_them in (("<", True), ("<=", True), ("!=", True), ("=", False),
                                       (">", False), (">=", False)):
                text = "created_at %s %s" % (words, beyond)
                self.assertEqual(count(text), self.count if all_of_them else 0, text)
                self.assertEqual(count("not (%s)" % text), 0 if all_of_them else self.count, text)
        for before in ("1677-09-20", "0000-01-01", "1000-01-01T00:00:00+01:00"):
            for words, all_of_them in ((">", True), (">=", True), ("!=", True), ("=", False),
                                       ("<", False), ("<=", False)):
                self.assertEqual(count("created_at %s %s" % (words, before)),
                                 self.count if all_of_them else 0)
        for last in ("2262-04-11", "1677-09-21"):  # days that are cut
            self.assertEqual(count("created_at < " + last) + count("created_at = " + last)
                             + count("created_at > " + last), self.count)
        self.assertEqual(count("created_at between 1000-01-01 and 9999-12-31"), self.count)
        self.assertEqual(count("--time", "1000-01-01..9999-12-31"), self.count)
        self.assertEqual(count("--time", "..2262-04-11"), self.count)
        self.assertEqual(count("created_at in (3000-01-01, 2022-01-01)"),
                         count("created_at = 2022-01-01"))
        for wrong in ("2022-13-01", "12022-01-01", "2262-02-30", "tomorrow"):
            self.assertEqual(run("count", self.store, "created_at < " + wrong).returncode, 2, wrong)
        self.assertEqual(run("count", self.store, "--time", "9999-01-01..").returncode, 2)

    def test_an_empty_result_has_a_header_in_csv_only(self):
        self.assertEqual(run("query", self.store, "node = 0", "--format", "csv").stdout,
                         "node,property,property_hash,inherited,actual,reason,source,created_at,"
                         "confidence\r\n")
        self.assertEqual(run("query", self.store, "node = 0").stdout, "")
        self.assertEqual(run("query", self.store, "node = 0", "--format", "table").stdout, "")

    def test_formats_that_exclude_each_other_are_refused(self):
        done = run("query", self.store, "--json", "--format", "csv")
        self.assertEqual((done.returncode, done.stderr),
                         (2, "caveat: --json and --format csv exclude each other\n"))
        self.assertEqual(run("query", self.store, "--format", "xml").returncode, 2)

    def test_options_and_a_filter_both_hold_and_contradict_in_a_sentence(self):
        def count(*words):
            done = run("count", self.store, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            return int(done.stdout)

        both = count("confidence >= 0.5", "--source", "Detected")
        self.assertEqual(both, count("--where", "confidence >= 0.5 and source = Detected"))
        self.assertGreater(both, 0)
        self.assertEqual(count("node = 2", "--node", "1"), 0)
        for words in (["limit 3", "--limit", "3"], ["order by time", "--order", "time"],
                      ["order by time", "--desc"], ["node = 1", "--where", "node = 1"]):
            done = run("query", self.store, *words)
            self.assertEqual(done.returncode, 2, words)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(run("query", self.store, "").returncode, 2)

    def test_the_filter_that_is_everybodys_example_can_be_counted(self):
        # It was refused for its order, by a command whose own help quoted it.
        filter = 'property = "group1/item1" and confidence >= 0.1 order by created_at desc limit %d'
        found = run("query", self.store, filter % 1000).stdout.count("\n")
        self.assertGreater(found, 3)
        self.assertEqual(run("count", self.store, filter % 1000).stdout, "%d\n" % found)
        self.assertEqual(run("count", self.store, "--where", filter % 3).stdout, "3\n")
        self.assertEqual(run("count", self.store, "order by time desc").stdout,
                         run("count", self.store).stdout)

    def test_diff_shows_in_its_place_what_it_has_no_use_for(self):
        for words, carets, why in (
                ("node > 5 ORDER by time desc", " " * 9 + "^" + "~" * 17, "diff goes by the order of keys"),
                ("reason = 'order' order by key desc limit 3", " " * 17 + "^" + "~" * 24, "by the order of keys"),
                ("reason contains 'limit' limit 3", " " * 24 + "^~~~~~~", "diff shows all that differs")):
            done = run("diff", self.store, self.store, "--where", words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            said, text, below = done.stderr.splitlines()
            self.assertIn("filter, column %d: " % (len(carets) - len(carets.lstrip()) + 1), said)
            self.assertIn(why, said)
            self.assertEqual((text, below), ("  " + words, "  " + carets))
        self.assertEqual(run("diff", self.store, self.store, "--where", "node > 5 order by key").returncode, 0)
        self.assertNotIn("order by", run("diff", "--help").stdout)

    def test_pages_of_a_filter_are_the_whole(self):
        words = ["query", self.store, "--where",
                 "(node in (3, 5, 90) or reason contains '7,') and actual != true"]
        whole = run(*words).stdout
        pages, token = "", None
        while True:
            done = run(*words, "--limit", "4", *(["--resume", token] if token else []))
            self.assertEqual(done.returncode, 0, done.stderr)
            pages += done.stdout
            if not done.stderr:
                break
            token = done.stderr.split()[1]
        self.assertEqual(pages, whole)
        self.assertGreater(whole.count("\n"), 20)
        other = run("query", self.store, "node > 3", "--resume", token)
        self.assertEqual((other.returncode, "belongs to another query" in other.stderr), (2, True))

    def test_explain_shows_the_queries_and_what_is_asked_of_each_record(self):
        def plan_of(condition):
            return json.loads(run("query", self.store, condition, "--explain", "--json").stdout)

        plan = plan_of("property in ('a', 'b')")
        self.assertEqual(len(plan["queries"]), 2)
        self.assertNotIn("recheck", plan)
        # Nodes beside each other lie beside each other: one range is read, and asked.
        plan = plan_of("node in (1, 2)")
        self.assertEqual(len(plan["queries"]), 1)
        self.assertEqual(plan["recheck"], "node = 1 or node = 2")
        text = run("query", self.store, "reason contains 'x' and node = 1", "--explain").stdout
        self.assertIn("each record is then asked: reason contains \"x\" and node = 1\n", text)
        self.assertIn("nothing is read",
                      run("query", self.store, "node = 1 and node = 2", "--explain").stdout)


class Diff(WithStore):
    count = 2000

    def test_diff_finds_what_sets_find(self):
        lines = records(self.count).splitlines()
        choice = random.Random(20261126)
        choice.shuffle(lines)
        changed = []
        for line in lines[200:1900]:
            record = json.loads(line)
            if choice.random() < 0.1:
                field, value = choice.choice([("confidence", 0.99), ("reason", "other"),
                                              ("actual", {"$float": "inf"}), ("source", "Imported"),
                                              ("created_at", "2023-01-01T00:00:00Z")])
                record[field] = value
            changed.append(json.dumps(record))
        for i in range(50):
            changed.append(records(1, 100_000 + 7 * i).strip())
        other = self.path("other")
        self.assertEqual(run("import", other, "-", stdin="\n".join(changed)).returncode, 0)
        before, after = parsed(run("dump", self.store).stdout), parsed(run("dump", other).stdout)
        done = run("diff", self.store, other, "--json")
        self.assertEqual(done.returncode, 1)
        found = {"added": {}, "removed": {}, "changed": {}}
        keys = []
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            shown = entry.get("after") or entry["before"]
            key = (shown["node"], shown["property"])
            keys.append(shown["node"])
            found[entry["change"]][key] = (entry.get("before"), entry.get("after"))
        self.assertEqual(keys, sorted(keys))
        expected = {
            "added": {k: (None, after[k]) for k in after.keys() - before.keys()},
            "removed": {k: (before[k], None) for k in before.keys() - after.keys()},
            "changed": {k: (before[k], after[k]) for k in before.keys() & after.keys()
                        if before[k] != after[k]}}
        self.assertEqual(found, expected)
        self.assertTrue(all(len(part) > 40 for part in expected.values()))
        # The comparison can fail: the other way round is another difference.
        self.assertNotEqual(run("diff", other, self.store, "--json").stdout, done.stdout)

        text = run("diff", self.store, other).stdout.splitlines()
        for sign, kind in (("+", "added"), ("-", "removed"), ("~", "changed")):
            self.assertEqual(sum(l.startswith(sign + " ") for l in text), len(expected[kind]))
        self.assertEqual(text[-1], "%d added, %d removed, %d changed, %s the same" % (
            *(len(expected[k]) for k in ("added", "removed", "changed")),
            format(len(before.keys() & after.keys()) - len(expected["changed"]), ",")))
        quiet = run("diff", self.store, other, "--quiet")
        self.assertEqual((quiet.returncode, quiet.stdout), (1, ""))
        some = run("diff", self.store, other, "--json", "--where", "node <= 20").stdout.splitlines()
        self.assertEqual(len(some), sum(k[0] <= 20 for part in expected.values() for k in part))
        same = run("diff", self.store, self.store)
        self.assertEqual((same.returncode, same.stdout), (0, "no difference in 2,000 records\n"))
        self.assertEqual(run("diff", self.store, self.path("none")).returncode, 3)
        self.assertEqual(run("diff", self.store, other, "--where", "limit 3").returncode, 2)

    def test_remove_takes_what_the_filter_finds_and_nothing_else(self):
        store = self.path("shrinks")
        self.assertEqual(run("import", store, "-", stdin=records(self.count)).returncode, 0)
        words = ["--where", "source in (Detected, Imported) and (node between 50 and 200 or "
                            "reason contains '7')"]
        whole, some = parsed(run("dump", store).stdout), parsed(run("query", store, *words).stdout)
        self.assertTrue(100 < len(some) < len(whole) - 100)
        dry = run("remove", store, *words, "--dry-run")
        self.assertEqual((dry.returncode, dry.stdout), (0, "would remove %d records\n" % len(some)))
        self.assertEqual(len(parsed(run("dump", store).stdout)), self.count)
        done = run("remove", store, *words, "--json")
        self.assertEqual((done.returncode, json.loads(done.stdout)),
                         (0, {"removed": True, "records": len(some)}))
        left = parsed(run("dump", store).stdout)
        self.assertEqual(left, {k: v for k, v in whole.items() if k not in some})
        none = run("remove", store, *words)
        self.assertEqual((none.returncode, none.stderr),
                         (3, "caveat: no record meets the filter\n"))
        self.assertEqual(run("remove", store, "1", "x", *words).returncode, 2)
        self.assertEqual(run("remove", store, "--where", "").returncode, 2)
        self.assertEqual(run("remove", store, "--where", "node > 0 order by confidence limit 5",
                             "--dry-run").stdout, "would remove 5 records\n")
        self.assertEqual(run("verify", store).returncode, 0)
        self.assertEqual(run("remove", store, "--clear-node", "1", "--dry-run", "--json").returncode, 0)


if __name__ == "__main__":
    tool.main()
