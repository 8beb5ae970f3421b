"""Transactions, sharing, modes and damage: what docs/sql.md promises of stores.

  stores.py EXTENSION [CAVEAT_TOOL] [unittest's options]
"""
import os
import sqlite3
import subprocess
import sys
import threading
from unittest import mock

from case import Case, Given, main
from world import connect


class Transactions(Case):
    def test_a_transaction_sees_its_own_writes_and_no_one_else_does(self):
        other = self.again()
        self.add(1, 2)
        self.db.execute("BEGIN")
        self.add(3)
        self.db.execute("DELETE FROM e WHERE node = 1")
        self.db.execute("UPDATE e SET actual = 'changed' WHERE node = 2")
        self.assertEqual(self.nodes(), [2, 3])
        self.assertEqual(self.one("SELECT actual FROM e WHERE node = 2 AND property = 'p'"), ("changed",))
        self.assertEqual(self.one("SELECT count(*) FROM e"), (2,))
        self.assertEqual(self.nodes(other), [1, 2])
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(other), [2, 3])

    def test_a_table_goes_when_the_transaction_that_has_written_to_it_has_ended(self):
        other = self.again()
        self.db.execute("CREATE VIRTUAL TABLE f USING caveat('%s')" % self.store)
        for end, nodes in (("ROLLBACK", []), ("COMMIT", [1])):
            self.db.execute("BEGIN")
            self.add(1)
            self.refuses("table is locked", "DROP TABLE e", error=sqlite3.OperationalError)
            self.assertEqual(self.nodes(), [1])
            self.db.execute(end)
            self.assertEqual((self.nodes(), self.nodes(other)), (nodes, nodes))
        # The other table's transaction is its own.
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO f(node, property) VALUES (2, 'p')")
        self.db.execute("DROP TABLE e")
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(other), [1, 2])
        other.execute("DELETE FROM e")  # and it is somebody else's turn
        self.assertEqual(self.one("SELECT count(*) FROM f"), (0,))

    def test_rollback_takes_everything_back(self):
        self.add(1)
        self.db.execute("CREATE TABLE own(x)")
        self.db.execute("BEGIN")
        self.add(2)
        self.db.execute("INSERT INTO own VALUES (1)")
        self.db.execute("ROLLBACK")
        self.assertEqual((self.nodes(), self.one("SELECT count(*) FROM own")), ([1], (0,)))

    def test_savepoints(self):
        self.db.execute("BEGIN")
        self.add(1)
        self.db.execute("SAVEPOINT a")
        self.add(2)
        self.db.execute("UPDATE e SET actual = 'a' WHERE node = 1")
        self.db.execute("SAVEPOINT b")
        self.db.execute("DELETE FROM e")
        self.assertEqual(self.nodes(), [])
        self.db.execute("ROLLBACK TO b")
        self.assertEqual(self.nodes(), [1, 2])
        self.add(3)
        self.db.execute("RELEASE b")
        self.db.execute("ROLLBACK TO a")
        self.assertEqual((self.nodes(), self.one("SELECT actual FROM e")), ([1], ("value 1",)))
        self.add(4)
        self.db.execute("ROLLBACK TO a")
        self.db.execute("RELEASE a")
        self.add(5)
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(self.again()), [1, 5])

    def test_a_savepoint_from_before_the_first_write(self):
        self.add(1)
        self.db.execute("SAVEPOINT a")
        self.db.execute("SAVEPOINT b")
        self.add(2)
        self.db.execute("ROLLBACK TO a")
        self.assertEqual(self.nodes(), [1])
        self.add(3)
        self.db.execute("RELEASE a")
        self.assertEqual(self.nodes(), [1, 3])

    def test_the_outermost_savepoint_takes_back_what_was_written_since(self):
        self.add(1)
        self.add(2)
        self.db.execute("SAVEPOINT a")
        self.db.execute("DELETE FROM e")
        self.add(3)
        self.db.execute("ROLLBACK TO a")
        self.assertEqual(self.nodes(), [1, 2])
        self.add(4)
        self.db.execute("SAVEPOINT b")
        self.add(5)
        self.db.execute("ROLLBACK TO a")
        self.db.execute("RELEASE a")
        self.assertEqual(self.nodes(self.again()), [1, 2])

    def test_a_savepoint_in_a_transaction_from_before_the_first_write(self):
        self.add(1)
        self.db.execute("BEGIN")
        self.db.execute("SAVEPOINT a")
        self.add(2)
        self.db.execute("SAVEPOINT b")
        self.add(3)
        self.db.execute("ROLLBACK TO a")
        self.add(4)
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(self.again()), [1, 4])

    def test_a_failed_statement_is_taken_back_alone(self):
        self.db.execute("BEGIN")
        self.add(1)
        self.refuses("confidence: ", "INSERT INTO e(node, property, confidence) VALUES (2, 'p', 1), (3, 'p', 7)")
        self.add(4)
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(), [1, 4])

    def test_two_tables_on_one_store_share_the_transaction(self):
        self.db.execute("CREATE VIRTUAL TABLE f USING caveat('%s/')" % self.store)
        self.db.execute("BEGIN")
        self.add(1)
        self.db.execute("SAVEPOINT s")
        self.db.execute("INSERT INTO f(node, property) VALUES (2, 'p')")
        self.add(3)
        self.assertEqual(self.one("SELECT count(*) FROM f"), (3,))
        self.db.execute("ROLLBACK TO s")
        self.assertEqual(self.one("SELECT count(*) FROM f"), (1,))
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(), [1])

    def test_a_reader_keeps_its_version_while_rows_change(self):
        self.add(*range(1, 6))
        seen = []
        for node, actual in self.db.execute("SELECT node, actual FROM e ORDER BY node"):
            seen.append((node, actual))
            self.db.execute("UPDATE e SET actual = 'later' WHERE node > ?", (node,))
            self.db.execute("DELETE FROM e WHERE node = ?", (node,))
        self.assertEqual(seen, [(n, "value %d" % n) for n in range(1, 6)])
        self.assertEqual(self.nodes(), [])
        self.add(*range(1, 6))
        self.db.execute("BEGIN")
        self.db.execute("UPDATE e SET actual = 'first'")
        seen = []
        for node, actual in self.db.execute("SELECT node, actual FROM e ORDER BY node"):
            seen.append((node, actual))
            self.db.execute("UPDATE e SET actual = 'later' WHERE node > ?", (node,))
            self.add(node + 100)
            self.db.execute("SAVEPOINT s")
            self.db.execute("DELETE FROM e")
            self.db.execute("ROLLBACK TO s")
        self.assertEqual(seen, [(n, "first") for n in range(1, 6)])
        self.db.execute("COMMIT")
        self.assertEqual(self.nodes(), list(range(1, 6)) + list(range(101, 106)))

    def test_writers_take_turns(self):
        other = self.again()
        self.db.execute("BEGIN")
        self.add(1)
        other.execute("PRAGMA busy_timeout = 10")
        self.refuses("another connection is writing", "DELETE FROM e", error=sqlite3.OperationalError,
                     connection=other)
        self.db.execute("COMMIT")
        other.execute("DELETE FROM e")
        self.assertEqual(self.nodes(), [])

    def test_threads_count_up_without_losing_any(self):
        self.db.execute("INSERT INTO e(node, property, actual) VALUES (1, 'counter', 0)")
        failed = []

        def count():
            try:
                connection = connect(Given.extension)
                connection.execute("PRAGMA busy_timeout = 60000")
                connection.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % self.store)
                for _ in range(25):
                    connection.execute("UPDATE e SET actual = actual + 1 WHERE property = 'counter'")
                connection.close()
            except sqlite3.Error as error:
                failed.append(error)
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((failed, self.one("SELECT actual FROM e")), ([], (100,)))

    def test_names_are_known_within_the_transaction_and_gone_after_rollback(self):
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO e(node, property) VALUES (1, 'new name')")
        self.assertEqual(self.one("SELECT property FROM e WHERE property = 'new name'"), ("new name",))
        self.db.execute("ROLLBACK")
        self.db.execute("INSERT INTO e(node, property_hash) VALUES (1, caveat_hash('new name'))")
        self.assertEqual(self.one("SELECT property FROM e"), (None,))

    def test_a_transaction_has_a_limit(self):
        self.db.execute("BEGIN")
        with self.assertRaisesRegex(sqlite3.DataError, "at most 256 MiB"):
            for node in range(9):
                self.db.execute("INSERT INTO e(node, property, reason) VALUES (?, 'p', ?)",
                                (node, "x" * (40 << 20)))
        self.db.execute("ROLLBACK")
        self.assertEqual(self.nodes(), [])



