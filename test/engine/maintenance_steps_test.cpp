// Steps of maintenance one by one, where a place that they read or a call that they make fails:
// what is elsewhere is done, what failed is told, and the step can be repeated.
#include "indexes/posting_family.h"
#include "test/engine/patient.h"

namespace caveat::test {

using namespace patient;

TEST_CASE("a rewrite leaves out what the backend cannot read, and what is not there", "[damage]") {
  for (const std::size_t dictionary : {0, 4096}) {
    Patient patient;
    patient.options.dictionary_bytes = dictionary;
    auto store = patient.filled();
    const auto keys = patient.keys();
    const std::string gone = patient.take_out(5);
    patient.ailment->places[{Family::primary, keys[3]}] = ErrorCode::corruption;
    const auto done = value_of(store.optimize_storage());
    CHECK(done.partitions_skipped == 2);
    CHECK(done.partitions_rewritten == keys.size() - 2);
    if (dictionary == 0) CHECK(done.dictionaries_trained == 0);
    CHECK(patient.told_of("primary " + describe_key(*decode_key(keys[3])) + ": a bad place") == 1);
    CHECK(patient.told_of("container is missing") == 1);
    patient.ailment->places.clear();
    patient.put_back(keys[5], gone);
    CHECK(value_of(store.optimize_storage()).partitions_skipped == 0);
    require_all_there(store);
  }
}

TEST_CASE("an error of the backend ends a rewrite, which can be repeated") {
  for (const std::size_t dictionary : {0, 4096}) {  // samples are read before
    Patient patient;
    patient.options.dictionary_bytes = dictionary;
    auto store = patient.filled();
    const auto fails = [&] {
      const auto done = store.optimize_storage();
      REQUIRE_FALSE(done);
      CHECK(done.error().code() == ErrorCode::io_error);
      CHECK_THAT(done.error().message(), Catch::Contains("a bad place"));
    };
    patient.make_ill(5, ErrorCode::io_error);
    fails();
    patient.make_ill(3, ErrorCode::corruption);  // then they are read one by one
    fails();
    patient.ailment->places.clear();
    CHECK(value_of(store.optimize_storage()).partitions_skipped == 0);
    require_all_there(store);
  }
}

TEST_CASE("a partition that a fold could not read meanwhile is told once", "[damage]") {
  Patient patient;
  patient.options.dictionary_bytes = 4096;
  auto store = patient.filled();
  patient.make_ill(3, ErrorCode::corruption);
  const NodeId node = decode_key(patient.keys()[3])->node_id;
  CallsAt sink("train dictionary", [&] {
    store_nodes(store, kProperty, node, node + 30, exception_of);
    value_of(store.flush());
  });
  CHECK(value_of(store.optimize_storage(&sink)).partitions_skipped == 1);
  CHECK(patient.told_of("a bad place") == 1);
  patient.ailment->places.clear();
  CHECK(value_of(store.optimize_storage()).partitions_skipped == 0);
  require_all_there(store);
}

TEST_CASE("filters of a store that was not closed are made anew, but for what cannot be read",
          "[damage]") {
  Patient patient;
  {
    const auto store = patient.filled();
    patient.crash();
  }
  const auto keys = patient.keys();
  REQUIRE(keys.size() > 12);
  const auto build_all = [](StorageOptimizer& store) {
    while (value_of(mutator_of(store).build_filters())) {
    }
  };
  {
    auto store = patient.open();
    CHECK(with_filters(store) == 0);
    CHECK(value_of(mutator_of(store).build_filters()));
    build_all(store);
    CHECK(with_filters(store) == partitions_of(store));
    require_all_there(store);
    patient.crash();
  }
  auto store = patient.open();
  patient.make_ill(1, ErrorCode::io_error);
  const auto failed = mutator_of(store).build_filters();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  patient.ailment->places.clear();
  patient.make_ill(1, ErrorCode::corruption);
  const std::string gone = patient.take_out(4);
  std::string other = stored_under(*patient.backend, Family::primary, keys[7]);
  patient.put_back(keys[7], "no container");
  build_all(store);
  CHECK(with_filters(store) == partitions_of(store) - 3);
  CHECK(patient.told_of("primary " + describe_key(*decode_key(keys[1])) + ": a bad place") == 1);
  CHECK(patient.told_of("primary " + describe_key(*decode_key(keys[4]))) == 1);
  CHECK(patient.told_of("primary " + describe_key(*decode_key(keys[7]))) == 1);
  CHECK_FALSE(value_of(mutator_of(store).build_filters()));  // they are not tried again
  patient.ailment->places.clear();
  patient.put_back(keys[4], gone);
  patient.put_back(keys[7], other);
  value_of(store.optimize_storage());
  CHECK(with_filters(store) == partitions_of(store));
  require_all_there(store);
}

TEST_CASE("clears of a property that was never stored go by themselves") {
  Patient patient;
  auto store = patient.filled();
  value_of(store.clear_property(hash_property("never")));
  value_of(store.flush());
  CHECK(value_of(mutator_of(store).apply_clears()));  // it is forgotten
  CHECK_FALSE(value_of(mutator_of(store).apply_clears()));
  CHECK(store.engine().core().versions.current()->clears->empty());
  require_all_there(store);
}

TEST_CASE("optimizing applies clears, and forgets them") {
  Patient patient;
  auto store = patient.filled();
  store_nodes(store, hash_property("q"), 0, 100, exception_of);
  value_of(store.clear_property(hash_property("q")));
  value_of(store.optimize_storage());
  CHECK(store.engine().core().versions.current()->clears->empty());
  require_all_there(store);
}

TEST_CASE("a clear follows the property's hints, past those of partitions that are gone") {
  Patient patient;
  patient.options.partition_records = 16;
  auto store = patient.filled();
  // Partitions that are joined into their neighbours: their ids lead to where they were.
  WriteBatch removals;
  for (NodeId node = 100; node < 700; ++node) {
    value_of(removals.remove_exception({node, kProperty}));
  }
  value_of(store.write(removals));
  value_of(store.flush());
  const auto before = partitions_of(store);
  const auto done = value_of(store.optimize_storage());
  CHECK(done.partitions_rewritten == before);
  CHECK(done.partitions_joined - done.partitions_split == before - partitions_of(store));
  store_nodes(store, kProperty, 100, 700, exception_of);
  value_of(store.clear_property(kProperty));
  value_of(store.flush());
  // The hints of ids that there are no more, and of ids that never were.
  PostingFamily family(Family::property, *patient.backend);
  std::vector<PostingChange> changes;
  const auto property = *store.engine().core().catalogue.find(kProperty);
  for (PartitionId id = 1; id < 2000; ++id) changes.push_back({property, id, true});
  KvBatch batch;
  value_of(family.apply(changes, batch));
  value_of(patient.backend->write(batch, Durability::wal));
  patient.ailment->walks[Family::property] = ErrorCode::io_error;
  const auto failed = mutator_of(store).apply_clears();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == ErrorCode::io_error);
  patient.ailment->walks.clear();
  while (value_of(mutator_of(store).apply_clears())) {
  }
  CHECK(store.engine().core().versions.current()->clears->empty());
  CHECK(value_of(store.count({})) == 0);
  const auto found = value_of(store.verify());
  for (const auto& error : found.errors) UNSCOPED_INFO(error);
  CHECK(found.sound());
}

