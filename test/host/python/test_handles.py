"""What a store in Python is and is not: one thing, of one process."""
import copy
import multiprocessing
import pickle
import sys
import tempfile
import unittest

import caveat


class Handles(unittest.TestCase):
    def test_a_fork_has_no_part_in_the_store(self):
        with tempfile.TemporaryDirectory() as directory:
            with caveat.open(directory + "/store") as store:
                store.put(1, "p", actual=1)
                cursor, snapshot = store.query(), store.snapshot()

                def child():
                    for use in (lambda: store.put(2, "p", actual=2), store.count, lambda: next(cursor),
                                snapshot.count, lambda: store[1, "p"], store.metrics):
                        with self.assertRaises(caveat.Closed):
                            use()
                    store.close()
                    sys.exit(7)  # with all that runs at the end

                process = multiprocessing.get_context("fork").Process(target=child)
                process.start()
                process.join(60)
                self.assertEqual(process.exitcode, 7)
                store.put(3, "p", actual=3)
                self.assertEqual([record.node for record in cursor], [1])
                snapshot.close()
            with caveat.open(directory + "/store") as store:
                self.assertEqual(store.count(), 2)

    def test_a_record_that_could_not_be_read_is_the_next_one(self):
        def without_memory(property):
            raise MemoryError

        with caveat.volatile() as store:
            for node in range(4):
                store.put(node, "p", actual=[node, "text"])
            cursor, name_of = store.query(), store._name_of
            self.assertEqual(next(cursor).node, 0)
            token = cursor.resume_token
            for _ in range(2):
                store._name_of = without_memory
                with self.assertRaises(MemoryError):
                    next(cursor)
            store._name_of = name_of
            # A token would lead behind it, and what it shows is gone with any other call.
            with self.assertRaises(caveat.Busy):
                cursor.resume_token
            self.assertFalse(cursor.skip_damage())
            self.assertEqual([record.actual for record in cursor], [[node, "text"] for node in (1, 2, 3)])
            self.assertEqual([record.node for record in store.query(resume=token)], [1, 2, 3])

    def test_what_is_one_thing_is_not_copied(self):
        with caveat.volatile() as store:
            for what in (store, store.snapshot(), store.query(), store.batch()):
                for attempt in (copy.copy, copy.deepcopy, pickle.dumps):
                    with self.assertRaisesRegex(TypeError, "cannot be copied or pickled"):
                        attempt(what)
            store.put(1, "p", actual=1)

    def test_a_confidence_reads_as_it_was_written(self):
        with caveat.volatile() as store:
            for node, confidence in enumerate([0.6, 0.1, 1 / 3, 0.0, 1.0, 0.123456789, 1e-20]):
                store.put(node, "p", actual=1, confidence=confidence)
                read = store[node, "p"].confidence
                self.assertAlmostEqual(read, confidence, delta=confidence * 1e-7)
                self.assertLessEqual(len(repr(read)), len(repr(confidence)))


if __name__ == "__main__":
    unittest.main()
