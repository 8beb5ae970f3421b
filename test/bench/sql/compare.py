"""A caveat table against a plain SQLite table with the same five indexes: CPU time of the same SQL.

  compare.py EXTENSION --data FILE.ndjson [--dir FOLDER] [--records N] [--seconds S] [--out FILE.json]

CPU time of the whole process counts, threads in the background included. All work is done inside SQLite:
no row comes to Python. Each question is asked of one table and the other in turn, and the answers compared.
"""
import argparse
import collections
import json
import os
import random
import shutil
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../sqlite"))
from world import connect  # noqa: E402

MEMORY_MIB = 256
BATCH = 10000
PLAIN = """
CREATE TABLE p(node INTEGER NOT NULL, property TEXT NOT NULL, inherited, actual, reason TEXT NOT NULL,
  source TEXT NOT NULL, created_at TEXT NOT NULL, confidence REAL NOT NULL,
  PRIMARY KEY (node, property)) WITHOUT ROWID;
CREATE INDEX p_property ON p(property);
CREATE INDEX p_source ON p(source);
CREATE INDEX p_confidence ON p(confidence);
CREATE INDEX p_time ON p(created_at);
"""
COLUMNS = "node, property, inherited, actual, reason, source, created_at, confidence"
INSERT = "INSERT INTO {0}(%s) VALUES (?,?,?,?,?,?,?,?)" % COLUMNS
# Everything of a row, so that nothing is saved by not reading it.
SUM = ("count(*), sum(node), sum(length(property)), sum(length(inherited)), sum(length(actual)),"
       " sum(length(reason)), sum(length(source)), sum(length(created_at)), sum(CAST(confidence * 1e6 AS INTEGER))")


def plain(value):
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return int(value) if isinstance(value, bool) else value


def read(path, count):
    rows = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            r = json.loads(line)
            rows.append((r["node"], r["property"], plain(r["inherited"]), plain(r["actual"]),
                         r["reason"], r["source"], r["created_at"], r["confidence"]))
            if count and len(rows) >= count:
                break
    return rows


def bytes_below(path):
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(os.path.getsize(os.path.join(folder, name))
               for folder, _, names in os.walk(path) for name in names)


