// Schedules of readers: against all that moves rows, against caches, against a rebuild; and opening
// a store that holds what cannot be read.
#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

using Step = std::function<void(Scene&)>;

void fold(Scene& scene) {
  for (NodeId node = 0; node < 100; node += 7) scene.put(Scene::key(node), 2);
  scene.expect("flush", scene.store().flush());
}
void rewrite(Scene& scene) {
  for (NodeId node = 0; node < 100; ++node) scene.put(Scene::key(node), 2);
  scene.expect("optimize", scene.store().optimize_storage());
}
void split(Scene& scene) {
  const auto before = scene.store().estimate_storage_statistics().splits;
  scene.fill(0, 100, 3, 1);  // as many rows again, between the others
  const auto splits = scene.store().estimate_storage_statistics().splits;
  scene.need(splits > before, "no partition was split");
}
void join(Scene& scene) {
  for (NodeId node = 0; node < 100; ++node) {
    if (node % 10 != 0) scene.expect("clear", scene.store().clear_node(node));
  }
  const auto before = scene.store().estimate_storage_statistics().joins;
  scene.expect("flush", scene.store().flush());
  scene.expect("optimize", scene.store().optimize_storage());
  const auto joins = scene.store().estimate_storage_statistics().joins;
  scene.need(joins > before, "no partitions were joined");
}

// Readers that have begun go on seeing what they began with, whatever becomes of the partitions.
Faults reader_across(std::initializer_list<Fault> planted, const Step& step) {
  Scene scene(planted);
  scene.options().cache_bytes = 1;  // partitions are read from the backend each time
  scene.reopen();
  scene.fill(0, 100, 1);
  const auto before = scene.expected;
  const Snapshot snapshot = scene.store().snapshot();
  auto cursor = scene.store().query(Query{});
  if (!scene.expect("query", cursor)) return scene.faults();
  std::size_t seen = 0;
  for (; seen < 10; ++seen) scene.expect("cursor", cursor->next());
  // A point read that knows its partition, and has not read it.
  scene.director.hold_next_at(Point::partition_located);
  Actor reader([&] {
    const auto there = scene.store().retrieve_exception(Scene::key(99));
    if (scene.expect("point read", there)) {
      scene.need(*there == Scene::numbered(1), "a point read does not see what it began with");
    }
  });
  scene.held_at(Point::partition_located);
  step(scene);
  scene.director.let_go(Point::partition_located);
  reader.join();
  for (;;) {
    const auto next = cursor->next();
    if (!scene.expect("cursor", next) || *next == nullptr) break;
    scene.need((*next)->to_record().exception == Scene::numbered(1), "a cursor sees a later row");
    ++seen;
  }
  scene.need(seen == before.size(), "a cursor saw " + std::to_string(seen) + " records");
  scene.check("a snapshot", scene.store(), before, &snapshot);
  return scene.faults();
}

// A cursor is held while everything under it is written anew: writers do not wait for it,
// statistics tell what it keeps, and nothing is kept once it has ended.
Faults stalled_reader(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.fill(0, 200, 1);
  const auto pinned = [&](bool held, const std::string& when) {
    const auto s = scene.store().estimate_storage_statistics();
    scene.need((s.open_views > 0) == held, when + ": open cursors are not counted");
    scene.need((s.pinned_versions > 0) == held, when + ": versions held are not counted");
    scene.need((s.pinned_memory_bytes > 0) == held, when + ": memory held is not reported");
    scene.need((s.pinned_stored_bytes > 0) == held, when + ": files held are not reported");
  };
  pinned(false, "without a reader");
  {
    auto cursor = scene.store().query(Query{});
    if (!scene.expect("query", cursor)) return scene.faults();
    scene.expect("cursor", cursor->next());
    for (std::int64_t number = 2; number < 5; ++number) scene.fill(0, 200, number);
    scene.check("beside a reader", scene.store());
    pinned(true, "with a reader that stalls");
    std::size_t seen = 1;
    for (;; ++seen) {
      const auto next = cursor->next();
      if (!scene.expect("cursor", next) || *next == nullptr) break;
      scene.need((*next)->to_record().exception == Scene::numbered(1), "a cursor sees a later row");
    }
    scene.need(seen == 200, "a cursor saw " + std::to_string(seen) + " records");
  }
  pinned(false, "without the reader");
  return scene.faults();
}

