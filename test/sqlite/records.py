"""Values, updates and conflicts: what docs/sql.md promises of records.

  records.py EXTENSION [CAVEAT_TOOL] [unittest's options]
"""
import json
import sqlite3
import subprocess

from case import Case, Given, main
from world import time_text


class Values(Case):
    def round_trip(self, value, type_name=None):
        self.db.execute("INSERT INTO e(node, property, actual, actual_type) VALUES (1, 'p', ?, ?)",
                        (value, type_name))
        return self.one("SELECT actual, typeof(actual), actual_type FROM e WHERE node = 1")

    def test_each_type_comes_out_as_it_went_in(self):
        for value, sql_type, name in (
                (None, "null", "null"), (0, "integer", "integer"), (-2**63, "integer", "integer"),
                (0.1, "real", "float"), (5.0, "real", "float"), (float("inf"), "real", "float"),
                ("naïve", "text", "string"), ("", "text", "string"), ("a\0b", "text", "string"),
                (b"\xff\0", "blob", "string")):
            self.assertEqual(self.round_trip(value), (value, sql_type, name))

    def test_a_blob_that_is_text_comes_out_as_text(self):
        self.assertEqual(self.round_trip(b"abc"), ("abc", "text", "string"))

    def test_types_that_sql_lacks_are_named(self):
        self.assertEqual(self.round_trip(1, "boolean"), (1, "integer", "boolean"))
        self.assertEqual(self.round_trip(3, "float"), (3.0, "real", "float"))
        self.assertEqual(self.round_trip(None, "float"), (None, "null", "float"))
        self.assertEqual(self.round_trip('[1,[true,null],"x",2.5]', "list"),
                         ('[1,[true,null],"x",2.5]', "text", "list"))

    def test_lists_are_json_to_sqlite(self):
        self.db.execute("INSERT INTO e(node, property, actual) VALUES (1, 'p', json_array(1, 'x'))")
        self.assertEqual(self.one("SELECT actual, actual_type FROM e"), ('[1,"x"]', "list"))
        self.assertEqual(self.one("SELECT json_array(actual) FROM e"), ('[[1,"x"]]',))
        self.assertEqual(self.one("SELECT value FROM e, json_each(e.actual) LIMIT 1 OFFSET 1"), ("x",))

    def test_a_type_that_the_value_is_not_is_refused(self):
        for value, name in ((2, "boolean"), ("x", "integer"), (1, "null"), ("[1", "list"),
                            ('{"a":1}', "list"), (5, "string"), (1.5, "integer")):
            with self.assertRaisesRegex(sqlite3.IntegrityError, "actual: "):
                self.round_trip(value, name)
        with self.assertRaisesRegex(sqlite3.IntegrityError, "actual_type: \"bool\" is not null"):
            self.round_trip(1, "bool")
        with self.assertRaisesRegex(sqlite3.IntegrityError, "actual: lists are nested"):
            self.round_trip("[" * 17 + "]" * 17, "list")

    def test_the_tool_sees_what_sql_wrote_and_sql_what_the_tool_wrote(self):
        if not Given.tool:
            self.skipTest("no caveat tool was given")
        self.db.execute("INSERT INTO e(node, property, inherited, inherited_type, actual, confidence,"
                        " created_at, source, reason) VALUES (7, 'p', 1, 'boolean', json('[1,2.0]'), 0.8,"
                        " '2022-01-05T16:48:58.25Z', 'Conflict', 'why')")
        self.db.close()
        shown = subprocess.run([Given.tool, "dump", self.store], capture_output=True, text=True, check=True)
        self.assertEqual(json.loads(shown.stdout), {
            "node": 7, "property": "p", "inherited": True, "actual": [1, 2.0], "reason": "why",
            "source": "Conflict", "created_at": "2022-01-05T16:48:58.25Z", "confidence": 0.8})
        subprocess.run([Given.tool, "put", self.store, '{"node":18446744073709551615,"property":"q",'
                        '"inherited":null,"actual":{"$float":"nan:7ff8000000000001"},"reason":"",'
                        '"source":"Explicit","created_at":"1970-01-01T00:00:00Z","confidence":1.0}'],
                       check=True, capture_output=True)
        self.db = self.again()
        self.assertEqual(self.one("SELECT node, actual, actual_type FROM e WHERE property = 'q'"),
                         (-1, None, "float"))

    def test_node_ids_and_hashes_are_the_same_64_bits_with_a_sign(self):
        self.add(-1, 5, -2**63)
        self.assertEqual(self.nodes(), [-2**63, -1, 5])
        self.assertEqual(self.one("SELECT hex(key) FROM e WHERE node = -1")[0][:16], "F" * 16)

    def test_confidence_compares_as_it_is_written(self):
        for number in (0.8, 0.1, 0.3, 1 / 3, 1e-9, 0.0, 1.0, 0.123456789):
            self.db.execute("INSERT INTO e(node, property, confidence) VALUES (1, 'p', ?)", (number,))
            shown = self.one("SELECT confidence FROM e")[0]
            self.assertAlmostEqual(shown, number, places=7)
            self.assertEqual(self.one("SELECT count(*) FROM e WHERE confidence = ?", shown), (1,))
            self.assertEqual(self.one("SELECT count(*) FROM e WHERE confidence < ?", shown), (0,))
        self.db.execute("INSERT INTO e(node, property, confidence) VALUES (1, 'p', 0.8)")
        self.assertEqual(self.one("SELECT confidence FROM e WHERE confidence = 0.8"), (0.8,))

    def test_times_are_given_and_compared_as_text_or_as_a_number(self):
        ns = 1641401338 * 10**9
        for given in ("2022-01-05T16:48:58Z", "2022-01-05T17:48:58+01:00", "2022-01-05 16:48:58", ns):
            self.db.execute("INSERT INTO e(node, property, created_at) VALUES (1, 'p', ?)", (given,))
            self.assertEqual(self.one("SELECT created_at, created_at_ns FROM e"),
                             ("2022-01-05T16:48:58Z", ns))
        for condition in ("created_at = '2022-01-05T18:48:58+02:00'", "created_at = '2022-01-05 16:48:58'",
                          "created_at > '2022-01-05'", "created_at < '2022-01-06'",
                          "created_at BETWEEN '2022-01-05' AND '2022-01-05T23:00:00Z'",
                          "created_at = %d" % ns, "created_at < %d" % (ns + 1),
                          "created_at_ns = %d" % ns, "created_at_ns = caveat_time('2022-01-05T16:48:58Z')",
                          "caveat_time_text(created_at_ns) = created_at", "created_at < 'no time'",
                          "created_at > '0001-01-01'", "created_at < '9999-12-31'"):
            self.assertEqual(self.one("SELECT count(*) FROM e WHERE " + condition), (1,), condition)
            # The same where no index helps.
            self.assertEqual(self.one("SELECT count(*) FROM e WHERE (%s) + 0" % condition), (1,), condition)
        self.db.execute("DELETE FROM e")
        for time in (-2**63, 2**63 - 1, -1, 0, 1, 10**9, 10**9 + 5 * 10**8):
            self.db.execute("INSERT INTO e(node, property, created_at) VALUES (?, 'p', ?)", (time, time))
            self.assertEqual(self.one("SELECT created_at FROM e WHERE node = ?", time), (time_text(time),))
        texts = [row[0] for row in self.db.execute("SELECT created_at FROM e ORDER BY created_at")]
        numbers = [row[0] for row in self.db.execute("SELECT node FROM e ORDER BY node")]
        self.assertEqual(texts, [time_text(number) for number in numbers])

    def test_what_a_column_cannot_hold_is_refused(self):
        for columns, values, sentence in (
                ("node", "1", "property: it may not be NULL"), ("property", "'p'", "node: it may not be NULL"),
                ("node, property", "'x', 'p'", "node: it holds integers"),
                ("node, property", "1.5, 'p'", "node: it holds integers"),
                ("node, property", "1, ''", "property: a name has at least one byte"),
                ("node, property, property_hash", "1, 'p', 5", "property_hash: it is not that"),
                ("node, property, confidence", "1, 'p', 1.01", "confidence: it is a number from 0 to 1"),
                ("node, property, confidence", "1, 'p', 'x'", "confidence: it is a number from 0 to 1"),
                ("node, property, source", "1, 'p', 'Elsewhere'", "source: it is Explicit, "),
                ("node, property, created_at", "1, 'p', '2022-02-30'", "created_at: it is RFC 3339"),
                ("node, property, created_at", "1, 'p', '1066-10-14'", "created_at: times lie between"),
                ("node, property, created_at, created_at_ns", "1, 'p', 5, 6", "created_at_ns: it is not"),
                ("node, property, key", "1, 'p', x'00'", "key: it is a blob of 16 bytes")):
            self.refuses(sentence, "INSERT INTO e(%s) VALUES (%s)" % (columns, values))
        self.assertEqual(self.nodes(), [])
        long = "n" * 4097
        self.refuses("a name of 4097 bytes", "INSERT INTO e(node, property) VALUES (1, ?)", long,
                     error=sqlite3.DataError)

    def test_numbers_are_taken_as_a_column_of_sqlite_takes_them(self):
        for number in (7, 7.0, "7", " 7 ", "7.0"):
            self.db.execute("INSERT INTO e(node, property, confidence, reason) VALUES (?, 'p', '0.5', 12)",
                            (number,))
            self.assertEqual(self.one("SELECT node, confidence, reason FROM e"), (7, 0.5, "12"))

    def test_a_database_in_utf_16(self):
        self.db.close()
        self.db = self.connect()
        self.db.execute("PRAGMA encoding = 'UTF-16'")
        self.db.execute("CREATE VIRTUAL TABLE e USING caveat('%s')" % self.store)
        self.db.execute("INSERT INTO e(node, property, actual, created_at) VALUES (1, 'naïve', 'ж', '2022-01-05')")
        self.assertEqual(self.one("SELECT property, actual FROM e WHERE property = 'naïve' AND source ="
                                  " 'Explicit' AND created_at = '2022-01-05T00:00:00Z'"), ("naïve", "ж"))

    def test_a_hash_alone_does(self):
        self.db.execute("INSERT INTO e(node, property_hash, actual) VALUES (1, 99, 'x')")
        self.assertEqual(self.one("SELECT property, property_hash FROM e"), (None, 99))
        self.assertEqual(self.one("SELECT count(*) FROM e WHERE property IS NULL"), (1,))


