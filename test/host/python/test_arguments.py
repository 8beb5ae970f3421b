"""Arguments that are wrong are refused in sentences about the arguments."""
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
        self.refuses(TypeError, r"path .* caveat\.volatile\(\)", caveat.open, None)

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
        self.refuses(TypeError, "created_at", store.put, 2, "p", 1, created_at=1.5)
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