TEST_CASE("a clear meets a damaged index of properties, and goes by all partitions", "[damage]") {
  Patient patient;
  auto store = patient.filled();
  store_nodes(store, hash_property("q"), 0, 100, exception_of);
  value_of(store.clear_property(kProperty));
  value_of(store.flush());
  patient.ailment->walks[Family::property] = ErrorCode::corruption;
  CHECK(value_of(mutator_of(store).apply_clears()));
  CHECK(patient.told_of("the property index is damaged") == 1);
  while (value_of(mutator_of(store).apply_clears())) {
  }
  CHECK(value_of(store.count({})) == 100);
  patient.ailment->walks.clear();
  value_of(store.rebuild_indexes());
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("containers with long runs are found and rewritten without a compaction", "[damage]") {
  Patient patient;
  patient.options.partition_records = 256;
  auto store = patient.filled();
  const auto run_rows = [&] {
    std::size_t rows = 0;
    for (const auto& group : store.engine().core().versions.current()->directory->groups()) {
      for (const auto& entry : group->entries) rows += entry.run_rows;
    }
    return rows;
  };
  const auto lower = [&](std::size_t place) { return decode_key(patient.keys()[place])->node_id; };
  const NodeId first = lower(1);
  const NodeId second = lower(3);
  for (const NodeId from : {first, second}) {  // too few to be merged at once
    store_nodes(store, kProperty, from, from + kLongRunRows, exception_of);
  }
  value_of(store.flush());
  REQUIRE(run_rows() == 2 * kLongRunRows);
  patient.make_ill(3, ErrorCode::corruption);
  mutator_of(store).queue_overdue();
  CHECK(value_of(mutator_of(store).rewrite_queued()));
  CHECK(run_rows() == kLongRunRows);  // of the one that cannot be read
  CHECK(patient.told_of("a bad place") == 1);
  mutator_of(store).queue_overdue();
  CHECK_FALSE(value_of(mutator_of(store).rewrite_queued()));  // it is not tried again
  // Nor if a compaction points it out.
  patient.ailment->observer->on_rewrite_candidates(Family::primary, {{patient.keys()[3]}}, false);
  CHECK(value_of(mutator_of(store).rewrite_queued()));
  CHECK(patient.told_of("a bad place") == 1);
  patient.ailment->places.clear();
  require_all_there(store);
}

namespace {

// Leaves few records in each partition (in the last one only if asked), and a row beside them.
void thin_out(StorageOptimizer& store, const std::vector<std::string>& keys, bool last_too) {
  WriteBatch removals;
  const std::size_t count = keys.size() - (last_too ? 0 : 1);
  for (std::size_t place = 0; place < count; ++place) {
    const NodeId end =
        place + 1 < keys.size() ? decode_key(keys[place + 1])->node_id : NodeId{kNodes};
    for (NodeId node = decode_key(keys[place])->node_id + 9; node < end; ++node) {
      value_of(removals.remove_exception({node, kProperty}));
    }
  }
  value_of(store.write(removals));
  value_of(store.flush());
  for (std::size_t place = 0; place < count; ++place) {
    const NodeId node = decode_key(keys[place])->node_id;
    value_of(store.store_exception({node, kProperty}, exception_of(node)));
  }
  value_of(store.flush());
}

}  // namespace

TEST_CASE("a partition that has shrunk takes in what fits until it is small no more") {
  Patient patient;  // of 64 records each: less than 16 are few
  auto store = patient.filled();
  const auto keys = patient.keys();
  const auto lower = [&](std::size_t place) { return decode_key(keys.at(place))->node_id; };
  WriteBatch removals;
  const std::map<std::size_t, NodeId> left = {{2, 9}, {3, 3},   {4, 20}, {5, 20},
                                              {8, 9}, {12, 20}, {13, 20}};
  for (const auto& [place, count] : left) {
    for (NodeId node = lower(place) + count; node < lower(place + 1); ++node) {
      value_of(removals.remove_exception({node, kProperty}));
    }
  }
  value_of(store.write(removals));
  value_of(store.flush());
  for (const std::size_t place : {2, 8, 12}) {  // a row beside the block
    value_of(store.store_exception({lower(place), kProperty}, exception_of(lower(place))));
  }
  value_of(store.flush());
  const auto records = value_of(store.count({}));
  REQUIRE(partitions_of(store) == keys.size());
  const auto rewritten = [&](std::size_t place) {
    patient.ailment->observer->on_rewrite_candidates(Family::primary, {{keys[place]}}, false);
    CHECK(value_of(mutator_of(store).rewrite_queued()));
    return partitions_of(store);
  };
  const std::string full = stored_under(*patient.backend, Family::primary, keys[9]);
  CHECK(rewritten(8) == keys.size());  // its neighbour is full
  CHECK(stored_under(*patient.backend, Family::primary, keys[9]) == full);
  CHECK(rewritten(12) == keys.size());     // it is not small
  CHECK(rewritten(2) == keys.size() - 2);  // with the next it still is, and then no more
  CHECK(value_of(store.count({})) == records);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("what a compaction points out is joined with its neighbours, or gone by then",
          "[damage]") {
  for (const bool last_too : {false, true}) {
    Patient patient;
    auto store = patient.open();
    const auto rewrite = [&](const std::vector<std::string>& keys) {
      patient.ailment->observer->on_rewrite_candidates(Family::primary, keys, false);
      while (value_of(mutator_of(store).rewrite_queued())) {
      }
    };
    rewrite({encode_key({7, 1})});  // nothing is stored yet
    store_nodes(store, kProperty, 0, kNodes, exception_of);
    value_of(store.flush());
    const auto keys = patient.keys();
    thin_out(store, keys, last_too);
    const auto records = value_of(store.count({}));
    REQUIRE(partitions_of(store) == keys.size());

    // One of them cannot be read: those beside it are left apart from it.
    patient.make_ill(6, ErrorCode::corruption);
    rewrite({keys[6]});
    rewrite({keys[5]});
    CHECK(patient.told_of("a bad place") == 1);
    CHECK(partitions_of(store) == keys.size());
    patient.ailment->places.clear();

    const auto rewrites = store.estimate_storage_statistics().rewrites;
    rewrite({encode_key({3, 0})});  // no partition begins there
    CHECK(store.estimate_storage_statistics().rewrites == rewrites);
    rewrite(keys);
    CHECK(partitions_of(store) < keys.size() * 2 / 3);
    rewrite(keys);  // half of them are no more
    CHECK(value_of(store.count({})) == records);
    CHECK(value_of(store.verify()).sound());
  }
}

}  // namespace caveat::test
