"""What EXPLAIN QUERY PLAN shows for each index, order and limit: pinned.

  plans.py EXTENSION
"""
import sys
import tempfile

from world import World, connect

PLANS = (
    # What every index is asked.
    ("SELECT * FROM e WHERE node = 5", "SCAN primary (node=?)"),
    ("SELECT * FROM e WHERE node > 5 AND node <= 9", "SCAN primary (node>? AND node<=?)"),
    ("SELECT * FROM e WHERE node IN (1, 2, 3)", "SCAN primary (node IN ?)"),
    ("SELECT * FROM e WHERE node = 5 AND property = 'a'", "SCAN primary (node=? AND property=?)"),
    ("SELECT * FROM e WHERE key = x'00'", "SCAN primary (key=?)"),
    ("SELECT * FROM e WHERE key > x'00' ORDER BY key LIMIT 10",
     "SCAN primary (key>?) ORDER BY key LIMIT ?"),
    ("SELECT * FROM e WHERE property = 'a'", "SCAN property (property=?)"),
    ("SELECT * FROM e WHERE property IN ('a', 'b')", "SCAN property (property IN ?)"),
    ("SELECT * FROM e WHERE property_hash = 7", "SCAN property (property_hash=?)"),
    ("SELECT * FROM e WHERE source = 'Detected'", "SCAN source (source=?)"),
    ("SELECT * FROM e WHERE source IN ('Detected', 'Conflict')", "SCAN source (source IN ?)"),
    ("SELECT * FROM e WHERE confidence = 0.5", "SCAN confidence (confidence=?)"),
    ("SELECT * FROM e WHERE confidence BETWEEN 0.1 AND 0.2",
     "SCAN confidence (confidence>=? AND confidence<=?)"),
    ("SELECT * FROM e WHERE created_at >= '2022-01-01'", "SCAN temporal (created_at>=?)"),
    ("SELECT * FROM e WHERE created_at_ns < 5", "SCAN temporal (created_at_ns<?)"),
    ("SELECT * FROM e WHERE created_at IN ('2022-01-01', '2023-01-01')",
     "SCAN temporal (created_at IN ?)"),
    ("SELECT * FROM e WHERE source = 'Detected' AND created_at > '2022' AND confidence < 0.5",
     "SCAN source (source=? AND created_at>? AND confidence<?)"),
    # Orders.
    ("SELECT * FROM e ORDER BY node", "SCAN primary ORDER BY node"),
    ("SELECT * FROM e ORDER BY key DESC", "SCAN primary ORDER BY key DESC"),
    ("SELECT * FROM e ORDER BY confidence DESC LIMIT 3",
     "SCAN confidence ORDER BY confidence DESC LIMIT ?"),
    ("SELECT * FROM e ORDER BY confidence, key", "SCAN confidence ORDER BY confidence"),
    ("SELECT * FROM e ORDER BY confidence, node", "SCAN confidence ORDER BY confidence, node"),
    ("SELECT * FROM e ORDER BY created_at DESC, node DESC, key DESC LIMIT 2",
     "SCAN temporal ORDER BY created_at DESC, node DESC LIMIT ?"),
    ("SELECT * FROM e WHERE node = 5 ORDER BY confidence, node",
     "SCAN primary (node=?) ORDER BY confidence"),
    ("SELECT * FROM e ORDER BY confidence, node DESC",
     "SCAN scan / USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT * FROM e ORDER BY confidence, node, reason",
     "SCAN scan / USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT * FROM e ORDER BY created_at LIMIT 3 OFFSET 4",
     "SCAN temporal ORDER BY created_at LIMIT ? OFFSET ?"),
    ("SELECT * FROM e ORDER BY created_at_ns DESC", "SCAN temporal ORDER BY created_at DESC"),
    ("SELECT * FROM e ORDER BY source, created_at DESC",
     "SCAN source ORDER BY source, created_at DESC"),
    ("SELECT * FROM e WHERE property = 'a' ORDER BY confidence",
     "SCAN property (property=?) ORDER BY confidence"),
    ("SELECT * FROM e WHERE node = 5 ORDER BY node, key", "SCAN primary (node=?) ORDER BY key"),
    ("SELECT max(created_at) FROM e", "SEARCH temporal ORDER BY created_at DESC"),
    # Groups.
    ("SELECT node, count(*) FROM e GROUP BY node", "SCAN primary ORDER BY node"),
    ("SELECT source, count(*) FROM e GROUP BY source", "SCAN source ORDER BY source"),
    ("SELECT created_at, count(*) FROM e GROUP BY created_at ORDER BY created_at",
     "SCAN temporal ORDER BY created_at"),
    ("SELECT node, property_hash FROM e GROUP BY node, property_hash",
     "SCAN scan / USE TEMP B-TREE FOR GROUP BY"),
    ("SELECT count(*) FROM e", "SCAN scan COUNT"),
    # Joins look up one key after the other.
    ("SELECT * FROM t CROSS JOIN e ON e.node = t.node AND e.property = t.property",
     "SCAN t / SCAN primary (node=? AND property=?)"),
    # What no index can give is left to SQLite.
    ("SELECT * FROM e ORDER BY reason", "SCAN scan / USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT * FROM e ORDER BY node, confidence", "SCAN scan / USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT * FROM e WHERE node IN (1, 2) ORDER BY confidence",
     "SCAN primary (node IN ?) / USE TEMP B-TREE FOR ORDER BY"),
    ("SELECT * FROM e WHERE property = 'A' COLLATE NOCASE", "SCAN scan"),
    ("SELECT * FROM e WHERE created_at = 'x' COLLATE BINARY", "SCAN scan"),
    ("SELECT * FROM e WHERE reason = 'x' ORDER BY key LIMIT 3", "SCAN primary ORDER BY key"),
    ("SELECT * FROM e WHERE source > 'D'", "SCAN scan"),
)


def plan_of(connection, text):
    steps = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + text)]
    return " / ".join(step.replace(" e VIRTUAL TABLE INDEX 0:", " ") for step in steps)


def main(extension):
    with tempfile.TemporaryDirectory(prefix="caveat-sql-") as folder:
        world = World(connect(extension), folder + "/store", 1)
        world.fill(300)
        wrong = 0
        for text, expected in PLANS:
            plan = plan_of(world.db, text)
            if plan != expected:
                wrong += 1
                print("%s\n  is       %s\n  was      %s" % (text, plan, expected))
        # Pinning means nothing if a plan that is not the expected one passes.
        assert plan_of(world.db, "SELECT * FROM e") != PLANS[0][1]
        world.db.close()
    print("%d plans, %d of them changed" % (len(PLANS), wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