// A reader decodes a partition; before it caches that, the partition changes and the cache forgets
// it. What the reader puts there then must not be seen.
Faults late_fill(std::initializer_list<Fault> planted, Point fill) {
  Scene scene(planted);
  scene.fill(0, 100, 1);
  scene.reopen();  // nothing is cached
  const ExceptionKey key = Scene::key(50);
  if (fill == Point::record_cache_fill) {
    scene.expect("touch", scene.store().retrieve_exception(key));
    scene.store().engine().core().block_cache.clear();
  }
  scene.director.hold_next_at(fill);
  Actor reader([&] { scene.expect("read", scene.store().retrieve_exception(key)); });
  scene.held_at(fill);
  for (NodeId node = 48; node < 53; ++node) scene.put(Scene::key(node), 2);
  scene.expect("flush", scene.store().flush());
  for (NodeId node = 48; node < 53; ++node) scene.expected[Scene::key(node)] = 2;
  scene.director.let_go(fill);
  reader.join();
  scene.check_everywhere();
  return scene.faults();
}

// While families are written anew, and after a crash in the middle of it, queries are right.
Faults queries_during_a_rebuild(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  for (std::uint64_t which = 0; which < 3; ++which) scene.fill(0, 100, 1, which);
  for (int writes = 0; writes < 2; ++writes) {
    scene.director.hold_next_at(Point::rebuild_writing);
    Actor rebuild([&] { scene.expect("rebuild", scene.store().rebuild_indexes()); });
    scene.held_at(Point::rebuild_writing);
    scene.put(Scene::key(7, 5), 8 + writes);
    scene.expected[Scene::key(7, 5)] = 8 + writes;
    scene.check("while a rebuild is under way", scene.store());
    // The families as the rebuild leaves them in the middle: emptied, if the worst comes.
    KvBatch none;
    for (const Family family : kIndexFamilies) {
      none.erase_range(family, {}, std::string(64, '\xFF'));
    }
    const auto torn = image_of(scene.backend());
    scene.expect("crash", torn->write(none, Durability::wal));
    auto crashed = StorageOptimizer::open(std::make_unique<BackendDouble>(torn), scene.options());
    if (scene.expect("open", crashed)) scene.check("a crash during a rebuild", *crashed);
    scene.director.let_go(Point::rebuild_writing);
    rebuild.join();
    scene.check_everywhere();
  }
  return scene.faults();
}

// Families that were left incomplete miss the hints of later folds. Once they are complete, queries
// look at what the rebuild has written.
Faults queries_after_a_rebuild(std::initializer_list<Fault> planted) {
  struct Stops final : ProgressSink {
    bool on_progress(const Progress& now) override { return now.stage != "write indexes"; }
  } stops;
  Scene scene(planted);
  scene.fill(0, 100, 1);
  const auto stopped = scene.store().rebuild_indexes(&stops);
  scene.need(!stopped, "a rebuild was not stopped");
  scene.fill(0, 100, 2, 1);
  scene.check("with incomplete families", scene.store());
  scene.expect("rebuild", scene.store().rebuild_indexes());
  scene.check_everywhere();
  return scene.faults();
}

// A damaged block does not keep a store from opening, and is met by its own keys alone.
Faults damaged_block_in_recovery(std::initializer_list<Fault> planted, bool in_its_header) {
  Scene scene(planted);
  scene.fill(0, 100, 1);
  scene.put(Scene::key(7), 2);  // in the log
  const auto image = image_of(scene.backend());
  auto it = image->iterate(Family::primary, nullptr, false);
  if (!scene.expect("iterate", it)) return scene.faults();
  (*it)->seek_to_first();
  (*it)->next();
  const std::string key((*it)->key());
  std::string container((*it)->value());
  char& byte = in_its_header ? container.front() : container[container.size() / 2];
  byte = static_cast<char>(byte ^ 0x40);
  KvBatch damage;
  damage.put(Family::primary, key, container);
  scene.expect("damage", image->write(damage, Durability::wal));
  auto opened = StorageOptimizer::open(std::make_unique<BackendDouble>(image), scene.options());
  if (!scene.expect("open", opened)) return scene.faults();
  std::size_t sound = 0, refused = 0;
  for (NodeId node = 0; node < 100; ++node) {
    const auto there = opened->retrieve_exception(Scene::key(node));
    if (!there) {
      ++refused;
      scene.need(there.error().code() == ErrorCode::corruption, "damage is called something else");
      continue;
    }
    ++sound;
    scene.need(*there == Scene::numbered(node == 7 ? 2 : 1), "damage gave another record");
  }
  scene.need(refused > 0 && sound >= 100 - 2 * 16, "damage is not met by its own keys alone");
  return scene.faults();
}

