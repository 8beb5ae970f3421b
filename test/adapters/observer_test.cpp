// What backends tell the engine.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "test/adapters/harness.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// Wants every value above 1000 bytes rewritten.
class Recorder final : public KvObserver {
 public:
  void on_flush_done(Family family) noexcept override {
    note([&] { flushed_.insert(family); });
  }
  void on_compaction_done(Family family, std::uint64_t, std::uint64_t) noexcept override {
    note([&] { compacted_.insert(family); });
  }
  void on_rewrite_candidates(Family family, std::span<const std::string> keys,
                             bool more) noexcept override {
    note([&] {
      for (const std::string& key : keys) candidates_.insert({family, key});
      more_ = more_ || more;
      largest_ = std::max(largest_, keys.size());
    });
  }
  bool needs_rewrite(Family family, std::string_view,
                     std::string_view value) const noexcept override {
    if (!(family == Family::primary || family >= Family::property)) asked_wrongly_ = true;
    return value.size() > 1000;
  }

  // Callbacks may come after the call that caused them.
  template <class F>
  bool wait_for(F&& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }

  std::set<Family> flushed_, compacted_;
  std::set<std::pair<Family, std::string>> candidates_;
  bool more_ = false;
  std::size_t largest_ = 0;
  mutable std::atomic<bool> asked_wrongly_{false};

 private:
  template <class F>
  void note(F&& f) {
    const std::lock_guard lock(mutex_);
    f();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace

TEMPLATE_TEST_CASE("values that want rewriting are reported", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  Recorder recorder;
  b.set_observer(&recorder);
  put(b, Family::meta, "long", std::string(2000, 'x'));
  put(b, Family::delta, "long", std::string(2000, 'x'));
  put(b, Family::primary, "long", std::string(2000, 'x'));
  put(b, Family::primary, "short", std::string(100, 'x'));
  for (int i = 0; i < 12; ++i) append(b, Family::property, "grown", std::string(100, 'y'));
  for (const Family family : kFamilies) must(b.compact(family, {}));
  const std::set<std::pair<Family, std::string>> expected = {{Family::primary, "long"},
                                                             {Family::property, "grown"}};
  CHECK(recorder.wait_for([&] { return recorder.candidates_ == expected; }));
  CHECK(recorder.wait_for([&] { return recorder.compacted_.count(Family::primary) == 1; }));
  CHECK_FALSE(recorder.more_);
  CHECK_FALSE(recorder.asked_wrongly_);
  b.set_observer(nullptr);
  put(b, Family::primary, "later", std::string(2000, 'x'));
  must(b.compact(Family::primary, {}));
  CHECK(recorder.candidates_ == expected);
}

TEMPLATE_TEST_CASE("long lists of candidates are cut", "", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  Recorder recorder;
  b.set_observer(&recorder);
  KvBatch batch;
  for (int i = 0; i < 1500; ++i) batch.put(Family::confidence, key_of(i), std::string(1001, 'z'));
  must(b.write(batch, Durability::wal));
  must(b.compact(Family::confidence, {}));
  CHECK(recorder.wait_for([&] { return recorder.more_ && recorder.candidates_.size() >= 1024; }));
  CHECK(recorder.largest_ <= 1024);
  b.set_observer(nullptr);
}

TEMPLATE_TEST_CASE("an observer may be taken away while callbacks run", "[threads]",
                   CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    KvBatch batch;
    for (int i = 0; !stop; ++i) {
      batch.clear();
      batch.put(Family::primary, key_of(i % 50), std::string(1200, 'w'));
      if (!b.write(batch, Durability::wal)) return;
      if (i % 100 == 0 && !b.compact(Family::primary, {})) return;
    }
  });
  for (int i = 0; i < 50; ++i) {
    auto recorder = std::make_unique<Recorder>();
    b.set_observer(recorder.get());
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    b.set_observer(nullptr);
    recorder.reset();  // a late callback would now touch freed memory
  }
  stop = true;
  writer.join();
}
