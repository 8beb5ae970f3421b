"""caveat tables against plain SQLite tables: the same records, writes and queries, the same answers.

  differential.py EXTENSION [--queries N] [--records N] [--seed S] [--expect-difference]
"""
import argparse
import os
import sys
import tempfile

from queries import Queries, rows_of
from world import World, connect, seed_of


def differences(world, count, state):
    """Runs queries; -> those that are answered otherwise."""
    queries = Queries(world)
    found, empty = [], 0
    for _ in range(count):
        text, values, ordered = queries.next()
        plain = rows_of(world.db, text.format("p"), values, ordered)
        ours = rows_of(world.db, text.format("e"), values, ordered)
        empty += not plain
        if ours != plain:
            plan = [row[3] for row in world.db.execute("EXPLAIN QUERY PLAN " + text.format("e"), values)]
            found.append("%s\n  with %r (%s)\n  plan %s\n  %d rows, and the plain table has %d\n"
                         "  only here  %s\n  only there %s" % (
                             text.format("e"), values, state, plan, len(ours), len(plain),
                             [r for r in ours if r not in plain][:2],
                             [r for r in plain if r not in ours][:2]))
    return found, empty


def run(extension, queries, records, seed):
    with tempfile.TemporaryDirectory(prefix="caveat-sql-") as folder:
        database = os.path.join(folder, "plain.db")
        connection = connect(extension, database)
        world = World(connection, os.path.join(folder, "store"), seed)
        world.fill(records)
        found, empty, asked = [], 0, 0
        per_state = max(queries // 6, 1)

        def ask(state):
            nonlocal empty, asked
            more, none = differences(world, per_state, state)
            found.extend(more)
            empty += none
            asked += per_state

        ask("just written")
        world.db.close()
        world.db = connection = connect(extension, database)
        ask("reopened: in blocks")
        for _ in range(10):
            world.write()
        ask("blocks and recent rows")
        connection.execute("BEGIN")
        for step in range(25):
            world.write()
            if step % 8 == 3:
                connection.execute("SAVEPOINT s")
                world.write()
                world.write()
                if world.random.random() < 0.7:
                    connection.execute("ROLLBACK TO s")
                connection.execute("RELEASE s")
        ask("within a transaction")
        if world.random.random() < 0.5:
            connection.execute("ROLLBACK")
            ask("rolled back")
        else:
            connection.execute("COMMIT")
            ask("committed")
        connection.execute("DELETE FROM e WHERE source = 'Explicit' OR node < 0")
        connection.execute("DELETE FROM p WHERE source = 'Explicit' OR node < 0")
        ask("after a large removal")
        connection.close()
        return found, empty, asked


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("extension")
    parser.add_argument("--queries", type=int, default=600)
    parser.add_argument("--records", type=int, default=700)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--expect-difference", action="store_true",
                        help="of a build with a planted fault")
    options = parser.parse_args()
    seed = seed_of(options.seed)
    print("seed", seed)
    found, empty, asked = run(options.extension, options.queries, options.records, seed)
    for text in found[:3]:
        print(text)
    print("%d queries, %d of them without a row, %d answered otherwise" % (asked, empty, len(found)))
    if options.expect_difference:
        sys.exit(0 if found else "the planted fault went unnoticed")
    if empty > asked * 0.7:
        sys.exit("too few queries find anything")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
