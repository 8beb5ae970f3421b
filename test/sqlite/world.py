"""The same records in a caveat table `e` and in a plain SQLite table `p`, and writes to both."""
import os
import random
import sqlite3
import struct
import sys
from datetime import datetime, timedelta, timezone

SOURCES = ("Explicit", "Detected", "Promoted", "Conflict", "Imported")
VISIBLE = ("node", "property", "property_hash", "inherited", "actual", "reason", "source",
           "created_at", "confidence")
HIDDEN = ("created_at_ns", "inherited_type", "actual_type", "key")
COLUMNS = VISIBLE + HIDDEN
PLAIN = """CREATE TABLE p(
  node INTEGER NOT NULL, property TEXT, property_hash INTEGER NOT NULL, inherited, actual,
  reason TEXT NOT NULL, source TEXT NOT NULL, created_at TEXT NOT NULL COLLATE caveat_time,
  confidence REAL NOT NULL, created_at_ns INTEGER NOT NULL, inherited_type TEXT NOT NULL,
  actual_type TEXT NOT NULL, key BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
CREATE INDEX p_node ON p(node);
CREATE INDEX p_property ON p(property);
CREATE INDEX p_source ON p(source);
CREATE INDEX p_confidence ON p(confidence);
CREATE INDEX p_time ON p(created_at_ns);"""
SKIPPED = 77


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def connect(extension, database=":memory:"):
    """A connection that has loaded the extension, and leaves transactions to the caller."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=1)
    if not hasattr(connection, "enable_load_extension"):
        skip("this Python's sqlite3 was built without extensions; Debian's python3 has them")
    if sqlite3.sqlite_version_info < (3, 38):
        skip("SQLite %s is older than 3.38" % sqlite3.sqlite_version)
    connection.enable_load_extension(True)
    connection.load_extension(os.path.splitext(extension)[0])
    connection.enable_load_extension(False)
    return connection


def seed_of(given):
    """Tests repeat; CAVEAT_SEED and campaigns choose."""
    chosen = os.environ.get("CAVEAT_SEED", "20240607")
    if given is None:
        given = random.randrange(2**32) if chosen == "random" else int(chosen)
    return given


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def shown_confidence(value):
    """The number that a confidence comes out as: the shortest one that is the same float."""
    stored = float32(value)
    for digits in range(1, 10):
        shown = float("%.*g" % (digits, stored))
        if float32(shown) == stored:
            return shown
    return stored


def time_text(ns):
    seconds, fraction = divmod(ns, 10**9)
    text = (datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%S")
    return text + (".%09d" % fraction).rstrip("0").rstrip(".") + "Z" if fraction else text + "Z"


def type_of(value):
    return {type(None): "null", int: "integer", float: "float", str: "string",
            bytes: "string"}[type(value)]


def unsigned(number):
    return number & (1 << 64) - 1


class World:
    """Two tables with one content."""

    def __init__(self, connection, store, seed, options=""):
        self.db = connection
        self.random = random.Random(seed)
        connection.execute("CREATE VIRTUAL TABLE e USING caveat('%s'%s)" % (store, options))
        connection.executescript(PLAIN)
        connection.executescript("CREATE TABLE t(node INTEGER, property TEXT, label TEXT, number REAL)")
        self.hashes = {}
        self.names = ["property %d" % i for i in range(12)] + ["5", "05", "naïve"]
        self.nodes = list(range(1, 40)) + [0, -1, -2**63, 2**63 - 1, -7, 10**12]
        self.times = [1640995200 * 10**9 + i * 86400 * 10**9 for i in range(30)] + [
            0, -1, 1, -2**63, 2**63 - 1, 1640995200 * 10**9 + 500000000]
        self.confidences = [0.0, 1.0, 0.5, 0.8, 0.1, 0.3, 0.9999, 1 / 3, 1e-40]

    def hash_of(self, name):
        if name not in self.hashes:
            self.hashes[name] = self.db.execute("SELECT caveat_hash(?)", (name,)).fetchone()[0]
        return self.hashes[name]

    def value(self):
        return self.random.choice((None, 0, 1, -5, 2.5, 1e300, "text", "", "5", "naïve", b"\xff\x00",
                                   self.random.randrange(100), self.random.random()))

    def record(self):
        r = self.random
        node = r.choice(self.nodes) if r.random() < 0.8 else r.randrange(-500, 500)
        name = r.choice(self.names)
        confidence = r.choice(self.confidences) if r.random() < 0.7 else r.random()
        return {"node": node, "property": name, "property_hash": self.hash_of(name),
                "inherited": self.value(), "actual": self.value(),
                "reason": r.choice(("", "because", "for a reason", "naïve")),
                "source": r.choice(SOURCES), "created_at_ns": r.choice(self.times),
                "confidence": confidence}

    @staticmethod
    def derived(record):
        full = dict(record)
        full["confidence"] = shown_confidence(record["confidence"])
        full["created_at"] = time_text(record["created_at_ns"])
        full["inherited_type"] = type_of(record["inherited"])
        full["actual_type"] = type_of(record["actual"])
        full["key"] = struct.pack(">QQ", unsigned(record["node"]), unsigned(record["property_hash"]))
        return full

    def insert(self, record):
        given = dict(record)
        named = self.random.random() < 0.9 or given["property"] not in self.known_names()
        del given["property_hash" if named else "property"]
        if self.random.random() < 0.5:
            given["created_at"] = time_text(given.pop("created_at_ns"))
        self.db.execute("INSERT INTO e(%s) VALUES (%s)" % (
            ",".join(given), ",".join("?" * len(given))), tuple(given.values()))
        full = self.derived(record)
        self.db.execute("INSERT OR REPLACE INTO p(%s) VALUES (%s)" % (
            ",".join(COLUMNS), ",".join("?" * len(COLUMNS))), tuple(full[c] for c in COLUMNS))

    def known_names(self):
        return {row[0] for row in self.db.execute("SELECT DISTINCT property FROM p")}

    def fill(self, count):
        self.db.execute("BEGIN")
        for _ in range(count):
            self.insert(self.record())
        self.db.execute("COMMIT")
        rows = [(self.random.choice(self.nodes), self.random.choice(self.names),
                 self.random.choice(SOURCES), self.random.choice(self.confidences + [2.5, 7]))
                for _ in range(25)] + [(None, None, None, None)]
        self.db.executemany("INSERT INTO t VALUES (?,?,?,?)", rows)

    def write(self):
        """One statement that means the same in both tables."""
        r = self.random
        where, values = r.choice((
            ("node = ?", (r.choice(self.nodes),)), ("property = ?", (r.choice(self.names),)),
            ("source = ? AND confidence < ?", (r.choice(SOURCES), r.random())),
            ("created_at_ns > ?", (r.choice(self.times),)),
            ("node IN (?, ?)", (r.choice(self.nodes), r.choice(self.nodes)))))
        if r.random() < 0.03:
            return self.both("DELETE FROM {}")
        kind = r.randrange(5)
        if kind < 2:
            for _ in range(r.randrange(1, 20)):
                self.insert(self.record())
        elif kind == 2:
            self.both("DELETE FROM {} WHERE " + where, values)
        elif kind == 3:
            time = r.choice(self.times)
            confidence = r.random()
            self.db.execute("UPDATE e SET confidence = ?, created_at_ns = ? WHERE " + where,
                            (confidence, time) + values)
            self.db.execute("UPDATE p SET confidence = ?, created_at_ns = ?, created_at = ? WHERE " +
                            where, (shown_confidence(confidence), time, time_text(time)) + values)
        else:
            value = self.value()
            self.db.execute("UPDATE e SET actual = ?, reason = reason || '+' WHERE " + where,
                            (value,) + values)
            self.db.execute("UPDATE p SET actual = ?, actual_type = ?, reason = reason || '+' WHERE " +
                            where, (value, type_of(value)) + values)

    def both(self, statement, values=()):
        for table in "ep":
            self.db.execute(statement.format(table), values)