class Keys(Case):
    def setUp(self):
        super().setUp()
        self.keys = self.key_file("keys", "1:" + "a" * 64)
        self.secret = os.path.join(self.folder, "secret")
        environment = mock.patch.dict(os.environ)
        environment.start()
        self.addCleanup(environment.stop)
        os.environ.pop("CAVEAT_KEY_FILE", None)
        try:
            self.table("e2", ", key_file='%s'" % self.keys)
        except sqlite3.OperationalError as error:
            self.assertIn("without a cipher", str(error))
            self.skipTest("a build without a cipher")
        self.db.execute("INSERT INTO e2(node, property, reason) VALUES (7, 'p', 'nobody reads this')")
        self.close_all()
        self.db = self.connect()

    def key_file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "\n")
        return path

    def table(self, name="t", options=""):
        self.db.execute("CREATE VIRTUAL TABLE %s USING caveat('%s'%s)" % (name, self.secret, options))
        return [row[0] for row in self.db.execute("SELECT node FROM %s" % name)]

    def refused(self, sentence, options="", code=sqlite3.SQLITE_AUTH):
        with self.assertRaisesRegex(sqlite3.DatabaseError, sentence) as raised:
            self.table(options=options)
        self.assertEqual(raised.exception.sqlite_errorcode, code)

    def test_a_store_opens_with_its_key_alone(self):
        self.refused("give key 1; .*key_file='FILE'.* CAVEAT_KEY_FILE")
        self.refused("give key 1", ", mode=ro")
        self.refused("key 1", ", key_file='%s'" % self.key_file("other", "2:" + "b" * 64))
        self.refused("key 1", ", key_file='%s'" % self.key_file("wrong", "1:" + "b" * 64))
        self.refused("there is no such file of keys", ", key_file='%s.gone'" % self.keys,
                     sqlite3.SQLITE_CANTOPEN)
        self.refused("line 1", ", key_file='%s'" % self.key_file("bad", "1:abc"), sqlite3.SQLITE_ERROR)
        self.refused("key_file=: it may be", ", key_file=''", sqlite3.SQLITE_ERROR)
        self.assertEqual(self.table("ro", ", mode=ro, key_file='%s'" % self.keys), [7])
        self.assertEqual(self.table("rw", ", mode=rw, key_file=\"%s\"" % self.keys), [7])
        for folder, _, names in os.walk(self.secret):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"nobody reads this", file.read(), name)

    def test_the_environment_may_name_the_keys(self):
        os.environ["CAVEAT_KEY_FILE"] = self.keys
        self.assertEqual(self.table("e1"), [7])
        self.assertEqual(self.table("e2", ", mode=ro"), [7])

    def test_a_plain_store_is_not_taken_for_an_encrypted_one(self):
        self.secret = self.store
        self.refused("the store is not encrypted", ", key_file='%s'" % self.keys, sqlite3.SQLITE_ERROR)


