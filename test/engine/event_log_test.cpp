// What a store tells its operator: each event when the thing happens, and once.
#include <array>
#include <mutex>

#include "engine/store/engine.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

// Keeps every event as a line.
class Lines final : public LogSink {
 public:
  explicit Lines(Severity least = Severity::debug) : least_(least) {}
  [[nodiscard]] Severity least() const noexcept override { return least_; }
  void on_event(const LogEvent& event) noexcept override {
    const std::lock_guard lock(mutex_);
    lines_.push_back(to_logfmt(event));
  }
  // Of an event, by its name.
  [[nodiscard]] std::vector<std::string> of(const std::string& event) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> found;
    for (const auto& line : lines_) {
      if (line.find(" event=" + event + " ") != std::string::npos) found.push_back(line);
    }
    return found;
  }
  [[nodiscard]] std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return lines_.size();
  }

 private:
  const Severity least_;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

class SetClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ns() const noexcept override { return now; }
  std::atomic<std::int64_t> now{1'700'000'000'000'000'000};
};

Exception plain(std::int64_t value) {
  Exception exception;
  exception.actual_value = value;
  return exception;
}

// Fails folds: writes to partitions.
class FailsFolds final : public BackendDouble {
 public:
  explicit FailsFolds(std::shared_ptr<std::atomic<bool>> failing)
      : BackendDouble(shared_memory_backend()), failing_(std::move(failing)) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    for (std::size_t i = 0; *failing_ && i < batch.count(); ++i) {
      if (batch.entry(i).family == Family::primary) {
        return fail(ErrorCode::no_space, "primary: the disk is full");
      }
    }
    return BackendDouble::write(batch, durability);
  }
  void set_observer(KvObserver* observer) override {
    observer_ = observer;
    BackendDouble::set_observer(observer);
  }
  static KvObserver* observer_;

 private:
  std::shared_ptr<std::atomic<bool>> failing_;
};
KvObserver* FailsFolds::observer_ = nullptr;

}  // namespace

TEST_CASE("an event is one line of logfmt, whatever is in it", "[log]") {
  const std::array<LogField, 6> fields = {{{"name", std::string_view("a \"b\"\n\\ \x01=")},
                                           {"empty", std::string_view()},
                                           {"word", std::string_view("x/y")},
                                           {"bytes", std::uint64_t{12}},
                                           {"seconds", 0.25},
                                           {"yes", true}}};
  const LogEvent event{Severity::warning, "writes", "stall_begin", "writers wait", fields};
  CHECK(to_logfmt(event) ==
        "level=warning component=writes event=stall_begin msg=\"writers wait\" "
        "name=\"a \\\"b\\\"\\n\\\\ \\x01=\" empty=\"\" word=x/y bytes=12 seconds=0.25 yes=true");
}

TEST_CASE("opening, folding, maintenance and closing are events with figures", "[log]") {
  Lines lines;
  Options options;
  options.log_sink = &lines;
  options.background_maintenance = false;
  TestStore store(Backend::rocksdb, options);
  for (NodeId node = 0; node < 10; ++node) {
    value_of(store->store_exception({node, 1}, plain(1)));
  }
  value_of(store->flush());
  value_of(store->optimize_storage());
  value_of(store->compact_storage());
  value_of(store->rebuild_indexes());
  CHECK(lines.of("opened").size() == 1);
  REQUIRE(lines.of("fold_done").size() == 1);
  CHECK(lines.of("fold_done")[0].find(" rows=10 generations=1 ") != std::string::npos);
  for (const char* event : {"optimize_done", "compact_done", "rebuild_done"}) {
    INFO(event);
    CHECK(lines.of(event).size() == 1);
  }
  store.reopen();
  CHECK(lines.of("closed").size() == 1);
  REQUIRE(lines.of("opened").size() == 2);
  CHECK(lines.of("opened")[1].find(" records=10 ") != std::string::npos);
}

TEST_CASE("a value that is no plain word is quoted, and its control characters are told", "[log]") {
  const std::pair<const char*, const char*> values[] = {{"word", "word"},
                                                        {"", "\"\""},
                                                        {"two words", "\"two words\""},
                                                        {"a=b", "\"a=b\""},
                                                        {"a\"b", R"("a\"b")"},
                                                        {"a\\b", R"("a\\b")"},
                                                        {"\x7f", R"("\x7f")"},
                                                        {"\n", R"("\n")"},
                                                        {"\x01", R"("\x01")"},
                                                        {"\xc3\xa4", "\"\xc3\xa4\""}};
  for (const auto& [value, written] : values) {
    const std::array<LogField, 1> fields = {{{"key", std::string_view(value)}}};
    const LogEvent event{Severity::debug, "c", "e", "m", fields};
    CHECK(to_logfmt(event) == std::string("level=debug component=c event=e msg=m key=") + written);
  }
  CHECK(to_string(static_cast<Severity>(9)) == "unknown");
}

