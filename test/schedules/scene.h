// A store in memory, what it must hold, and the faults that were seen.
//
// A schedule is a function of the faults planted in the engine and gives what went wrong. Its case
// runs it without faults, where nothing may go wrong, and with each of its faults, where something
// must. (ThreadSanitizer sees planted races as well, so its build leaves the second half out.)
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/store/engine.h"
#include "test/schedules/director.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"

namespace caveat::test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kRacesAreReported = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool kRacesAreReported = true;
#else
inline constexpr bool kRacesAreReported = false;
#endif
#else
inline constexpr bool kRacesAreReported = false;
#endif

using Faults = std::vector<std::string>;  // what a schedule saw go wrong

class Scene {
 public:
  using Expected = std::map<ExceptionKey, std::int64_t>;  // key -> its record's number

  explicit Scene(std::initializer_list<Fault> faults, Options options = own_options())
      : director(faults), options_(std::move(options)) {
    reopen();
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  // Folds are the caller's, partitions are small.
  static Options own_options() {
    Options options;
    options.background_maintenance = false;
    options.partition_records = 16;
    options.compression = CompressionAlgorithm::None;
    options.dictionary_bytes = 0;
    return options;
  }

  // For writers that come by while a fold is held: it would be theirs to fold.
  static Options in_background() {
    Options options = own_options();
    options.background_maintenance = true;
    return options;
  }

  Director director;
  Expected expected;  // what all writes that were acknowledged leave

  [[nodiscard]] StorageOptimizer& store() { return *store_; }
  [[nodiscard]] Options& options() { return options_; }
  [[nodiscard]] KvBackend& backend() { return *backend_; }

  // As after a crash: what is in memory is gone, unless it was closed before.
  void reopen() {
    backend_ = backend_ ? image_of(*backend_) : shared_memory_backend();
    store_.reset();
    auto opened = StorageOptimizer::open(std::make_unique<BackendDouble>(backend_), options_);
    if (expect("open", opened)) store_ = std::make_unique<StorageOptimizer>(std::move(*opened));
    REQUIRE(store_);
  }

  // --- Writes, from any thread ---
  static PropertyHash property(std::uint64_t which) { return 100 + which; }
  static ExceptionKey key(NodeId node, std::uint64_t which = 0) { return {node, property(which)}; }
  static Exception numbered(std::int64_t number) {
    Exception exception;
    exception.actual_value = number;
    exception.reason = "number " + std::to_string(number);
    exception.created_at = number * 86'400'000'000'000;
    return exception;
  }
  void put(const ExceptionKey& k, std::int64_t number) {
    expect("store", store_->store_exception(k, numbered(number)));
  }
  // One record for each node of [from, to), folded; and expected.
  void fill(NodeId from, NodeId to, std::int64_t number, std::uint64_t which = 0) {
    std::vector<ExceptionRecord> records;
    for (NodeId node = from; node < to; ++node) {
      records.push_back({key(node, which), numbered(number)});
      expected[key(node, which)] = number;
    }
    expect("bulk", store_->bulk_store(records));
    expect("flush", store_->flush());
  }

  // --- What must hold ---
  template <class T>
  bool expect(const std::string& what, const Result<T>& result) {
    if (!result) fault(what + ": " + result.error().message());
    return result.has_value();
  }
  void fault(const std::string& text) {
    const std::lock_guard lock(mutex_);
    if (faults_.size() < 5) faults_.push_back(text);
  }
  void need(bool good, const std::string& otherwise) {
    if (!good) fault(otherwise);
  }
  void held_at(Point point) { need(director.wait_for_it(point), "nobody came to the point"); }

  // The store, and stores opened on what it has on disk, agree with `expected`; now and when all is
  // folded.
  void check_everywhere() {
    check("now", *store_);
    check_crashed("after a crash");
    if (!expect("flush", store_->flush())) return;
    check("folded", *store_);
    check_crashed("after a crash, folded");
  }
  void check(const std::string& when, StorageOptimizer& store, const Snapshot* snapshot = nullptr) {
    check(when, store, expected, snapshot);
  }
  void check(const std::string& when, StorageOptimizer& store, const Expected& wanted,
             const Snapshot* snapshot) {
    std::map<PropertyHash, std::size_t> properties;
    std::map<std::int64_t, std::size_t> numbers;
    for (const auto& [k, number] : wanted) {
      const auto there = store.retrieve_exception(k, snapshot);
      if (!expect(when, there)) return;
      need(there->has_value(), when + ": a record is missing");
      if (*there && **there != numbered(number)) fault(when + ": a record is another");
      ++properties[k.property_hash];
      ++numbers[number];
    }
    Query query;
    check_query(when, store, query, wanted.size(), snapshot);
    for (const auto& [which, records] : properties) {
      query.property = which;
      check_query(when + ", by property", store, query, records, snapshot);
    }
    query = {};
    for (const auto& [number, records] : numbers) {
      const std::int64_t time = numbered(number).created_at;
      query.time = Query::TimeRange{time, time};
      check_query(when + ", by time", store, query, records, snapshot);
    }
    if (snapshot != nullptr) return;
    const auto verified = store.verify();
    if (!expect(when, verified)) return;
    for (const auto& error : verified->errors) fault(when + ": verify: " + error);
    need(verified->missing_hints == 0, when + ": hints are missing");
  }
  void check_crashed(const std::string& when) {
    auto crashed =
        StorageOptimizer::open(std::make_unique<BackendDouble>(image_of(*backend_)), options_);
    if (!expect(when, crashed)) return;
    check(when, *crashed);
    if (!expect(when, crashed->flush())) return;
    check(when + " and a fold", *crashed);
  }

  [[nodiscard]] Faults faults() {
    const std::lock_guard lock(mutex_);
    return faults_;
  }

 private:
  void check_query(const std::string& when, StorageOptimizer& store, const Query& query,
                   std::size_t records, const Snapshot* snapshot) {
    auto cursor = store.query(query, snapshot);
    if (!expect(when, cursor)) return;
    std::size_t found = 0;
    for (;;) {
      const auto next = cursor->next();
      if (!expect(when, next) || *next == nullptr) break;
      ++found;
    }
    need(found == records, when + ": a query finds " + std::to_string(found) + " records of " +
                               std::to_string(records));
  }

  Options options_;
  std::shared_ptr<KvBackend> backend_;
  std::unique_ptr<StorageOptimizer> store_;
  std::mutex mutex_;
  Faults faults_;
};

using Schedule = std::function<Faults(std::initializer_list<Fault>)>;

inline void prove(const Schedule& schedule, std::initializer_list<Fault> planted) {
  const auto seen = schedule({});
  for (const auto& fault : seen) UNSCOPED_INFO(fault);
  REQUIRE(seen.empty());
  if (kRacesAreReported) return;
  for (const Fault fault : planted) {
    INFO("the planted fault number " << static_cast<int>(fault) << " was not caught");
    CHECK_FALSE(schedule({fault}).empty());
  }
}

}  // namespace caveat::test