class Stores(Case):
    def test_dropping_the_table_leaves_the_store(self):
        self.add(1)
        self.db.execute("DROP TABLE e")
        self.assertEqual(self.nodes(self.again()), [1])

    def test_a_database_that_is_opened_again_finds_its_store(self):
        database = os.path.join(self.folder, "a.db")
        connection = self.connect(database)
        connection.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % self.store)
        connection.execute("ALTER TABLE e RENAME TO f")
        connection.execute("INSERT INTO f(node, property) VALUES (5, 'p')")
        connection.close()
        self.db.close()
        connection = self.connect(database)
        self.assertEqual(connection.execute("SELECT node FROM f").fetchall(), [(5,)])
        connection.close()
        os.rename(self.store, self.store + "-moved")
        connection = self.connect(database)
        with self.assertRaisesRegex(sqlite3.OperationalError, "store"):
            connection.execute("SELECT node FROM f")
        self.assertFalse(os.path.exists(self.store))  # none is made in its place

    def test_modes(self):
        absent = os.path.join(self.folder, "absent")
        for mode in ("ro", "rw"):
            self.refuses("absent", "CREATE VIRTUAL TABLE x USING caveat('%s', mode=%s)" % (absent, mode),
                         error=sqlite3.OperationalError)
            self.assertFalse(os.path.exists(absent))
        self.add(1)
        reader = self.again(", mode=ro")
        for statement in ("INSERT INTO e(node, property) VALUES (2, 'p')", "DELETE FROM e",
                          "UPDATE e SET reason = 'x'"):
            self.refuses("mode=ro", statement, error=sqlite3.OperationalError, connection=reader)
        # In the process that writes, a reader shares the store.
        self.add(2)
        self.assertEqual(self.nodes(reader), [1, 2])

    def test_a_store_of_another_process_is_read_as_a_copy(self):
        self.add(1, 2)
        script = ("import sys; sys.path.insert(0, sys.argv[1]); from world import connect\n"
                  "c = connect(sys.argv[2])\n"
                  "try: c.execute(\"CREATE VIRTUAL TABLE e USING caveat('%s')\" % sys.argv[3])\n"
                  "except Exception as error: print(type(error).__name__, error)\n"
                  "c.execute(\"CREATE VIRTUAL TABLE e USING caveat('%s', mode=ro)\" % sys.argv[3])\n"
                  "print(c.execute('SELECT node FROM e ORDER BY node').fetchall())\nc.close()")
        ran = subprocess.run([sys.executable, "-c", script, os.path.dirname(os.path.abspath(__file__)),
                              Given.extension, self.store], capture_output=True, text=True, check=False)
        self.assertRegex(ran.stdout, r"OperationalError.*%d" % os.getpid(), ran.stderr)  # who holds it
        self.assertIn("[(1,), (2,)]", ran.stdout)
        self.assertEqual(os.listdir(self.folder), ["store"])  # the copy is gone

    def test_a_new_store_under_a_relative_name_is_one_store_for_all(self):
        self.addCleanup(os.chdir, os.getcwd())
        below = os.path.join(self.folder, "below")
        os.mkdir(below)
        os.mkdir(os.path.join(self.folder, "else"))
        os.symlink("else", os.path.join(self.folder, "link"))
        for name in ("birds.store", "new/../birds2.store", "./birds3.store/", "link/birds4.store"):
            with self.subTest(name):
                os.chdir(self.folder)
                whole = os.path.realpath(name)
                first, second = self.connect(), self.connect()
                first.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % name)
                first.execute("INSERT INTO e(node, property, actual) VALUES (1, 'p', 'first')")
                for other, table, options in ((first, "f", ""), (second, "e", ""), (second, "r", ", mode=ro")):
                    other.execute("CREATE VIRTUAL TABLE %s USING caveat('%s'%s)" % (table, name, options))
                    self.assertEqual(other.execute("SELECT actual FROM %s" % table).fetchall(), [("first",)])
                first.execute("UPDATE e SET actual = 'second'")
                self.assertEqual(second.execute("SELECT actual FROM r").fetchall(), [("second",)])  # no copy
                os.chdir(below)
                first.execute("INSERT INTO e(node, property) VALUES (2, 'p')")
                third = self.connect()
                third.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % whole)
                self.assertEqual(self.nodes(third), [1, 2])
                # The same name is another store here.
                third.execute("CREATE VIRTUAL TABLE here USING caveat('%s')" % os.path.basename(whole))
                self.assertEqual(third.execute("SELECT count(*) FROM here").fetchone(), (0,))
                for connection in (first, second, third):
                    connection.close()

    def test_tables_in_memory(self):
        for name in (":memory:", ":memory:shared"):
            self.db.execute("CREATE VIRTUAL TABLE m USING caveat('%s')" % name)
            self.db.execute("INSERT INTO m(node, property) VALUES (1, 'p')")
            other = self.connect()
            other.execute("CREATE VIRTUAL TABLE m USING caveat('%s')" % name)
            self.assertEqual(other.execute("SELECT count(*) FROM m").fetchone(), (int("shared" in name),))
            self.db.execute("DROP TABLE m")

    def test_a_failed_statement_about_the_schema_closes_no_store(self):
        # SQLite lets go of its tables then.
        self.db.execute("CREATE VIRTUAL TABLE m USING caveat(':memory:')")
        self.db.execute("INSERT INTO m(node, property) VALUES (1, 'p')")
        for statement in ("CREATE VIRTUAL TABLE x USING caveat('%s', mode=wrong)" % self.store,
                          "CREATE VIRTUAL TABLE x USING caveat()"):
            self.refuses("caveat", statement, error=sqlite3.OperationalError)
        self.assertEqual(self.one("SELECT count(*) FROM m"), (1,))
        self.db.execute("ALTER TABLE m RENAME TO n")
        self.refuses("caveat", "CREATE VIRTUAL TABLE x USING caveat()", error=sqlite3.OperationalError)
        self.assertEqual(self.one("SELECT count(*) FROM n"), (1,))
        self.db.execute("DROP TABLE n")

    def test_a_name_that_is_taken_back_keeps_its_rows(self):
        # Nobody tells a table that it has its former name again.
        db = self.db
        db.execute("CREATE VIRTUAL TABLE m USING caveat(':memory:')")
        db.execute("INSERT INTO m(node, property) VALUES (1, 'p')")
        for end, name in (("ROLLBACK", "m"), ("ROLLBACK", "m"), ("COMMIT", "n")):
            db.execute("BEGIN")
            db.execute("ALTER TABLE m RENAME TO n")
            db.execute(end)
            self.assertEqual(self.one("SELECT count(*) FROM " + name), (1,))
        # A table that is made with the former name has rows of its own, and neither takes the other's along.
        db.execute("CREATE VIRTUAL TABLE m USING caveat(':memory:')")
        self.assertEqual(self.one("SELECT count(*) FROM m"), (0,))
        db.execute("DROP TABLE m")
        db.execute("BEGIN")
        db.execute("ALTER TABLE n RENAME TO o")
        db.execute("ALTER TABLE o RENAME TO p")
        db.execute("ROLLBACK")
        db.execute("CREATE VIRTUAL TABLE o USING caveat(':memory:')")
        db.execute("INSERT INTO o(node, property) VALUES (1, 'p'), (2, 'p')")
        db.execute("DROP TABLE n")
        self.assertEqual(self.one("SELECT count(*) FROM o"), (2,))
        db.execute("CREATE VIRTUAL TABLE n USING caveat(':memory:')")
        self.assertEqual(self.one("SELECT count(*) FROM n"), (0,))
        for name in "no":
            db.execute("DROP TABLE " + name)

    def test_options_are_checked(self):
        for arguments, sentence in (
                ("", "name the store"), ("'%s', mode=w", "mode=w: it may be ro, rw or rwc"),
                ("'%s', memory=1", "memory=1: it may be 8 to"), ("'%s', colour=red", "no option \"colour\""),
                ("'%s', ro", "\"ro\" is no option"), ("'%s', inserts=wild", "blind or checked"),
                ("'%s', durability=hope", "none, wal or fsync"), ("'%s', mode=RX", "mode=RX: it may be ro"),
                ("'%s', mode=ro, MODE=rw", "mode is given twice"),  # the last one counted once
                ("'%s', inserts=blind, Inserts='blind'", "inserts is given twice"),
                ("'%s', memory=64", "open in this process with memory=256")):
            with self.subTest(arguments):
                self.refuses(sentence, "CREATE VIRTUAL TABLE x USING caveat(%s)" %
                             arguments.replace("%s", self.store), error=sqlite3.OperationalError)
        other = os.path.join(self.folder, "it''s another")
        self.db.execute("CREATE VIRTUAL TABLE x USING caveat('%s', Memory = 16, DURABILITY=fsync,"
                        " inserts = 'checked')" % other)
        self.db.execute("INSERT INTO x(node, property) VALUES (1, 'p')")
        self.assertIn("it's another", os.listdir(self.folder))
        self.refuses("of node 1", "INSERT INTO x(node, property) VALUES (1, 'p')", error=sqlite3.IntegrityError)
        self.db.execute("CREATE VIRTUAL TABLE y USING caveat('%s', memory=16, Mode = \"RO\", inserts=CHECKED,"
                        " durability='Fsync')" % other)
        self.assertEqual(self.one("SELECT count(*) FROM y"), (1,))
        self.refuses("mode=ro", "DELETE FROM y", error=sqlite3.OperationalError)
        for mode in ("Rw", "RWC"):
            self.db.execute("DROP TABLE y")
            self.db.execute("CREATE VIRTUAL TABLE y USING caveat('%s', memory=16, mode=%s)" % (other, mode))
            self.db.execute("INSERT INTO y(node, property) VALUES (2, 'p')")

    def test_what_is_no_store_is_refused(self):
        with open(os.path.join(self.folder, "file"), "w", encoding="utf-8") as file:
            file.write("no store")
        self.refuses("file", "CREATE VIRTUAL TABLE x USING caveat('%s/file')" % self.folder,
                     error=sqlite3.Error)
        os.mkdir(os.path.join(self.folder, "other"))
        with open(os.path.join(self.folder, "other", "note"), "w", encoding="utf-8") as file:
            file.write("not yours")
        self.refuses("other", "CREATE VIRTUAL TABLE x USING caveat('%s/other')" % self.folder,
                     error=sqlite3.Error)

    def test_damage_is_an_error_with_its_place(self):
        self.db.execute("BEGIN")
        for node in range(20000):
            self.db.execute("INSERT INTO e(node, property, actual) VALUES (?, ?, ?)",
                            (node, "p%d" % (node % 7), "value %d" % (node * 7919)))
        self.db.execute("COMMIT")
        self.db.close()
        tables = [name for name in os.listdir(self.store) if name.endswith(".sst")]
        largest = max((os.path.join(self.store, name) for name in tables), key=os.path.getsize)
        with open(largest, "r+b") as file:
            file.seek(os.path.getsize(largest) // 3)
            file.write(b"damage" * 8)
        self.db = self.connect()
        with self.assertRaises(sqlite3.DatabaseError) as caught:
            self.db.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % self.store)
            self.db.execute("SELECT sum(length(actual)), sum(length(property)) FROM e").fetchall()
        self.assertRegex(str(caught.exception), "checksum|corrupt|damage|block")


if __name__ == "__main__":
    main()
