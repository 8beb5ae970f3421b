"""What programs read: CSV by Python's csv, NDJSON by its json; diff and remove against sets."""
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
        self.assertEqual(run("count", self.store, "order by time").returncode, 2)
        self.assertEqual(run("query", self.store, "").returncode, 2)

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
        plan = json.loads(run("query", self.store, "node in (1, 2)", "--explain", "--json").stdout)
        self.assertEqual(len(plan["queries"]), 2)
        self.assertNotIn("recheck", plan)
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