TEST_CASE("a sink is spared what is less severe than it wants", "[log]") {
  Lines lines(Severity::warning);
  Options options;
  options.log_sink = &lines;
  TestStore store(Backend::memory, options);
  value_of(store->store_exception({1, 1}, plain(1)));
  value_of(store->flush());
  CHECK(lines.count() == 0);
}

TEST_CASE("an error in the background comes through the log and with the next write",
          "[log][threads]") {
  Lines lines;
  const auto failing = std::make_shared<std::atomic<bool>>(true);
  Options options;
  options.log_sink = &lines;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.cache_bytes = 64 << 10;
  options.delta_bytes = 64 << 10;
  auto store = value_of(StorageOptimizer::open(std::make_unique<FailsFolds>(failing), options));
  Result<void> written;
  for (NodeId node = 0; node < 20'000 && written; ++node) {
    written = store.store_exception({node, 1}, plain(1));
  }
  REQUIRE(!written);
  CHECK(written.error().code() == ErrorCode::no_space);
  REQUIRE(!lines.of("background_error").empty());
  CHECK(lines.of("background_error")[0].find(
            "level=error component=store event=background_error msg=\"primary: the disk is full\" "
            "code=no_space") == 0);
  CHECK(store.metrics().find("caveat_background_errors_total 0\n") == std::string::npos);
  *failing = false;
}

TEST_CASE("stalls of the backend are events when they begin and when they end", "[log]") {
  Lines lines;
  Options options;
  options.log_sink = &lines;
  auto store = value_of(StorageOptimizer::open(
      std::make_unique<FailsFolds>(std::make_shared<std::atomic<bool>>(false)), options));
  REQUIRE(FailsFolds::observer_ != nullptr);
  FailsFolds::observer_->on_stall(StallState::delayed);
  FailsFolds::observer_->on_stall(StallState::delayed);
  FailsFolds::observer_->on_stall(StallState::normal);
  CHECK(lines.of("stall_begin").size() == 1);
  CHECK(lines.of("stall_end").size() == 1);
}

TEST_CASE("a snapshot that is held for long is told of once, and once when it is gone", "[log]") {
  Lines lines;
  SetClock clock;
  Options options;
  options.log_sink = &lines;
  options.clock = &clock;
  options.background_maintenance = false;
  TestStore store(Backend::memory, options);
  Engine& engine = store->engine();
  {
    const auto snapshot = store->snapshot();
    engine.look_at_health();
    CHECK(lines.of("old_view").empty());
    clock.now += std::int64_t{301} * 1'000'000'000;
    engine.look_at_health();
    engine.look_at_health();
    REQUIRE(lines.of("old_view").size() == 1);
    CHECK(lines.of("old_view")[0].find(" open_views=1 age_seconds=301 ") != std::string::npos);
  }
  engine.look_at_health();
  engine.look_at_health();
  CHECK(lines.of("old_view_gone").size() == 1);
}

TEST_CASE("memory beyond the budget is told of", "[log]") {
  Lines lines;
  Options options;
  options.log_sink = &lines;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.background_maintenance = false;
  TestStore store(Backend::memory, options);
  // One batch is one generation, however large.
  WriteBatch batch;
  Exception large = plain(1);
  large.reason = std::string(std::size_t{12} << 20, 'x');
  value_of(batch.store_exception({1, 1}, large));
  value_of(store->write(batch));
  store->engine().look_at_health();
  REQUIRE(lines.of("over_budget").size() == 1);
  value_of(store->remove_exception({1, 1}));
  value_of(store->flush());
  store->engine().look_at_health();
  CHECK(lines.of("within_budget").size() == 1);
}

TEST_CASE("an error that nobody waits for is told and kept for the next write", "[log]") {
  Lines lines;
  const EventLog log(&lines);
  std::vector<std::string> told;
  BackgroundErrors errors([&](const StorageError& error) { told.push_back(error.message()); }, log);
  EngineCounters counters;
  errors.report({ErrorCode::io_error, "a disk"}, counters);
  errors.report_out_of_memory(counters);
  CHECK(errors.any());
  CHECK(told.size() == 2);
  CHECK(lines.of("background_error").size() == 2);
  const auto first = errors.take();
  REQUIRE(first);
  CHECK(first->message() == "a disk");
}

}  // namespace caveat::test
