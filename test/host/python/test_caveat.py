"""The Python module, as a Python user would use it. CAVEAT_LIBRARY and PYTHONPATH say where it is."""
import gc
import math
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone

import caveat
from caveat import Record, Source


class Values(unittest.TestCase):
    def setUp(self):
        self.store = self.enterContext(caveat.volatile())

    def test_every_kind_comes_back_as_it_went_in(self):
        values = [None, True, False, 0, -1, 2**63 - 1, -2**63, 0.0, 1.5, math.inf, -1e300, "", "é\0x",
                  b"\xff\0", [], [None, [True, ["deep", 1]]], "x" * 100000]
        for node, value in enumerate(values):
            self.store.put(node, "p", actual=value, inherited=[value])
        for flush in (False, True):
            if flush:
                self.store.flush()
            for node, value in enumerate(values):
                found = self.store[node, "p"]
                self.assertEqual(found.actual, value)
                self.assertIs(type(found.actual), type(value))
                self.assertEqual(found.inherited, [value])
        self.store.put(99, "p", actual=math.nan)
        self.assertTrue(math.isnan(self.store[99, "p"].actual))

    def test_the_other_fields_too(self):
        moment = datetime(2024, 2, 29, 12, 0, 0, 250, tzinfo=timezone(timedelta(hours=5)))
        self.store.put(1, "p", 1, reason=b"\xfe why", source="conflict", created_at=moment, confidence=0.25)
        found = self.store[1, "p"]
        self.assertEqual((found.reason, found.source, found.confidence), (b"\xfe why", Source.CONFLICT, 0.25))
        self.assertEqual(found.created, moment)
        self.assertEqual(found.created_at, caveat.to_ns(moment))
        self.store.put(1, "p", 1, created_at=-2**63)
        self.assertEqual(self.store[1, "p"].created_at, -2**63)
        self.assertEqual(self.store[1, "p"].created.year, 1677)
        self.store.put(1, "p", 1)
        age = datetime.now(timezone.utc) - self.store[1, "p"].created
        self.assertLess(abs(age), timedelta(minutes=5))

    def test_what_is_no_value_is_refused_and_stores_nothing(self):
        deep = []
        for _ in range(20):
            deep = [deep]
        for wrong, error in ((2**63, OverflowError), ({}, TypeError), (deep, ValueError), (1j, TypeError)):
            with self.assertRaises(error):
                self.store.put(1, "p", wrong)
        for field in ({"confidence": 2.0}, {"source": 9}, {"source": "nobody"},
                      {"created_at": datetime(2024, 1, 1)}, {"created_at": 2**63},
                      {"created_at": datetime(2300, 1, 1, tzinfo=timezone.utc)},
                      {"created_at": datetime(1600, 1, 1, tzinfo=timezone.utc)}):
            with self.assertRaises((ValueError, KeyError)):
                self.store.put(1, "p", 1, **field)
        with self.assertRaises(OverflowError):
            self.store.put(-1, "p", 1)
        self.assertEqual(self.store.count(), 0)


