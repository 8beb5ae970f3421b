// What the backend tells from its own threads: queued, told and woken for, whatever it is.
#include "engine/maintenance/rewrite_queue.h"

#include <catch2/catch.hpp>
#include <new>

#include "engine/partition/container.h"

namespace caveat::test {

namespace {

class Lines final : public LogSink {
 public:
  void on_event(const LogEvent& event) noexcept override { lines.push_back(to_logfmt(event)); }
  std::vector<std::string> lines;
};

struct Queue {
  int woken = 0;
  bool out_of_memory = false;
  std::vector<std::string> errors;
  std::vector<std::string> damage;
  Lines lines;
  EventLog log{&lines};
  RewriteQueue queue{[this] { ++woken; },
                     [this](const StorageError& error) { keep(errors, error); },
                     [this](const StorageError& error) { keep(damage, error); }, log};

 private:
  void keep(std::vector<std::string>& in, const StorageError& error) const {
    if (out_of_memory) throw std::bad_alloc();
    in.push_back(error.message());
  }
};

const StorageError kBad(ErrorCode::corruption, "bad block");

std::string container(std::string_view behind_header) {
  std::string bytes;
  append_container_header(1, bytes);
  return bytes.append(behind_header);
}

std::string run(std::size_t rows) {
  const std::vector<std::string_view> encoded(rows, "row");
  std::string bytes;
  append_run(encoded, 1, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("a stall is told when it changes, and how far it goes") {
  Queue q;
  for (const StallState state : {StallState::normal, StallState::delayed, StallState::delayed,
                                 StallState::stopped, StallState::normal}) {
    q.queue.on_stall(state);
    CHECK(q.queue.stall() == state);
  }
  REQUIRE(q.lines.lines.size() == 3);
  CHECK_THAT(q.lines.lines[0], Catch::Contains("stall_begin") && Catch::Contains("stopped=false"));
  CHECK_THAT(q.lines.lines[1], Catch::Contains("stall_begin") && Catch::Contains("stopped=true"));
  CHECK_THAT(q.lines.lines[2], Catch::Contains("stall_end"));
}

TEST_CASE("errors and damage of the backend are told, and never thrown back at it") {
  Queue q;
  q.queue.on_background_error(kBad);
  CHECK(q.errors == std::vector<std::string>{"bad block"});
  q.queue.on_family_damaged(Family::primary, kBad);
  CHECK(q.damage == std::vector<std::string>{"bad block"});
  // An index is marked by the mutator, which is woken for it.
  q.queue.on_family_damaged(Family::source, kBad);
  CHECK(q.damage.size() == 1);
  CHECK(q.woken == 1);
  const auto taken = q.queue.take_damaged();
  REQUIRE(taken.size() == 1);
  CHECK(taken[0].first == Family::source);
  CHECK(q.queue.take_damaged().empty());
  // A host that runs out of memory meanwhile.
  q.out_of_memory = true;
  q.queue.on_background_error(kBad);
  q.queue.on_family_damaged(Family::primary, kBad);
  CHECK(q.woken == 2);
}

TEST_CASE("containers that wait for a rewrite are queued once each, and foreign keys never") {
  Queue q;
  const std::vector<std::string> keys = {encode_key({7, 1}), "no key", encode_key({3, 1}),
                                         encode_key({7, 1})};
  q.queue.on_rewrite_candidates(Family::primary, keys, false);
  const std::vector<std::string> containers = {"a", "b", "a"};
  q.queue.on_rewrite_candidates(Family::temporal, containers, true);
  q.queue.add_partition({5, 1});
  CHECK(q.woken == 3);
  CHECK(q.queue.size() == 5);
  CHECK(q.queue.take_partitions(2) == std::vector<ExceptionKey>{{3, 1}, {5, 1}});
  CHECK(q.queue.take_partitions(2) == std::vector<ExceptionKey>{{7, 1}});
  CHECK(q.queue.take_partitions(2).empty());
  CHECK(q.queue.take_index_containers().size() == 2);
  CHECK(q.queue.size() == 0);
}

TEST_CASE("of values that are written out those with long runs are wanted, and no damaged ones") {
  const Queue q;
  const auto wanted = [&](const std::string& value) {
    return q.queue.needs_rewrite(Family::primary, "", value);
  };
  CHECK(wanted(container(run(kLongRunRows))));
  CHECK(wanted(container(run(kLongRunRows / 2) + run(kLongRunRows / 2))));
  CHECK_FALSE(wanted(container(run(kLongRunRows - 1))));
  CHECK_FALSE(wanted(container("")));
  CHECK_FALSE(wanted(""));
  CHECK_FALSE(wanted("a value that is no container"));
  CHECK_FALSE(wanted(container("neither a block nor a run, and long enough to be either of them")));
  CHECK_FALSE(wanted(container(run(kLongRunRows) + "and something behind it")));
  CHECK_FALSE(wanted(container("CVBK")));
  CHECK_FALSE(q.queue.needs_rewrite(Family::meta, "", container(run(kLongRunRows))));
}

}  // namespace caveat::test
