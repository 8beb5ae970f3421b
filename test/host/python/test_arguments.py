"""Arguments that are wrong are refused in sentences about the arguments."""
import tempfile
import unittest
from datetime import datetime

import caveat


class Arguments(unittest.TestCase):
    def setUp(self):
        self.store = self.enterContext(caveat.volatile())
        self.store.put(1, "p", 1)

    def refuses(self, kind, sentence, call, *arguments, **named):
        with self.assertRaisesRegex(kind, sentence) as caught:
            call(*arguments, **named)
        self.assertIsInstance(caught.exception, (TypeError, ValueError))
        self.assertIsNone(caught.exception.__cause__)

    def test_no_path_is_not_taken_for_a_store_in_memory(self):
        for wrong in (None, 3, {}):
            self.refuses(TypeError, r"path .*%r.* caveat\.volatile\(\)" % (wrong,), caveat.open, wrong)
            self.refuses(TypeError, r"path .*%r.* caveat\.volatile\(\)" % (wrong,), caveat.Store, wrong, {})

    def test_what_is_no_record_is_refused_by_the_name_of_the_argument(self):
        # Each was an AttributeError of the module's inside.
        store, record = self.store, caveat.Record(2, "p", 1)
        for wrong in (3, None, "p", (2, "p", 1), {"node": 2}):
            self.refuses(TypeError, "^record is a caveat.Record: ", store.put_record, wrong)
            self.refuses(TypeError, "^record is a caveat.Record: ", store.exchange, wrong)
            self.refuses(TypeError, r"^records\[1\] is a caveat.Record: ", store.put_many, [record, wrong])
            self.refuses(TypeError, "^record is a caveat.Record: ", store.batch().put_record, wrong)
            if wrong is not None:
                self.refuses(TypeError, "^expected is a caveat.Record or None: ", store.compare_and_set,
                             2, "p", wrong, record)
                self.refuses(TypeError, "^desired is a caveat.Record or None: ", store.compare_and_set,
                             2, "p", None, wrong)
        self.refuses(TypeError, "^records is an iterable of caveat.Record: 3", store.put_many, 3)
        self.refuses(TypeError, r"^keys is an iterable of pairs \(node, property\): 3", store.get_many, 3)
        self.assertEqual([found.node for found in store], [1])
        self.assertTrue(store.compare_and_set(2, "p", None, record))
        self.assertTrue(store.compare_and_set(2, "p", record, None))

    def test_options_that_mean_nothing_are_not_silently_taken(self):
        number = "metrics_interval_ms", "memory_budget", "cache_bytes", "partition_records", "compression_level"
        for name, wrong, kind, sentence in (
                [("on_error", 5, TypeError, "is a function"), ("log", "x", TypeError, "is a logger"),
                 ("log", 1, TypeError, "is a logger"), ("codecs", [128], TypeError, "is a mapping"),
                 ("keys", 5, TypeError, "is a mapping"), ("keys", {"1": bytes(32)}, TypeError, "of a key is an int"),
                 ("codecs", {128: object()}, TypeError, r"a codec has compress\(\)"),
                 ("codecs", {"x": object()}, TypeError, "number of a codec is an int"),
                 ("current_key", "x", TypeError, "is an int: 'x'"), ("current_key", 1, ValueError, "not given"),
                 ("dictionary_bytes", -5, OverflowError, "-5"), ("compression", 2**32, OverflowError, "of 32 bits"),
                 ("metrics_interval_ms", 2**32 + 1, OverflowError, "of 32 bits"),
                 ("memory_budget", 2**64 + 2**28, OverflowError, "of 64 bits"),
                 ("compression_level", 2**31, OverflowError, "of 32 bits")]
                + [(name, wrong, TypeError, "is an int") for name in number for wrong in ("x", 1.5, True, None)]
                + [(name, wrong, TypeError, "is True or False") for name in ("create", "exclusive", "background", "encrypt")
                   for wrong in ("no", 2, None, [])]):
            with self.assertRaisesRegex(kind, sentence, msg=name) as caught:
                caveat.volatile(**{name: wrong}).close()
            if kind is not OverflowError and "key" not in sentence and "codec" not in sentence:
                self.assertIn(name, str(caught.exception))

    def test_what_is_no_key_encrypts_nothing(self):
        # An int was taken for a key: of whatever the memory held.
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for number, wrong in enumerate((32, "x" * 32, [1] * 32)):
            for keys in (lambda _, key=wrong: key, {7: wrong}):
                try:
                    with self.assertRaisesRegex(TypeError, "key 7 is of (int|str|list), and not of bytes"):
                        caveat.open("%s/%d" % (folder, number), keys=keys, current_key=7)
                except caveat.InvalidArgument:
                    self.skipTest("a build without a cipher")

    def test_calls_do_not_guess_what_an_argument_means(self):
        store = self.store
        for wrong in ("x", 2, None):
            self.refuses(TypeError, "descending is True or False", store.query, descending=wrong)
            self.refuses(TypeError, "exact is True or False", store.statistics, exact=wrong)
        for wrong in ("x", True, 1.5, None):
            self.refuses(TypeError, "chunk is an int", store.put_many, [], chunk=wrong)
        self.refuses(ValueError, "chunk is at least 1", store.put_many, [], chunk=0)
        self.refuses(TypeError, "progress is a function", store.optimize, 5)
        self.refuses(TypeError, "resume is str or bytes: 0", store.query, resume=0)
        self.refuses(TypeError, "the name of a property is str or bytes: 5", caveat.hash_property, 5)
        backups = caveat.Backups("nowhere")
        self.refuses(TypeError, "id is an int", backups.verify, "x")
        self.refuses(TypeError, "id is an int", backups.restore, "there", True)
        self.refuses(TypeError, "records is True or False", backups.verify, records="x")
        self.refuses(TypeError, "replace is True or False", backups.restore, "there", replace=3)
        self.refuses(ValueError, "current_key", backups.verify, current_key=1)
        self.refuses(TypeError, "keep is an int", store.backup, "nowhere", keep="x")
        self.assertEqual(list(store.query(descending=True, resume="")), list(store))

    def test_words_that_are_none_of_those_there_are(self):
        store = self.store
        self.refuses(ValueError, "source is one of EXPLICIT, DETECTED, .*'Guess'", store.put, 2, "p", 1, source="Guess")
        self.refuses(ValueError, "source is one of .*: 9", store.query, source=9)
        self.refuses(ValueError, "order is one of 'key', 'confidence', 'time': 'confidance'", store.query,
                     order="confidance")
        self.refuses(ValueError, "durability is one of .*'fsync': 'sync'", store.remove, 2, "p", durability="sync")
        self.refuses(ValueError, "durability is one of", store.batch, "sync")
        self.refuses(ValueError, "durability is one of", caveat.volatile, durability="sync")
        self.refuses(ValueError, "compression is one of .*: 'gzip'", caveat.volatile, compression="gzip")
        self.refuses(ValueError, "compression is one of", caveat.volatile, compression=["zstd"])

    def test_what_is_of_another_type(self):
        store = self.store
        self.refuses(TypeError, "created_at is a datetime .*fromisoformat.*'2024-05-01'", store.put, 2, "p", 1,
                     created_at="2024-05-01")
        for wrong in (1.5, True):
            self.refuses(TypeError, "created_at", store.put, 2, "p", 1, created_at=wrong)
        self.refuses(TypeError, "time is a datetime", store.query, time=(True, None))
        self.refuses(TypeError, "confidence is a number", store.put, 2, "p", 1, confidence=True)
        self.refuses(TypeError, "node is an int: True", store.put, True, "p", 1)
        self.refuses(ValueError, "source is one of .*: True", store.put, 2, "p", 1, source=True)
        self.refuses(ValueError, "created_at has no zone", store.put, 2, "p", 1, created_at=datetime(2024, 5, 1))
        self.refuses(TypeError, "confidence is a number", store.put, 2, "p", 1, confidence="high")
        self.refuses(TypeError, "reason is str or bytes: 5", store.put, 2, "p", 1, reason=5)  # 5 bytes of NUL once
        for wrong in (b"abc", None, True, 1.0):
            self.refuses(TypeError, "property is a name", store.put, 2, wrong, 1)
            self.refuses(TypeError, "property is a name", store.get, 2, wrong)
        self.refuses(TypeError, "node is an int: 'one'", store.put, "one", "p", 1)
        self.refuses(TypeError, "node is an int", store.query, node="one")
        self.refuses(TypeError, "limit is an int", store.query, limit=2.5)
        self.refuses(TypeError, "the name of a property is str", store.register, b"abc")
        for wrong in (0.9, "ab", (1, 2, 3)):
            self.refuses(TypeError, r"confidence is a pair \(low, high\)", store.query, confidence=wrong)
            self.refuses(TypeError, r"time is a pair", store.count, time=wrong)
            self.refuses(TypeError, r"nodes is a pair", store.count, nodes=wrong)
        self.refuses(TypeError, "confidence is a number", store.query, confidence=("a", "b"))
        self.refuses(TypeError, "time is a datetime", store.query, time=("2024-05-01", None))
        for wrong in (5, "p", (1, "p", 2)):
            self.refuses(TypeError, "a key is a pair", store.__contains__, wrong)
            self.refuses(TypeError, "a key is a pair", store.__getitem__, wrong)
            self.refuses(TypeError, "a key is a pair", store.__delitem__, wrong)
            self.refuses(TypeError, "a key is a pair", store.get_many, [wrong])
        self.assertEqual([record.node for record in store], [1])


if __name__ == "__main__":
    unittest.main()