class Updates(Case):
    def test_what_is_not_set_keeps_what_sql_cannot_show(self):
        for value, name in ((1, "boolean"), (None, "float"), ("[true]", "list")):
            self.db.execute("INSERT INTO e(node, property, actual, actual_type) VALUES (1, 'p', ?, ?)",
                            (value, name))
            self.db.execute("UPDATE e SET reason = 'again' WHERE node = 1")
            self.assertEqual(self.one("SELECT actual_type, reason FROM e"), (name, "again"))
            self.db.execute("UPDATE e SET actual = actual")
            self.assertEqual(self.one("SELECT actual_type FROM e"), (name,))
            self.db.execute("UPDATE e SET reason = x.r FROM (SELECT 1 AS n, 'from' AS r) AS x"
                            " WHERE e.node = x.n")
            self.assertEqual(self.one("SELECT actual_type, reason FROM e"), (name, "from"))

    def test_values_and_their_types_change(self):
        self.add(1)
        for sets, shown in (("actual = 5", (5, "integer")), ("actual = 1, actual_type = 'boolean'", (1, "boolean")),
                            ("actual = 0", (0, "integer")), ("actual = '[1]', actual_type = 'list'", ("[1]", "list")),
                            ("actual = 'text'", ("text", "string")), ("actual = NULL", (None, "null"))):
            self.db.execute("UPDATE e SET " + sets)
            self.assertEqual(self.one("SELECT actual, actual_type FROM e"), shown)
        self.db.execute("UPDATE e SET actual = x.v FROM (SELECT 7 AS v) AS x")
        self.assertEqual(self.one("SELECT actual, actual_type FROM e"), (7, "integer"))
        self.refuses("actual_type: to change its type, set actual", "UPDATE e SET actual_type = 'boolean'")

    def test_times_change_by_either_column(self):
        self.add(1)
        self.db.execute("UPDATE e SET created_at = '2022-01-01'")
        self.assertEqual(self.one("SELECT created_at FROM e"), ("2022-01-01T00:00:00Z",))
        self.db.execute("UPDATE e SET created_at_ns = 5")
        self.assertEqual(self.one("SELECT created_at_ns FROM e"), (5,))

    def test_a_key_moves_unless_its_place_is_taken(self):
        self.add(1, 2)
        self.refuses("key: there is an exception of node 2", "UPDATE e SET node = 2 WHERE node = 1")
        self.assertEqual(self.nodes(), [1, 2])
        self.db.execute("UPDATE OR IGNORE e SET node = 2 WHERE node = 1")
        self.assertEqual(self.nodes(), [1, 2])
        self.db.execute("UPDATE e SET node = 3, property = 'q' WHERE node = 1")
        self.assertEqual(self.one("SELECT node, property, actual FROM e WHERE node = 3"), (3, "q", "value 1"))
        self.db.execute("UPDATE OR REPLACE e SET node = 2, property = 'p' WHERE node = 3")
        self.assertEqual(self.one("SELECT count(*), max(actual) FROM e"), (1, "value 1"))
        # Rows that would move over each other are not lost.
        self.add(1, 2, 3)
        self.refuses("key: there is", "UPDATE e SET node = node + 1")
        self.assertEqual(self.nodes(), [1, 2, 3])

    def test_columns_that_may_not_be_null(self):
        self.add(1)
        for column in ("node", "reason", "source", "created_at", "confidence", "property", "key"):
            self.refuses(column + ": ", "UPDATE e SET %s = NULL" % column)

    def test_everything_is_deleted_where_nothing_is_asked(self):
        # SQLite says of it that it uses no column, as of count(*).
        self.add(1, 2, 3)
        self.db.execute("DELETE FROM e")
        self.assertEqual(self.nodes(), [])

    def test_rows_are_counted(self):
        self.add(1, 2, 3)
        self.assertEqual(self.db.execute("UPDATE e SET reason = 'x' WHERE node > 1").rowcount, 2)
        self.assertEqual(self.db.execute("DELETE FROM e WHERE node > 1").rowcount, 2)
        self.assertEqual(self.db.execute("DELETE FROM e").rowcount, 1)
        self.assertEqual(self.nodes(), [])


