// Schedules of the fold: against writers, clears, filters, a purge of hints, and crashes.
#include <algorithm>

#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

// A fold begins while a generation is being sealed: it sees the version before, and waits for
// nothing, or the one behind the seal, and finds all that it folds sealed.
Faults fold_during_a_seal(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  const auto all_sealed = [&] {
    const auto version = scene.store().engine().core().versions.current();
    const auto& generations = version->generations;
    return std::all_of(generations.begin() + 1, generations.end(),
                       [](const auto& generation) { return generation->sealed(); });
  };
  const auto begun_with_sealed = [&] {
    scene.need(all_sealed(), "a fold has begun with what is not sealed");
  };
  for (std::int64_t number = 1; number <= 3; ++number) {
    for (NodeId node = 0; node < 40; ++node) {
      scene.put(Scene::key(node), number);
      scene.expected[Scene::key(node)] = number;
    }
    scene.director.hold_next_at(Point::generation_sealing);
    Actor sealer([&] { scene.expect("flush", scene.store().flush()); });
    scene.held_at(Point::generation_sealing);
    scene.director.hold_next_at(Point::fold_begun);
    Actor fold([&] { scene.expect("fold", scene.store().engine().mutator().fold_next()); });
    if (planted.size() == 0) {
      fold.give_time();
    } else {
      scene.held_at(Point::fold_begun);
    }
    // Else it waits for the version, and nobody could look at that.
    if (scene.director.holds_one_at(Point::fold_begun)) begun_with_sealed();
    scene.director.let_go(Point::generation_sealing);
    scene.held_at(Point::fold_begun);
    if (planted.size() == 0) begun_with_sealed();
    while (!all_sealed()) std::this_thread::yield();  // the fold itself asserts it
    scene.director.let_go(Point::fold_begun);
    sealer.join();
    fold.join();
    scene.check("after the fold", scene.store());
  }
  scene.check_everywhere();
  return scene.faults();
}

// The row that is being folded is written anew, another one is removed: both are newer than what
// the fold drops.
Faults overwrite_during_the_fold(std::initializer_list<Fault> planted) {
  Scene scene(planted, Scene::in_background());
  scene.fill(0, 40, 1);
  for (NodeId node = 0; node < 40; node += 4) {
    scene.put(Scene::key(node), 2);
    scene.expected[Scene::key(node)] = 2;
  }
  for (const Point point : {Point::fold_begun, Point::chunk_written, Point::fold_committed}) {
    scene.director.hold_next_at(point);
    Actor fold([&] { scene.expect("flush", scene.store().flush()); });
    scene.held_at(point);
    scene.put(Scene::key(4), 3 + static_cast<int>(point));
    scene.expect("remove", scene.store().remove_exception(Scene::key(8)));
    scene.expected[Scene::key(4)] = 3 + static_cast<int>(point);
    scene.expected.erase(Scene::key(8));
    scene.check("while a fold is under way", scene.store());
    scene.check_crashed("a crash while a fold is under way");
    scene.director.let_go(point);
    fold.join();
    scene.check("after the fold", scene.store());
    scene.check_crashed("a crash after the fold");
    scene.put(Scene::key(8), 1);
    scene.expected[Scene::key(8)] = 1;
  }
  scene.check_everywhere();
  return scene.faults();
}

// A node is cleared while its rows are folded, and written to after that: what came before the
// clear is gone, what came behind it stays, whatever is folded when.
Faults clear_against_stores(std::initializer_list<Fault> planted) {
  Scene scene(planted, Scene::in_background());
  scene.fill(0, 40, 1);
  scene.put(Scene::key(5, 1), 2);
  scene.put(Scene::key(6, 1), 2);
  scene.director.hold_next_at(Point::fold_begun);
  Actor fold([&] { scene.expect("flush", scene.store().flush()); });
  scene.held_at(Point::fold_begun);
  scene.director.hold_next_at(Point::commit_logged);
  Actor clearer([&] { scene.expect("clear", scene.store().clear_node(5)); });
  scene.held_at(Point::commit_logged);
  // Behind the clear in the queue.
  Actor writer([&] { scene.put(Scene::key(5, 2), 3); });
  writer.give_time();
  scene.director.let_go(Point::commit_logged);
  clearer.join();
  writer.join();
  scene.expected[Scene::key(6, 1)] = 2;
  scene.expected.erase(Scene::key(5));
  scene.expected[Scene::key(5, 2)] = 3;
  scene.check("a clear while a fold is under way", scene.store());
  scene.director.let_go(Point::fold_begun);
  fold.join();
  scene.check_everywhere();
  const auto optimized = scene.store().optimize_storage();
  scene.expect("optimize", optimized);
  scene.check_everywhere();
  return scene.faults();
}