// Blocks of a codec that is not registered: the store opens, replays its log, and folds beside
// them; with the codec everything is there.
Faults missing_codec_in_recovery(std::initializer_list<Fault> planted) {
  class Plain final : public CustomCompressor {
   public:
    std::string_view name() const noexcept override { return "plain"; }
    Result<void> compress(std::string_view raw, const CompressionDictionary*,
                          std::string& out) const override {
      out += raw;
      return {};
    }
    Result<void> decompress(std::string_view stored, const CompressionDictionary*,
                            std::span<char> out) const override {
      if (stored.size() != out.size()) return fail(ErrorCode::corruption, "plain: size");
      std::copy(stored.begin(), stored.end(), out.begin());
      return {};
    }
  };
  Options with_codec = Scene::own_options();
  with_codec.compression = CompressionAlgorithm::Custom;
  with_codec.custom_codec_id = 200;
  with_codec.custom_codecs.emplace_back(200, std::make_shared<Plain>());
  Scene scene(planted, with_codec);
  scene.fill(0, 100, 1);
  for (NodeId node = 0; node < 100; node += 3) {  // in the log, and worth a rewrite
    scene.put(Scene::key(node), 2);
    scene.expected[Scene::key(node)] = 2;
  }
  scene.options() = Scene::own_options();
  scene.reopen();
  for (NodeId node = 0; node < 100; node += 3) {
    const auto there = scene.store().retrieve_exception(Scene::key(node));
    scene.expect("of the log", there);
  }
  const auto missing = scene.store().retrieve_exception(Scene::key(1));
  scene.need(!missing && missing.error().code() == ErrorCode::codec_missing,
             "a missing codec is not called so");
  scene.expect("flush", scene.store().flush());
  scene.put(Scene::key(500), 5);
  scene.expected[Scene::key(500)] = 5;
  scene.expect("flush", scene.store().flush());
  scene.options() = with_codec;
  scene.reopen();
  scene.check_everywhere();
  return scene.faults();
}

}  // namespace

TEST_CASE("schedule: a reader across fold, rewrite, split and join", "[schedule][threads]") {
  for (const auto& step : {fold, rewrite, split, join}) {
    prove([&](auto planted) { return reader_across(planted, step); },
          {Fault::readers_ignore_snapshots});
  }
}

TEST_CASE("schedule: a stalled reader", "[schedule][threads]") {
  prove(stalled_reader, {Fault::held_versions_uncounted});
}

TEST_CASE("schedule: a cache fill after its invalidation", "[schedule][threads]") {
  for (const Point fill : {Point::block_cache_fill, Point::record_cache_fill}) {
    prove([&](auto planted) { return late_fill(planted, fill); }, {Fault::caches_ignore_versions});
  }
}

TEST_CASE("schedule: rebuild with queries", "[schedule][threads]") {
  prove(queries_during_a_rebuild, {Fault::rebuild_unmarked});
  prove(queries_after_a_rebuild, {Fault::rebuild_shows_old_snapshot});
}

TEST_CASE("schedule: a damaged block or a missing codec during recovery", "[schedule]") {
  prove([](auto planted) { return damaged_block_in_recovery(planted, false); }, {});
  prove([](auto planted) { return damaged_block_in_recovery(planted, true); },
        {Fault::recovery_refuses_damage});
  prove(missing_codec_in_recovery, {Fault::fold_stops_at_unreadable});
}

}  // namespace caveat::test
