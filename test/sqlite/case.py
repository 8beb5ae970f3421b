"""What the tests of behaviour have in common: a store of their own, with a table `e` on it.

Their arguments: EXTENSION [CAVEAT_TOOL] [unittest's options]
"""
import os
import sqlite3
import sys
import tempfile
import unittest

from world import connect


class Given:
    extension = tool = None


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="caveat-sql-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.store = os.path.join(self.folder, "store")
        self.open_connections = []
        self.addCleanup(self.close_all)
        self.db = self.connect()
        self.db.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % self.store)

    def connect(self, database=":memory:"):
        connection = connect(Given.extension, database)
        self.open_connections.append(connection)
        return connection

    def close_all(self):
        for connection in self.open_connections:
            connection.close()

    def again(self, options=""):
        """Another connection with a table on the same store."""
        connection = self.connect()
        connection.execute("CREATE VIRTUAL TABLE e USING caveat('%s'%s)" % (self.store, options))
        return connection

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone()

    def nodes(self, connection=None):
        return [row[0] for row in (connection or self.db).execute("SELECT node FROM e ORDER BY node")]

    def add(self, *nodes):
        for node in nodes:
            self.db.execute("INSERT INTO e(node, property, actual) VALUES (?, 'p', ?)",
                            (node, "value %d" % node))

    def refuses(self, sentence, sql, *values, error=sqlite3.IntegrityError, connection=None):
        with self.assertRaisesRegex(error, sentence):
            (connection or self.db).execute(sql, values)


def main():
    Given.extension = sys.argv[1]
    rest = sys.argv[2:]
    if rest and os.path.isfile(rest[0]):
        Given.tool = rest.pop(0)
    connect(Given.extension).close()  # skips where that cannot be
    unittest.main(argv=[sys.argv[0]] + rest)