class Stores(unittest.TestCase):
    def setUp(self):
        self.path = self.enterContext(tempfile.TemporaryDirectory()) + "/birds.store"

    def test_a_path_that_is_none_is_refused(self):
        with self.assertRaises(ValueError):
            caveat.open(self.path + "\0hidden")
        with self.assertRaises(ValueError):
            caveat.open("")
        self.assertFalse(os.path.exists(self.path))

    def test_a_store_keeps_what_it_holds(self):
        with caveat.open(self.path, exclusive=True, durability="fsync", memory_budget=16 << 20) as store:
            store.put(42, "can_fly", inherited=True, actual=False, reason="penguins swim")
            self.assertEqual(store.property_name(caveat.hash_property("can_fly")), "can_fly")
            self.assertIsNone(store.property_name(1))
        self.assertTrue(store.closed)
        with caveat.open(self.path, create=False) as store:
            self.assertIn((42, "can_fly"), store)
            self.assertIn((42, caveat.hash_property("can_fly")), store)
            self.assertNotIn((43, "can_fly"), store)
            self.assertTrue(store.has_exceptions(42))
            self.assertFalse(store.has_exceptions(43))
            self.assertIsNone(store.get(43, "can_fly"))
            self.assertEqual(store.get(43, "can_fly", "none"), "none")
            self.assertEqual([r and r.node for r in store.get_many([(42, "can_fly"), (43, "can_fly")])],
                             [42, None])
            with self.assertRaises(KeyError):
                store[43, "can_fly"]
            del store[42, "can_fly"]
            with self.assertRaises(KeyError):
                del store[42, "can_fly"]

    def test_an_encrypted_store_opens_with_its_keys_alone(self):
        first, second = bytes(range(32)), bytes(range(1, 33))
        try:
            store = caveat.open(self.path, keys={1: first})
        except caveat.InvalidArgument:
            self.skipTest("a build without a cipher")
        with store:
            store.put(42, "can_fly", inherited=True, actual=False)
        for keys, kind in ((None, caveat.KeyMissing), ({2: second}, caveat.KeyMissing),
                           ({1: second}, caveat.WrongKey), ({1: b"short"}, caveat.InvalidArgument)):
            with self.assertRaises(kind):
                caveat.open(self.path, keys=keys)
        with caveat.open(self.path, keys={1: first, 2: second}) as store:
            store.optimize()
        with caveat.open(self.path, keys={2: second}) as store:
            self.assertIn((42, "can_fly"), store)
        plain = self.path + ".plain"
        caveat.open(plain).close()
        with self.assertRaises(caveat.InvalidArgument):
            caveat.open(plain, keys={1: first})
        caveat.open(plain, keys={1: first}, encrypt=True).close()
        with self.assertRaises(caveat.KeyMissing):
            caveat.open(plain)

    def test_keys_come_from_a_function(self):
        vault, asked = {7: bytes(range(32)), 8: bytes(range(1, 33))}, []

        def fetch(number):
            asked.append(number)
            return vault[number]
        try:
            store = caveat.open(self.path, keys=fetch, current_key=7)
        except caveat.InvalidArgument:
            self.skipTest("a build without a cipher")
        with store:
            store.put(42, "can_fly", False)
            self.assertEqual([(use.key_id, use.current) for use in store.key_usage()], [(7, True)])
            asked.clear()
            store.flush()
            self.assertEqual(asked, [])
            store.backup(self.path + ".backups")
        backups = caveat.Backups(self.path + ".backups")
        self.assertEqual(backups.verify()["id"], 1)
        with self.assertRaisesRegex(caveat.KeyMissing, "backup 1: .*key 7"):
            backups.verify(records=True)
        self.assertEqual(backups.verify(keys=fetch, current_key=7)["records"], 1)
        self.assertEqual(backups.verify(keys=vault, current_key=7)["records"], 1)
        with self.assertRaises(ValueError):
            caveat.open(self.path, keys=fetch)
        with self.assertRaisesRegex(caveat.KeyMissing, "no key 9"):
            caveat.open(self.path, keys=fetch, current_key=9)
        with self.assertRaisesRegex(caveat.KeyMissing, "no key 7"):
            caveat.open(self.path, keys=lambda number: None, current_key=7)
        with self.assertRaisesRegex(caveat.InvalidArgument, "key 7: a key has 32 bytes, and this one 3"):
            caveat.open(self.path, keys=lambda number: b"abc", current_key=7)
        with self.assertRaises(caveat.InvalidArgument):
            caveat.open(self.path, keys={})
        with self.assertRaises(ZeroDivisionError):
            caveat.open(self.path, keys=lambda number: 1 // 0, current_key=7)
        with caveat.open(self.path, keys=vault) as store:  # the last of them is the current one
            self.assertIn((42, "can_fly"), store)
            store.optimize()
            self.assertEqual([use.key_id for use in store.key_usage()], [8])
        del vault[7]
        with caveat.open(self.path, keys=fetch, current_key=8) as store:
            self.assertIn((42, "can_fly"), store)
        with caveat.volatile() as plain:
            self.assertEqual(plain.key_usage(), [])

    def test_records_have_the_names_of_their_properties(self):
        with caveat.open(self.path) as store:
            store.put(1, "can_fly", True)
            store.put(2, caveat.hash_property("nameless"), True)
            known, unknown = store.query()
            self.assertEqual((known.property, known.property_hash), ("can_fly", caveat.hash_property("can_fly")))
            self.assertEqual(unknown.property, caveat.hash_property("nameless"))
            self.assertEqual(unknown.property_hash, unknown.property)
            self.assertEqual(known, Record(1, "can_fly", None, True, created_at=known.created_at))
            store.register("nameless")
            self.assertEqual(store[2, "nameless"].property, "nameless")
            self.assertEqual(store.take(2, "nameless").property, "nameless")
        with caveat.open(self.path) as store:
            found, = store
            self.assertEqual(found.property, "can_fly")
            self.assertEqual(store.get_many([(1, "can_fly")])[0].property, "can_fly")
            with store.snapshot() as snapshot:
                self.assertEqual(snapshot[1, "can_fly"].property, "can_fly")

    def test_errors_are_of_their_kind(self):
        with self.assertRaises(caveat.NotFound) as raised:
            caveat.open(self.path, create=False)
        self.assertIsInstance(raised.exception, caveat.Error)
        self.assertIn(self.path, str(raised.exception))
        with self.assertRaises(caveat.InvalidArgument) as raised:
            caveat.open(self.path, memory_budget=1)
        self.assertIsInstance(raised.exception, ValueError)
        store = caveat.open(self.path)
        with self.assertRaises(caveat.Locked):
            caveat.open(self.path)
        store.close()
        store.close()
        with self.assertRaises(caveat.AlreadyExists):
            caveat.open(self.path, exclusive=True)
        for use in (lambda: store.put(1, "p", 1), lambda: (1, "p") in store, store.query, store.flush,
                    store.snapshot, store.statistics, store.forget_lost_writes, lambda: store.property_name(1)):
            with self.assertRaises(caveat.Closed):
                use()

    def test_writes_that_report(self):
        with caveat.volatile() as store:
            one, two = (Record(1, "p", True, number, created_at=5) for number in (1, 2))
            self.assertIsNone(store.exchange(one))
            self.assertEqual(store.exchange(two).actual, 1)
            self.assertFalse(store.compare_and_set(1, "p", one, None))
            self.assertTrue(store.compare_and_set(1, "p", two, one))
            self.assertTrue(store.compare_and_set(1, "p", one, None))
            self.assertTrue(store.compare_and_set(1, "p", None, one))
            self.assertEqual(store.take(1, "p").actual, 1)
            self.assertIsNone(store.take(1, "p"))
            self.assertFalse(store.erase(1, "p"))
            store.put_record(two)
            self.assertTrue(store.erase(1, "p", durability="fsync"))
            self.assertNotIn((1, "p"), store)
            store.remove(1, "p")

    def test_batches_and_bulk(self):
        with caveat.volatile() as store:
            self.assertEqual(store.put_many((Record(n, "p", None, n) for n in range(2500)), chunk=1000), 2500)
            with store.batch() as batch:
                self.assertEqual(len(batch), 0)
                batch.put(9000, "q", 1)
                batch.remove(0, "p")
                self.assertEqual(len(batch), 2)
                batch.clear_node(1)
            self.assertEqual(store.count(), 2499)
            self.assertEqual(store.property_name(caveat.hash_property("q")), "q")
            with self.assertRaises(ZeroDivisionError):
                with store.batch() as batch:
                    batch.clear_property("p")
                    1 // 0
            self.assertEqual(store.count(), 2499)
            store.clear_property("p")
            store.clear_node(9000)
            self.assertEqual(store.count(), 0)

    def test_maintenance(self):
        with caveat.open(self.path) as store:
            store.put_many(Record(n, "p", None, n) for n in range(1000))
            stages = []
            done = store.optimize(lambda stage, done, total: stages.append(stage))
            self.assertGreater(done["bytes_after"], 0)
            self.assertTrue(stages)
            with self.assertRaises(caveat.Cancelled):
                store.rebuild_indexes(lambda *_: False)
            with self.assertRaises(ZeroDivisionError):
                store.rebuild_indexes(lambda *_: 1 // 0)
            store.rebuild_indexes()
            self.assertIn("bytes_reclaimed", store.compact())
            self.assertEqual(store.verify()["sound"], True)
            self.assertEqual(store.verify()["records"], 1000)
            self.assertEqual(store.forget_lost_writes(), 0)
            self.assertEqual(store.statistics(exact=True)["total_exceptions"], 1000)
            self.assertIn("# TYPE caveat_records gauge", store.metrics())

    def test_backups(self):
        backups = caveat.Backups(self.path + ".backups")
        with self.assertRaises(caveat.NotFound):
            list(backups)
        with caveat.open(self.path) as store:
            store.put(1, "p", "kept")
            stages = set()
            made = store.backup(self.path + ".backups", progress=lambda stage, *_: stages.add(stage))
            self.assertEqual((made["id"], made["records"]), (1, 1))
            self.assertTrue(stages)
            store.remove(1, "p")
            self.assertEqual(store.backup(self.path + ".backups", check=False)["id"], 2)
        self.assertEqual([one["id"] for one in backups], [1, 2])
        self.assertEqual(backups.verify(records=True)["id"], 2)
        with self.assertRaises(caveat.AlreadyExists):
            backups.restore(self.path, id=1)
        backups.restore(self.path, id=1, replace=True)
        with caveat.open(self.path) as store:
            self.assertEqual(store[1, "p"].actual, "kept")
        backups.delete(1)
        self.assertEqual(backups.keep_newest(1), 0)
        with self.assertRaises(caveat.NotFound):
            backups.verify(1)

    def test_what_a_store_does_is_logged(self):
        with self.assertLogs("caveat", "INFO") as logged:
            caveat.open(self.path, metrics_file=self.path + ".prom", metrics_interval_ms=100).close()
        opened = [record for record in logged.records if record.caveat["event"] == "opened"]
        self.assertEqual(len(opened), 1)
        self.assertEqual(opened[0].caveat["component"], "store")
        self.assertGreater(len(opened[0].caveat), 2)
        with self.assertNoLogs("caveat"):
            caveat.open(self.path, log=False).close()

    def test_a_program_may_end_with_open_stores(self):
        program = ("import caveat, logging; logging.basicConfig(level=logging.DEBUG)\n"
                   "store = caveat.open(%r); store.put(1, 'p', 1); cursor = store.query()\n"
                   "next(cursor); kept = [store]; kept.append(kept)\n" % self.path)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("closed", done.stderr)
        with caveat.open(self.path) as store:
            self.assertIn((1, "p"), store)

    def test_a_codec_in_python(self):
        class Runs:
            compressed = decompressed = 0

            def compress(self, raw, dictionary):
                self.compressed += 1
                return re.sub(rb"a{9}", b"\0", raw) if b"\0" not in raw else raw + b"!"

            def decompress(self, stored, dictionary, size):
                self.decompressed += 1
                return stored.replace(b"\0", b"a" * 9)

        runs = Runs()
        options = {"compression": 200, "codecs": {200: runs}, "dictionary_bytes": 0}
        with caveat.open(self.path, **options) as store:
            store.put(1, "p", "a" * 900)
            store.flush()
        self.assertGreater(runs.compressed, 0)
        with caveat.open(self.path, **options) as store:
            self.assertEqual(store[1, "p"].actual, "a" * 900)
        self.assertGreater(runs.decompressed, 0)
        with caveat.open(self.path) as store:
            with self.assertRaises(caveat.CodecMissing):
                store.get(1, "p")
        runs.decompress = lambda *_: 1 // 0
        with caveat.open(self.path, **options) as store, self.assertLogs("caveat", "ERROR"):
            with self.assertRaises(caveat.Corruption):
                store.get(1, "p")


class Queries(unittest.TestCase):
    def setUp(self):
        self.store = self.enterContext(caveat.volatile())
        self.records = [Record(n // 2, "pq"[n % 2], None, n, source=Source(n % 5), created_at=n * 10**9,
                               confidence=n / 200) for n in range(200)]
        self.store.put_many(self.records)

    def found(self, **conditions):
        self.assertEqual(self.store.count(**conditions), len(list(self.store.query(**conditions))))
        return sorted(record.actual for record in self.store.query(**conditions))

    def test_conditions(self):
        everything = list(range(200))
        self.assertEqual(self.found(), everything)
        self.assertEqual(sorted(record.actual for record in self.store), everything)
        self.assertEqual(self.found(node=7), [14, 15])
        self.assertEqual(self.found(nodes=(7, 9)) + self.found(nodes=(99, None)), everything[14:20] + [198, 199])
        self.assertEqual(self.found(property="p"), everything[::2])
        self.assertEqual(self.found(property=caveat.hash_property("q")), everything[1::2])
        self.assertEqual(self.found(source="imported"), everything[4::5])
        self.assertEqual(self.found(source=Source.DETECTED, property="p"), everything[6::10])
        self.assertEqual(self.found(confidence=(0.5, None)), everything[100:])
        self.assertEqual(self.found(confidence=(None, 0.1)), everything[:21])
        epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
        self.assertEqual(self.found(time=(epoch + timedelta(seconds=5), 7 * 10**9)), [5, 6, 7])
        # An end beyond all times is none.
        far = (datetime(1600, 1, 1, tzinfo=timezone.utc), datetime(2300, 1, 1, tzinfo=timezone.utc))
        self.assertEqual(self.found(time=far), everything)
        self.assertEqual(self.found(time=(far[1], None)), [])
        self.assertEqual(self.found(time=(None, -1)), [])
        self.assertEqual(self.found(limit=0), [])
        with self.assertRaises(TypeError):
            self.store.query(colour="blue")
        with self.assertRaises(ValueError):
            self.store.query(order="colour")
        with self.assertRaises(caveat.InvalidArgument):
            self.store.query(confidence=(math.nan, 1.0))

    def test_orders_and_pages(self):
        expected = [record.actual for record in sorted(self.records, key=lambda r: -r.confidence)]
        pages, resume = [], None
        while True:
            cursor = self.store.query(order="confidence", descending=True, limit=30, resume=resume)
            page = [record.actual for record in cursor]
            if not page:
                break
            pages += page
            resume = cursor.resume_token
        self.assertEqual(pages, expected)
        with self.assertRaises(caveat.InvalidArgument):
            self.store.query(order="time", resume=resume)
        cursor = self.store.query(order="time")
        next(cursor)
        token = cursor.resume_token
        self.assertEqual(next(self.store.query(order="time", resume=token)).actual, 1)

    def test_snapshots(self):
        with self.store.snapshot() as snapshot:
            self.store.clear_property("p")
            self.assertEqual(self.store.count(), 100)
            self.assertEqual(snapshot.count(), 200)
            self.assertIn((0, "p"), snapshot)
            self.assertNotIn((0, "p"), self.store)
            self.assertEqual(len(list(snapshot)), 200)
            self.assertEqual(snapshot[0, "p"].actual, 0)
            self.assertGreater(snapshot.sequence, 0)
            self.assertIn("partitions", snapshot.explain(node=1))
            self.assertIn("candidates", snapshot.plan(node=1))
        with self.assertRaises(caveat.Closed):
            snapshot.count()

    def test_closing_a_store_closes_what_is_open(self):
        cursor, snapshot = self.store.query(), self.store.snapshot()
        next(cursor)
        with self.store.query() as other:
            next(other)
        with self.assertRaises(caveat.Closed):
            next(other)
        self.store.close()
        for use in (lambda: next(cursor), snapshot.count, lambda: cursor.resume_token):
            with self.assertRaises(caveat.Closed):
                use()

    def test_a_store_waits_for_calls_that_are_under_way_when_it_is_closed(self):
        cursor = self.store.query()
        with cursor._using():  # as another thread that is in a call
            closer = threading.Thread(target=self.store.close)
            closer.start()
            while not cursor.closed:
                pass
            self.assertFalse(self.store.closed)
            with self.assertRaises(caveat.Closed):
                self.store.query()
        closer.join()
        self.assertTrue(self.store.closed)

    def test_a_store_that_is_busy_stays_open(self):
        def close(*_):  # in a long operation
            self.assertRaises(caveat.Busy, self.store.close)
            return False
        self.assertRaises(caveat.Cancelled, self.store.verify, close)
        self.assertFalse(self.store.closed)
        self.assertEqual(len(list(self.store.query())), 200)

    def test_what_is_forgotten_is_given_back(self):
        for _ in range(10):
            next(self.store.query())
            self.store.snapshot()
        gc.collect()
        self.assertEqual(self.store.statistics()["open_views"], 0)
        cursor = caveat.volatile().query()  # keeps its store
        gc.collect()
        self.assertEqual(list(cursor), [])


if __name__ == "__main__":
    unittest.main()