class Conflicts(Case):
    def test_a_plain_insert_replaces(self):
        self.add(1)
        self.db.execute("INSERT INTO e(node, property, actual) VALUES (1, 'p', 'new')")
        self.assertEqual(self.one("SELECT count(*), max(actual) FROM e"), (1, "new"))

    def test_each_way_of_conflict(self):
        self.add(1)
        insert = "INTO e(node, property, actual) SELECT 2, 'p', 'new' UNION ALL SELECT 1, 'p', 'new'"
        self.refuses("there is an exception of node 1", "INSERT OR FAIL " + insert)
        self.assertEqual(self.nodes(), [1, 2])  # FAIL keeps the rows before
        self.db.execute("DELETE FROM e WHERE node = 2")
        self.db.execute("INSERT OR IGNORE " + insert)
        self.assertEqual(self.nodes(), [1, 2])
        self.assertEqual(self.one("SELECT actual FROM e WHERE node = 1"), ("value 1",))
        self.db.execute("INSERT OR REPLACE " + insert)
        self.assertEqual(self.one("SELECT actual FROM e WHERE node = 1"), ("new",))
        self.db.execute("BEGIN")
        self.add(5)
        self.refuses("there is an exception", "INSERT OR ROLLBACK " + insert)
        self.assertFalse(self.db.in_transaction)
        self.assertEqual(self.nodes(), [1, 2])

    def test_checked_inserts_refuse_what_is_there(self):
        self.add(1)
        other = self.again(", inserts=checked")
        self.refuses("there is an exception", "INSERT INTO e(node, property) VALUES (2, 'p'), (1, 'p')",
                     connection=other)
        self.assertEqual(self.nodes(), [1])  # the whole statement is taken back
        other.execute("INSERT OR REPLACE INTO e(node, property) VALUES (1, 'p')")
        self.refuses("node: it may not be NULL", "INSERT OR REPLACE INTO e(property) VALUES ('p')",
                     connection=other)
        other.execute("INSERT OR IGNORE INTO e(property) VALUES ('p')")


if __name__ == "__main__":
    main()
