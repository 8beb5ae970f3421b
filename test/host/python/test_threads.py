"""A store in Python, used by several threads at once."""
import threading
import unittest

import caveat
from caveat import Record


class Threads(unittest.TestCase):
    def in_threads(self, work, count=4):
        failures = []

        def guarded(number):
            try:
                work(number)
            except BaseException as error:
                failures.append(error)
        threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        return threads, failures

    def test_a_store_is_shared_and_closed_under_its_threads(self):
        store = caveat.volatile()
        begun = threading.Barrier(5)

        def work(number):
            store.put(0, str(number), 0)
            begun.wait()
            try:
                for turn in range(10**9):
                    store.put(turn % 50, str(number), turn)
                    if store[turn % 50, str(number)].actual != turn:
                        raise AssertionError("another thread's record")
                    sum(1 for _ in store.query(property=str(number), limit=20))
            except caveat.Closed:
                return
        threads, failures = self.in_threads(work)
        begun.wait()
        store.close()  # it was Busy where a query was under way or begun meanwhile
        self.assertTrue(store.closed)
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_a_cursor_gives_each_record_to_one_thread(self):
        with caveat.volatile() as store:
            store.put_many(Record(n, "p", None, str(n)) for n in range(2000))
            cursor, got = store.query(), [[] for _ in range(4)]
            threads, failures = self.in_threads(
                lambda number: got[number].extend(record.actual for record in cursor))
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])
            self.assertEqual(sorted(sum(got, []), key=int), [str(n) for n in range(2000)])


if __name__ == "__main__":
    unittest.main()
