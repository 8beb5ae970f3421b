"""Random queries that a caveat table and a plain one have to answer alike."""
import math

from world import COLUMNS, SOURCES, VISIBLE, time_text

NUMERIC = ("node", "property_hash", "confidence", "created_at_ns")
COMPARISONS = ("=", "<", "<=", ">", ">=", "IS", "!=", "IS NOT")
PUSHED = ("=", "<", "<=", ">", ">=")


class Queries:
    """`text(table)` for either table, and how the answers are to be compared."""

    def __init__(self, world):
        self.world = world
        self.random = world.random

    def constant(self, column):
        """A value to compare the column with: mostly a likely one, now and then any other."""
        r, w = self.random, self.world
        if r.random() < 0.12:
            return r.choice((None, 0, 5, 5.5, "5", "abc", "", b"", b"\x80", -1, 1e30, -1e30,
                             2**63 - 1, "2022-01-05", 9223372036854775807.0, "0x10", " 7 ", "1e2"))
        if column == "node":
            node = r.choice(w.nodes)
            return r.choice((node, node, node, node + 0.5, float(node), str(node)))
        if column in ("property", "property_hash"):
            name = r.choice(w.names + ["unknown"])
            return name if column == "property" else w.hash_of(name)
        if column == "source":
            return r.choice(SOURCES + ("explicit", "D"))
        if column == "created_at":
            text = time_text(r.choice(w.times))
            return r.choice((text, text, text[:10], text[:10] + " " + text[11:16],
                             text[:19] + "+01:00"))
        if column == "created_at_ns":
            return r.choice(w.times + [1, 2, -2]) if r.random() < 0.9 else 1.5e18
        if column == "confidence":
            return r.choice(w.confidences + [r.random(), 1, 0, -0.5, 1.5, -0.0, 0.80000001])
        if column == "key":
            key = self.world.derived(w.record())["key"]
            return r.choice((key, key, key, key[:8], key + b"\0", b"\xff" * 16, b"\0" * 16))
        return w.value()

    def literal(self, value):
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return "x'%s'" % value.hex()
        if isinstance(value, str):
            return "'%s'" % value.replace("'", "''")
        return repr(value) if value != -2**63 else "(-9223372036854775807 - 1)"

    def operand(self, column, values):
        value = self.constant(column)
        if self.random.random() < 0.5:
            return self.literal(value)
        values.append(value)
        return "?"

    def condition(self, prefix, values, depth=0):
        r = self.random
        pick = r.random()
        if depth < 2 and pick < 0.12:
            parts = [self.condition(prefix, values, depth + 1) for _ in range(r.randrange(2, 4))]
            return "(%s)" % " OR ".join(parts)
        if depth < 2 and pick < 0.16:
            return "NOT (%s)" % self.condition(prefix, values, depth + 1)
        column = r.choice(COLUMNS if r.random() < 0.3 else
                          ("node", "property", "source", "confidence", "created_at",
                           "created_at_ns", "property_hash", "key"))
        name = prefix + column
        pick = r.random()
        if pick < 0.5:
            return "%s %s %s" % (name, r.choice(PUSHED), self.operand(column, values))
        if pick < 0.58:
            return "%s %s %s" % (name, r.choice(COMPARISONS), self.operand(column, values))
        if pick < 0.68:
            return "%s BETWEEN %s AND %s" % (name, self.operand(column, values),
                                             self.operand(column, values))
        if pick < 0.82:
            count = r.choice((0, 1, 2, 3, 5, 12))
            return "%s %sIN (%s)" % (name, r.choice(("", "", "", "NOT ")), ", ".join(
                self.operand(column, values) for _ in range(count)))
        if pick < 0.87:
            return "%s IN (SELECT %s FROM t)" % (name, r.choice(("node", "property", "label",
                                                                 "number")))
        if pick < 0.91:
            return "%s IS %sNULL" % (name, r.choice(("", "NOT ")))
        if pick < 0.94:
            return "%s LIKE %s" % (name, r.choice(("'%e%'", "'2022%'", "'prop%'", "'5'")))
        if pick < 0.97:
            return "%s = %s COLLATE NOCASE" % (name, self.operand(column, values))
        return "%s %s %s%s" % (name, r.choice(PUSHED), prefix, r.choice(COLUMNS))

    def where(self, prefix, values):
        count = self.random.choice((0, 1, 1, 2, 2, 3))
        parts = [self.condition(prefix, values) for _ in range(count)]
        return " WHERE " + " AND ".join(parts) if parts else ""

    def order(self, prefix):
        r = self.random
        first = r.choice(("node", "key", "confidence", "created_at", "created_at_ns", "source",
                          "property", "property_hash", "reason", "actual"))
        columns = [first] + [c for c in r.sample(VISIBLE + ("key",), r.randrange(3)) if c != first]
        if first != "key" and r.random() < 0.4:
            columns = [first, "key"]
        elif first in ("confidence", "created_at") and r.random() < 0.5:
            columns = [first, "node"] + ["key"] * r.randrange(2)
        direction = r.choice((" DESC", ""))
        # Mostly one direction: that is what an index can give.
        return ["%s%s%s" % (prefix, column, direction if r.random() < 0.85 else "")
                for column in columns], columns

    def limit(self):
        r = self.random
        text = " LIMIT %d" % r.choice((0, 1, 2, 5, 10, 100, -1))
        return text + " OFFSET %d" % r.choice((0, 1, 7, 50)) if r.random() < 0.4 else text

    def rows(self):
        """SELECT ... WHERE ... ORDER BY ... LIMIT"""
        values = []
        where = self.where("", values)
        if self.random.random() < 0.35:
            picked = self.random.sample(COLUMNS, self.random.randrange(1, 5))
            return "SELECT %s FROM {0}%s" % (", ".join(picked), where), values, False
        terms, columns = self.order("")
        limited = self.random.random() < 0.6
        # Where equal rows may come in any order, only what they are ordered by can be compared.
        whole = "key" in columns and columns.index("key") >= 0
        picked = VISIBLE if whole or not limited else columns
        ordered = whole or limited
        text = "SELECT %s FROM {0}%s ORDER BY %s" % (", ".join(picked), where, ", ".join(terms))
        return text + (self.limit() if limited else ""), values, ordered

    def counted_limit(self):
        values = []
        where = self.where("", values)
        return "SELECT count(*) FROM (SELECT 1 FROM {0}%s%s)" % (where, self.limit()), values, True

    def aggregate(self):
        values = []
        where = self.where("", values)
        what = self.random.choice((
            "count(*)", "count(property)", "min(confidence), count(*)", "max(created_at)",
            "min(node)", "max(node)", "max(confidence)", "min(created_at_ns)", "max(key)",
            "count(DISTINCT source)", "sum(node > 5)", "total(confidence)", "group_concat(source)"))
        if what.startswith(("total", "group")):  # their results depend on the order of rows
            what = "count(*), sum(property_hash > 0)"
        return "SELECT %s FROM {0}%s" % (what, where), values, True

    def groups(self):
        values = []
        where = self.where("", values)
        r = self.random
        columns = r.choice((("node",), ("source",), ("confidence",), ("created_at",), ("property",),
                            ("node", "property_hash"), ("source", "confidence"), ("key",),
                            ("node", "property"), ("created_at_ns", "key")))
        by = ", ".join(columns)
        pick = r.random()
        if pick < 0.3:
            return "SELECT DISTINCT %s FROM {0}%s" % (by, where), values, False
        if pick < 0.45:
            return "SELECT DISTINCT %s FROM {0}%s ORDER BY %s" % (by, where, by), values, True
        text = "SELECT %s, count(*), min(created_at_ns), max(key) FROM {0}%s GROUP BY %s" % (
            by, where, by)
        if r.random() < 0.3:
            text += " HAVING count(*) > 2"
        return (text + " ORDER BY " + by, values, True) if pick < 0.7 else (text, values, False)

    def join(self):
        values = []
        r = self.random
        kind = r.choice((" JOIN ", " LEFT JOIN "))
        pairs = r.choice((
            ("t a", "{0} b", "b.node = a.node"), ("t a", "{0} b", "b.property = a.property"),
            ("t a", "{0} b", "b.node = a.node AND b.property = a.property"),
            ("t a", "{0} b", "b.source = a.label"), ("t a", "{0} b", "b.confidence > a.number"),
            ("{0} a", "{0} b", "a.node = b.node AND a.property_hash = b.property_hash"),
            ("{0} a", "{0} b", "a.key = b.key"), ("{0} a", "t b", "a.node = b.number"),
            ("t a", "{0} b", "b.node = a.property"), ("t a", "{0} b", "b.property = a.number"),
            ("t a", "{0} b", "b.created_at = a.number"), ("t a", "{0} b", "b.node > a.label"),
            ("{0} a", "{0} b", "a.created_at_ns = b.created_at_ns AND a.node = b.node")))
        left, right, on = pairs
        extra = self.condition("b." if "{0}" in right else "a.", values, 1)
        text = "SELECT a.node, b.node, b.property FROM %s%s%s ON %s" % (left, kind, right, on)
        if r.random() < 0.5:
            return text + " WHERE " + extra, values, False
        return text + " AND " + extra, values, False

    def nested(self):
        values = []
        r = self.random
        inner = self.condition("x.", values, 1)
        text = r.choice((
            "SELECT t.node, t.property FROM t WHERE EXISTS (SELECT 1 FROM {0} x WHERE x.node = t.node"
            " AND %s)",
            "SELECT t.property, (SELECT count(*) FROM {0} x WHERE x.property = t.property AND %s)"
            " FROM t",
            "SELECT t.node, (SELECT max(x.confidence) FROM {0} x WHERE x.node = t.node AND %s) FROM t",
            "SELECT t.node, (SELECT x.key FROM {0} x WHERE x.node = t.node AND %s ORDER BY x.key DESC"
            " LIMIT 1) FROM t",
            "SELECT count(*) FROM (SELECT x.key FROM {0} x WHERE %s UNION ALL SELECT key FROM {0}"
            " WHERE node < 5 LIMIT 7 OFFSET 3)",
            "WITH w AS (SELECT x.source AS s, count(*) AS n FROM {0} x WHERE %s GROUP BY x.source)"
            " SELECT * FROM w",
            "SELECT key FROM {0} WHERE key IN (SELECT x.key FROM {0} x WHERE %s)",
            "SELECT x.node, count(*) OVER (PARTITION BY x.source) FROM {0} x WHERE %s"))
        return text % inner, values, False

    def next(self):
        """-> (text with {0} for the table, values, whether the order counts)"""
        pick = self.random.random()
        for share, make in ((0.45, self.rows), (0.53, self.counted_limit), (0.65, self.aggregate),
                            (0.78, self.groups), (0.9, self.join)):
            if pick < share:
                return make()
        return self.nested()


def comparable(value):
    """Tells 1 from 1.0 and 'x' from b'x'; sorts all."""
    if isinstance(value, float) and math.isnan(value):
        return ("nan", "")
    return (type(value).__name__, repr(value))


def rows_of(connection, text, values, ordered):
    rows = [tuple(comparable(value) for value in row) for row in connection.execute(text, values)]
    return rows if ordered else sorted(rows)