// A filter says no with authority, so it has to know of a row before the delta forgets it.
Faults filter_against_the_fold(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.fill(0, 400, 1);
  scene.put(Scene::key(1000), 2);  // few rows, which are appended
  scene.expected[Scene::key(1000)] = 2;
  for (const Point point : {Point::chunk_written, Point::fold_committed}) {
    scene.director.hold_next_at(point);
    Actor fold([&] { scene.expect("flush", scene.store().flush()); });
    scene.held_at(point);
    scene.check("while a fold is under way", scene.store());
    scene.director.let_go(point);
    fold.join();
    scene.check("after the fold", scene.store());
    scene.put(Scene::key(2000), 3);
    scene.expected[Scene::key(2000)] = 3;
  }
  scene.check_everywhere();
  return scene.faults();
}

// Filters are made of partitions that a fold wants to append to meanwhile.
Faults new_filters_against_the_fold(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.fill(0, 400, 1);
  scene.reopen();  // no page of the directory was written: no filters
  scene.director.hold_next_at(Point::filters_made);
  Actor maker([&] { scene.expect("filters", scene.store().engine().mutator().build_filters()); });
  scene.held_at(Point::filters_made);
  scene.put(Scene::key(1000), 2);
  scene.expected[Scene::key(1000)] = 2;
  Actor fold([&] { scene.expect("flush", scene.store().flush()); });
  fold.give_time();
  scene.director.let_go(Point::filters_made);
  maker.join();
  fold.join();
  scene.check_everywhere();
  return scene.faults();
}

// Posting containers are written anew, without stale hints, while a fold has new ones for them.
Faults purge_against_the_fold(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.fill(0, 200, 1);
  for (std::int64_t number = 2; number < 5; ++number) scene.fill(0, 200, number);
  scene.director.hold_next_at(Point::postings_merged);
  Actor purge([&] { scene.expect("optimize", scene.store().optimize_storage()); });
  scene.held_at(Point::postings_merged);
  for (NodeId node = 0; node < 200; node += 50) {
    scene.put(Scene::key(node, 1), 9);
    scene.expected[Scene::key(node, 1)] = 9;
  }
  Actor fold([&] { scene.expect("flush", scene.store().flush()); });
  fold.give_time();
  scene.director.let_go(Point::postings_merged);
  purge.join();
  fold.join();
  scene.check_everywhere();
  return scene.faults();
}

