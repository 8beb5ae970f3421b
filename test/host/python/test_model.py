"""Random writes to a store and to a dict; CAVEAT_SEED chooses others."""
import os
import random
import unittest

import caveat
from caveat import Record


def run_model(store, seed, turns=1200):
    """Random writes, and a dict that should hold the same."""
    chance, model = random.Random(seed), {}
    for _ in range(turns):
        key = (chance.randrange(20), chance.randrange(5))
        record = Record(*key, None, chance.choice([None, "x", [1, 2.5], chance.randrange(99)]),
                        created_at=chance.randrange(1000), confidence=chance.randrange(9) / 8)
        act = chance.randrange(9)
        if act < 3:
            store.put_record(record)
            model[key] = record
        elif act == 3:
            store.remove(*key)
            model.pop(key, None)
        elif act == 4:
            if store.exchange(record) != model.get(key):
                raise AssertionError("exchange %s" % (key,))
            model[key] = record
        elif act == 5:
            if store.compare_and_set(*key, model.get(key), record) is not True:
                raise AssertionError("compare_and_set %s" % (key,))
            model[key] = record
        elif act == 6 and chance.randrange(8) == 0:
            store.clear_node(key[0])
            model = {k: r for k, r in model.items() if k[0] != key[0]}
        elif act == 7 and chance.randrange(20) == 0:
            store.flush()
        else:
            if store.get(*key) != model.get(key) or (key in store) != (key in model):
                raise AssertionError("get %s" % (key,))
    if list(store.query()) != [model[key] for key in sorted(model)]:
        raise AssertionError("query")
    at_least = [r for r in store.query(confidence=(0.5, None), order="time")]
    expected = sorted((r for r in model.values() if r.confidence >= 0.5),
                      key=lambda r: (r.created_at, r.node, r.property))
    if at_least != expected:
        raise AssertionError("query by time")


class Model(unittest.TestCase):
    seed = int(os.environ.get("CAVEAT_SEED", "20240229"))

    def test_a_store_holds_what_a_dict_would(self):
        print("seed", self.seed)
        with caveat.volatile() as store:
            run_model(store, self.seed)

    def test_the_model_finds_planted_faults(self):
        class Forgetful(caveat.Store):
            def remove(self, node, property, durability=None):
                pass

        class Rounding(caveat.Store):
            def exchange(self, record, durability=None):
                return super().exchange(Record(record.node, record.property, None, record.actual))
        for kind in (Forgetful, Rounding):
            with kind(caveat._store.IN_MEMORY, {}) as store, self.assertRaises(AssertionError):
                run_model(store, self.seed)


if __name__ == "__main__":
    unittest.main()
