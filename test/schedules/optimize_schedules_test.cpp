// Schedules of optimize_storage.
#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

// Two at once: the second trains a dictionary of its own, and drops what no block names any more
// but those that the first is still going to write.
Faults optimize_beside_optimize(std::initializer_list<Fault> planted) {
  Options options = Scene::own_options();
  options.compression = CompressionAlgorithm::Zstd;
  options.dictionary_bytes = 4096;
  options.partition_records = 64;
  Scene scene(planted, options);
  constexpr NodeId kNodes = 1'000;
  std::vector<ExceptionRecord> records;
  for (NodeId node = 0; node < kNodes; ++node) {
    const auto number = static_cast<std::int64_t>(node * node % 211);
    records.push_back({Scene::key(node), Scene::numbered(number)});
    scene.expected[Scene::key(node)] = number;
  }
  scene.expect("bulk", scene.store().bulk_store(records));
  const auto optimize = [&] {
    const auto done = scene.store().optimize_storage();
    if (scene.expect("optimize", done)) {
      scene.need(done->dictionaries_trained == 1, "no dictionary was trained");
    }
  };
  scene.director.hold_next_at(Point::optimize_trained);
  Actor first(optimize);
  scene.held_at(Point::optimize_trained);
  Actor second(optimize);
  if (planted.size() == 0) {
    second.give_time();
    scene.need(!second.done(), "a second optimize did not wait for the first");
  } else {
    second.join();
  }
  scene.director.let_go(Point::optimize_trained);
  first.join();
  second.join();
  scene.check_everywhere();
  return scene.faults();
}

}  // namespace

TEST_CASE("schedule: an optimize beside another one", "[schedule][threads]") {
  prove(optimize_beside_optimize, {Fault::optimizes_side_by_side});
}

}  // namespace caveat::test