// A crash behind every write of a fold; what is left is opened, checked, and folded again.
Faults crash_after_every_chunk(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  constexpr NodeId kNodes = 1500;
  const auto images = std::make_shared<KeepsImages::Images>();
  const auto memory = shared_memory_backend();
  auto opened =
      StorageOptimizer::open(std::make_unique<KeepsImages>(memory, images), Scene::own_options());
  if (!scene.expect("open", opened)) return scene.faults();
  // Into an empty store; then into partitions, with a clear and large rows, so that there are
  // chunks.
  for (const std::int64_t number : {1, 2}) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < kNodes; node += static_cast<NodeId>(number)) {
      records.push_back({Scene::key(node), Scene::numbered(number)});
      records.back().exception.inherited_value = std::string(700, 'x') + std::to_string(node);
    }
    scene.expect("bulk", opened->bulk_store(records));
    scene.expect("clear", opened->clear_node(4));
    scene.expect("store", opened->store_exception(Scene::key(4, 1), Scene::numbered(number)));
    images->after.clear();
    images->keep = true;
    scene.expect("flush", opened->flush());
    images->keep = false;
    scene.need(images->after.size() > 4, "the fold made no chunks");
    const auto contents = [&](StorageOptimizer& store) {
      std::vector<ExceptionRecord> found;
      auto cursor = store.query(Query{});
      if (!scene.expect("query", cursor)) return found;
      for (;;) {
        const auto next = cursor->next();
        if (!scene.expect("query", next) || *next == nullptr) return found;
        found.push_back((*next)->to_record());
      }
    };
    const auto wanted = contents(*opened);
    scene.need(wanted.size() == kNodes, "the store itself is not whole");
    for (const auto& image : images->after) {
      auto crashed =
          StorageOptimizer::open(std::make_unique<BackendDouble>(image), Scene::own_options());
      if (!scene.expect("open", crashed)) continue;
      scene.need(contents(*crashed) == wanted, "a crash between two chunks changed the store");
      scene.expect("fold again", crashed->flush());
      scene.need(contents(*crashed) == wanted, "folding again changed the store");
      const auto verified = crashed->verify();
      if (scene.expect("verify", verified)) {
        scene.need(verified->sound(), "folding again left a store that is not sound");
      }
    }
  }
  return scene.faults();
}

// Of a large fold hints and rows are several batches: a crash between two of them may leave hints
// too many, and none too few, for the fold that comes again sees the rows and adds nothing.
Faults crash_between_hints_and_rows(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  constexpr NodeId kNodes = 9'000;  // more hints than one batch takes
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < kNodes; ++node) {
    records.push_back({Scene::key(node), Scene::numbered(static_cast<std::int64_t>(node))});
  }
  scene.expect("bulk", scene.store().bulk_store(records));
  scene.director.hold_next_at(Point::chunk_written);
  Actor fold([&] { scene.expect("flush", scene.store().flush()); });
  scene.held_at(Point::chunk_written);
  auto crashed = StorageOptimizer::open(std::make_unique<BackendDouble>(image_of(scene.backend())),
                                        scene.options());
  scene.director.let_go(Point::chunk_written);
  fold.join();
  if (!scene.expect("open", crashed)) return scene.faults();
  scene.expect("flush", crashed->flush());
  for (StorageOptimizer* store : {&scene.store(), &*crashed}) {
    const auto verified = store->verify();
    if (!scene.expect("verify", verified)) return scene.faults();
    for (const auto& error : verified->errors) scene.fault("verify: " + error);
    scene.need(verified->missing_hints == 0, "hints are missing");
    const auto count = store->count({});
    scene.need(count.has_value() && *count == kNodes, "records are missing");
  }
  return scene.faults();
}

}  // namespace

TEST_CASE("schedule: a crash between hints and rows of a large fold", "[schedule][threads]") {
  prove(crash_between_hints_and_rows, {Fault::hints_after_chunks});
}

TEST_CASE("schedule: a fold begins while a generation is being sealed", "[schedule][threads]") {
  prove(fold_during_a_seal, {Fault::seal_shown_first});
}

TEST_CASE("schedule: an overwrite during the fold of the old row", "[schedule][threads]") {
  prove(overwrite_during_the_fold, {Fault::fold_drops_too_much});
}

TEST_CASE("schedule: clear_node against concurrent stores", "[schedule][threads]") {
  prove(clear_against_stores, {Fault::fold_claims_later_clears, Fault::fold_claims_no_clears});
}

TEST_CASE("schedule: filter against fold", "[schedule][threads]") {
  prove(filter_against_the_fold, {Fault::fold_forgets_filter});
  prove(new_filters_against_the_fold, {Fault::fold_takes_no_lock});
}

TEST_CASE("schedule: purge of hints against a fold", "[schedule][threads]") {
  prove(purge_against_the_fold, {Fault::fold_takes_no_lock});
}

TEST_CASE("schedule: a crash after every chunk of a fold, and folding again", "[schedule]") {
  prove(crash_after_every_chunk, {Fault::log_dropped_first});
}

}  // namespace caveat::test