class Comparison:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.wrong = 0

    def say(self, name, ours, theirs, unit):
        ratio = theirs / ours if ours else float("inf")
        self.rows.append({"row": name, "caveat": ours, "plain": theirs, "unit": unit,
                          "ratio": ratio})
        print("%-58s %12.4g %12.4g %-10s %7.2fx" % (name, ours, theirs, unit, ratio), flush=True)

    def cpu(self, work):
        began = time.process_time()
        answer = work()
        return time.process_time() - began, answer

    def ask(self, name, sql, values=(), per=1, unit="us", compared=True):
        """Repeats for a while; the best of each counts."""
        best = {}
        answers = {}
        deadline = time.monotonic() + self.options.seconds
        rounds = 0
        while rounds < 2 or (time.monotonic() < deadline and rounds < 50):
            for table in "ep":
                text = sql.format(table)
                used, answers[table] = self.cpu(lambda t=text: self.db.execute(t, values).fetchall())
                best[table] = min(best.get(table, 1e9), used)
            rounds += 1
        if compared and answers["e"] != answers["p"]:
            self.wrong += 1
            print("WRONG", name, answers["e"][:2], answers["p"][:2])
        self.say(name, best["e"] * 1e6 / per, best["p"] * 1e6 / per, unit)

    def load(self, rows):
        shuffled = rows[:]
        random.Random(1).shuffle(shuffled)
        used = {}
        for table in "ep":
            def fill(table=table):
                for at in range(0, len(shuffled), BATCH):
                    self.db.execute("BEGIN")
                    self.db.executemany(INSERT.format(table), shuffled[at:at + BATCH])
                    self.db.execute("COMMIT")
            used[table], _ = self.cpu(fill)
        self.say("load, shuffled, %d rows a transaction" % BATCH, used["e"] * 1e6 / len(rows),
                 used["p"] * 1e6 / len(rows), "us/row")

    def open(self):
        self.db = connect(self.options.extension, self.database)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA cache_size = -%d" % (MEMORY_MIB * 1024))
        self.db.execute("PRAGMA temp_store = MEMORY")

    def reads(self, rows):
        r = random.Random(2)
        self.db.execute("CREATE TEMP TABLE k(node INTEGER, property TEXT)")
        self.db.execute("CREATE TEMP TABLE absent(node INTEGER, property TEXT)")
        picked = r.sample(rows, min(10000, len(rows)))
        self.db.executemany("INSERT INTO k VALUES (?,?)", [row[:2] for row in picked])
        names = sorted({row[1] for row in rows})
        there = {row[:2] for row in rows}
        absent = [(row[0], r.choice(names)) for row in picked]
        self.db.executemany("INSERT INTO absent VALUES (?,?)", [a for a in absent if a not in there])
        count = len(picked)
        join = "SELECT %s FROM {1} k JOIN {0} x ON x.node = k.node AND x.property = k.property"
        whole = "SELECT " + SUM + " FROM {0}"
        x_sum = ("count(*), sum(length(x.actual)), sum(length(x.reason)), sum(CAST(x.confidence * 1e6 AS INTEGER))")
        self.ask("gets: join of 10,000 keys", join.replace("{1}", "temp.k") % x_sum, per=count,
                 unit="us/get")
        self.ask("misses: join of 10,000 absent keys", join.replace("{1}", "temp.absent") % "count(*)",
                 per=count, unit="us/get")
        self.ask("all of a node: join of 10,000 nodes",
                 "SELECT %s FROM temp.k JOIN {0} x ON x.node = k.node" % x_sum, per=count,
                 unit="us/node")
        frequent = collections.Counter(row[1] for row in rows).most_common(1)[0][0]
        self.ask("property =, the most frequent", whole + " WHERE property = ?", (frequent,))
        self.ask("property IN, 20 of them", whole + " WHERE property IN (%s)" % ",".join("?" * 20),
                 r.sample(names, 20))
        self.ask("source = 'Conflict'", whole + " WHERE source = 'Conflict'")
        times = sorted(row[6] for row in picked)
        self.ask("created_at, 1 % of the records", whole + " WHERE created_at BETWEEN ? AND ?",
                 (times[len(times) // 2], times[len(times) // 2 + len(times) // 100]))
        self.ask("confidence <= 0.5", whole + " WHERE confidence <= 0.5")
        self.ask("source and confidence and created_at",
                 whole + " WHERE source = 'Detected' AND confidence < 0.7 AND created_at > ?",
                 (times[len(times) // 2],))
        self.ask("ORDER BY created_at DESC LIMIT 100",
                 "SELECT created_at FROM {0} ORDER BY created_at DESC LIMIT 100")
        self.ask("ORDER BY confidence LIMIT 10", "SELECT confidence FROM {0} ORDER BY confidence LIMIT 10")
        self.ask("property =, ORDER BY created_at LIMIT 10",
                 "SELECT created_at FROM {0} WHERE property = ? ORDER BY created_at LIMIT 10",
                 (frequent,))
        self.ask("max(created_at)", "SELECT max(created_at) FROM {0}")
        self.ask("count(*)", "SELECT count(*) FROM {0}", unit="us")
        self.ask("GROUP BY source", "SELECT source, count(*) FROM {0} GROUP BY source")
        self.ask("GROUP BY node, the largest ten",
                 "SELECT node, count(*) n FROM {0} GROUP BY node ORDER BY n DESC, node LIMIT 10")
        self.ask("everything: sums over all columns", whole, per=len(rows), unit="us/row")
        self.ask("no index: reason LIKE '%x%'", "SELECT count(*) FROM {0} WHERE reason LIKE '%x%'",
                 per=len(rows), unit="us/row")

    def writes(self, rows):
        r = random.Random(3)
        for name, size, count in (("upserts, one a transaction", 1, 3000),
                                  ("upserts, 1,000 a transaction", 1000, 20000)):
            used = {}
            for table in "ep":
                picked = [row[:7] + (r.random(),) for row in r.sample(rows, min(count, len(rows)))]
                text = INSERT.format(table).replace("INSERT", "INSERT OR REPLACE")

                def write(text=text, picked=picked):
                    for at in range(0, len(picked), size):
                        self.db.execute("BEGIN")
                        self.db.executemany(text, picked[at:at + size])
                        self.db.execute("COMMIT")
                used[table], _ = self.cpu(write)
            self.say(name, used["e"] * 1e6 / len(picked), used["p"] * 1e6 / len(picked), "us/row")
        for name, text in (("UPDATE of one field, 10,000 nodes in one statement",
                            "UPDATE {0} SET reason = reason || '.' WHERE node IN (SELECT node FROM temp.k)"),
                           ("DELETE of 10,000 nodes in one statement",
                            "DELETE FROM {0} WHERE node IN (SELECT node FROM temp.k)")):
            used = {}
            for table in "ep":
                before = self.db.total_changes
                used[table], _ = self.cpu(lambda t=text.format(table): self.db.execute(t))
                changed = self.db.total_changes - before
            self.say(name, used["e"] * 1e6 / changed, used["p"] * 1e6 / changed, "us/row")

    def run(self):
        folder = self.options.dir
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.database = os.path.join(folder, "plain.db")
        store = os.path.join(folder, "store")
        rows = read(self.options.data, self.options.records)
        print("SQLite %s, %d records, %d MiB of memory each" % (sqlite3.sqlite_version, len(rows),
                                                               MEMORY_MIB))
        print("%-58s %12s %12s %-10s %8s" % ("", "caveat", "plain", "", "ratio"))
        self.open()
        self.db.execute("CREATE VIRTUAL TABLE e USING caveat('%s', memory=%d)" % (store, MEMORY_MIB))
        self.db.executescript(PLAIN)
        self.load(rows)
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.db.execute("ANALYZE p")
        self.db.close()
        self.say("disk, closed", bytes_below(store) / len(rows),
                 bytes_below(self.database) / len(rows), "bytes/row")
        self.open()
        self.reads(rows)
        self.writes(rows)
        self.db.close()
        shutil.rmtree(folder, ignore_errors=True)
        if self.options.out:
            with open(self.options.out, "w", encoding="utf-8") as out:
                json.dump({"sqlite": sqlite3.sqlite_version, "records": len(rows),
                           "memory_mib": MEMORY_MIB, "rows": self.rows}, out, indent=1)
        return self.wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extension")
    parser.add_argument("--data", required=True)
    parser.add_argument("--dir", default="sql-comparison")
    parser.add_argument("--records", type=int, default=0, help="only so many (0: all)")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each question")
    parser.add_argument("--out")
    sys.exit(1 if Comparison(parser.parse_args()).run() else 0)


if __name__ == "__main__":
    main()
