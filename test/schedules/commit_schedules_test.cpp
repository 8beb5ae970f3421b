// Schedules of writers: against a seal, against each other, a batch against readers.
#include <atomic>
#include <functional>

#include "test/schedules/scene.h"

namespace caveat::test {

namespace {

// A checked write that has decided waits, while another one of the same kind is made from its
// beginning to its end, and perhaps folded.
void write_while_it_waits(Scene& scene, const std::function<void()>& write, bool folded_between) {
  scene.director.hold_next_at(Point::checked_write_decided);
  Actor first(write);
  scene.held_at(Point::checked_write_decided);
  Actor second(write);
  second.join();
  if (folded_between) scene.expect("flush", scene.store().flush());
  scene.director.let_go(Point::checked_write_decided);
  first.join();
}

// A generation is sealed only after every writer that entered it has finished: what a writer has
// logged to it, a fold would drop from the log otherwise.
Faults writer_across_a_freeze(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.put(Scene::key(1), 1);
  scene.director.hold_next_at(Point::commit_logged);
  Actor writer([&] { scene.put(Scene::key(2), 2); });
  scene.held_at(Point::commit_logged);
  Actor freezer([&] { scene.expect("flush", scene.store().flush()); });
  freezer.give_time();
  scene.director.let_go(Point::commit_logged);
  writer.join();
  freezer.join();
  scene.expected = {{Scene::key(1), 1}, {Scene::key(2), 2}};
  scene.check_everywhere();
  return scene.faults();
}

// Two writers read a number and add one to it, both before either writes: one has to try again.
Faults two_conditional_writers(std::initializer_list<Fault> planted, bool folded_between) {
  Scene scene(planted);
  const ExceptionKey key = Scene::key(7);
  scene.put(key, 1);
  const auto add_one = [&] {
    for (;;) {
      const auto there = scene.store().retrieve_exception(key);
      if (!scene.expect("read", there)) return;
      const auto next = Scene::numbered(there->value().created_at / 86'400'000'000'000 + 1);
      const auto set = scene.store().compare_and_set(key, *there, next);
      if (!scene.expect("compare_and_set", set) || *set) return;
    }
  };
  write_while_it_waits(scene, add_one, folded_between);
  scene.expected = {{key, 3}};
  scene.check_everywhere();
  return scene.faults();
}

// Two find a record and erase it, both before either writes: one is told that nothing was there.
Faults two_who_erase(std::initializer_list<Fault> planted, bool folded_between) {
  Scene scene(planted);
  const ExceptionKey key = Scene::key(7);
  scene.fill(0, 40, 1);
  std::atomic<int> told{0};
  const auto erase = [&] {
    const auto erased = scene.store().erase_exception(key);
    if (scene.expect("erase", erased) && *erased) ++told;
  };
  write_while_it_waits(scene, erase, folded_between);
  scene.need(told == 1, "a record was erased twice");
  scene.expected.erase(key);
  scene.check_everywhere();
  return scene.faults();
}

// Two blind writers that are logged as one group: whoever comes second wins, now and after a crash.
Faults two_blind_writers(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.director.hold_next_at(Point::commit_logged);
  Actor leader([&] { scene.put(Scene::key(1), 1); });
  scene.held_at(Point::commit_logged);
  // They queue up behind the leader, in this order.
  Actor first([&] { scene.put(Scene::key(7), 10); });
  first.give_time();
  Actor second([&] { scene.put(Scene::key(7), 20); });
  second.give_time();
  scene.director.let_go(Point::commit_logged);
  leader.join();
  first.join();
  second.join();
  scene.expected = {{Scene::key(1), 1}, {Scene::key(7), 20}};
  scene.check_everywhere();
  return scene.faults();
}

// While a bulk load is half in memory nobody sees any of it; a single write that comes in between
// is later than all of it.
Faults bulk_against_singles(std::initializer_list<Fault> planted) {
  Scene scene(planted);
  scene.fill(0, 40, 1);
  scene.director.hold_next_at(Point::rows_inserting);
  Actor bulk([&] {
    std::vector<ExceptionRecord> records;
    for (NodeId node = 0; node < 80; ++node) {
      records.push_back({Scene::key(node), Scene::numbered(2)});
    }
    scene.expect("bulk", scene.store().bulk_store(records));
  });
  scene.held_at(Point::rows_inserting);
  Actor single([&] { scene.put(Scene::key(3), 3); });
  single.give_time();
  scene.check("a bulk load half in memory", scene.store());  // as before it
  scene.director.let_go(Point::rows_inserting);
  bulk.join();
  single.join();
  for (NodeId node = 0; node < 80; ++node) scene.expected[Scene::key(node)] = 2;
  scene.expected[Scene::key(3)] = 3;
  scene.check_everywhere();
  return scene.faults();
}

}  // namespace

TEST_CASE("schedule: a writer across a freeze", "[schedule][threads]") {
  prove(writer_across_a_freeze, {Fault::seal_overtakes_writers});
}

TEST_CASE("schedule: two writers of one key", "[schedule][threads]") {
  prove([](auto planted) { return two_conditional_writers(planted, false); },
        {Fault::checked_write_sees_no_change});
  prove([](auto planted) { return two_conditional_writers(planted, true); },
        {Fault::checked_write_forgets_folds});
  prove([](auto planted) { return two_who_erase(planted, false); },
        {Fault::checked_write_sees_no_change});
  prove([](auto planted) { return two_who_erase(planted, true); },
        {Fault::checked_write_forgets_folds});
  prove(two_blind_writers, {Fault::group_logged_backwards});
}

TEST_CASE("schedule: a bulk load against single writes", "[schedule][threads]") {
  prove(bulk_against_singles, {Fault::rows_visible_early});
}

}  // namespace caveat::test
