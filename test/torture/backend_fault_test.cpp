// Any operation of the backend fails once, in every public call: with an error of the disk, or with
// damage. The call says so, as what it is, or does without; nothing is lost and nothing else is
// shown.
//
// In memory and in this process, so that all of it takes seconds; fault_trials.cpp is the same on
// RocksDB, where it is operations of the disk that fail.
#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <optional>

#include "test/support/backend_double.h"
#include "test/support/seed.h"
#include "test/torture/public_calls.h"
#include "test/torture/workload_run.h"

namespace caveat::test {

namespace {

struct BackendFault {
  static constexpr std::uint64_t kNever = ~std::uint64_t{0};
  ErrorCode code = ErrorCode::io_error;
  std::atomic<std::uint64_t> point{kNever};
  std::atomic<std::uint64_t> operations{0};
  bool swallowed = false;  // the planted bug: a write that fails says that it is done

  void arm(std::uint64_t at) {
    operations = 0;
    point = at;
  }
  [[nodiscard]] bool struck() const { return operations > point; }
  [[nodiscard]] std::optional<StorageError> strikes(const char* what) {
    if (operations++ != point) return std::nullopt;
    return StorageError(code, std::string("primary: planted at ") + what);
  }
};

class FailingIterator final : public KvIterator {
 public:
  FailingIterator(std::unique_ptr<KvIterator> inner, BackendFault& fault)
      : inner_(std::move(inner)), fault_(fault) {}
  void seek_to_first() override {
    move([&] { inner_->seek_to_first(); });
  }
  void seek(std::string_view key) override {
    move([&] { inner_->seek(key); });
  }
  void seek_for_prev(std::string_view key) override {
    move([&] { inner_->seek_for_prev(key); });
  }
  void next() override {
    move([&] { inner_->next(); });
  }
  void prev() override {
    move([&] { inner_->prev(); });
  }
  [[nodiscard]] bool valid() const override { return !failed_ && inner_->valid(); }
  [[nodiscard]] std::string_view key() const override { return inner_->key(); }
  [[nodiscard]] std::string_view value() const override { return inner_->value(); }
  [[nodiscard]] Result<void> status() const override {
    return failed_ ? Result<void>(fail(*failed_)) : inner_->status();
  }

 private:
  template <class Move>
  void move(const Move& move_inner) {
    failed_ = fault_.strikes("iterator");
    if (!failed_) move_inner();
  }
  std::unique_ptr<KvIterator> inner_;
  BackendFault& fault_;
  std::optional<StorageError> failed_;
};

class FailingBackend final : public BackendDouble {
 public:
  FailingBackend(std::shared_ptr<KvBackend> inner, BackendFault& fault)
      : BackendDouble(std::move(inner)), fault_(fault) {}
  Result<void> write(const KvBatch& batch, Durability durability) override {
    if (auto error = fault_.strikes("write")) {
      if (fault_.swallowed) return {};
      return fail(std::move(*error));
    }
    return BackendDouble::write(batch, durability);
  }
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    if (auto error = fault_.strikes("get")) return fail(std::move(*error));
    return BackendDouble::get(family, key, snapshot, value);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    if (auto error = fault_.strikes("multi_get")) return fail(std::move(*error));
    return BackendDouble::multi_get(family, keys, snapshot, values, found);
  }
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    if (auto error = fault_.strikes("iterate")) return fail(std::move(*error));
    CAVEAT_ASSIGN(auto inner, BackendDouble::iterate(family, snapshot, readahead));
    return std::make_unique<FailingIterator>(std::move(inner), fault_);
  }
  Result<std::shared_ptr<const KvSnapshot>> snapshot() override {
    if (auto error = fault_.strikes("snapshot")) return fail(std::move(*error));
    return BackendDouble::snapshot();
  }
  Result<void> flush() override {
    if (auto error = fault_.strikes("flush")) return fail(std::move(*error));
    return BackendDouble::flush();
  }
  Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
    if (auto error = fault_.strikes("compact")) return fail(std::move(*error));
    return BackendDouble::compact(family, keep_going);
  }
  Result<void> clear(Family family) override {
    if (auto error = fault_.strikes("clear")) return fail(std::move(*error));
    return BackendDouble::clear(family);
  }
  Result<KvProperties> properties() const override {
    if (auto error = fault_.strikes("properties")) return fail(std::move(*error));
    return BackendDouble::properties();
  }
  Result<void> close() override {
    if (auto error = fault_.strikes("close")) return fail(std::move(*error));
    return BackendDouble::close();
  }

 private:
  BackendFault& fault_;
};

class Trials {
 public:
  Trials(const PublicCall& call, ErrorCode code) : call_(call), base_(base_workload()) {
    fault_.code = code;
    if (call.begin == PublicCall::Begin::absent) return;
    const auto backend = shared_memory_backend();
    auto store =
        value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), options()));
    run_steps(store, base_);
    if (call.begin == PublicCall::Begin::closed) value_of(store.close());
    image_ = image_of(*backend);
  }

  // What was wrong with the call whose operation number `point` failed.
  Violation at(std::uint64_t point) {
    const auto backend = image_ ? image_of(*image_) : shared_memory_backend();
    Ledger ledger(image_ ? base_ : Workload{});
    Violation wrong;
    {
      std::optional<StorageOptimizer> store;
      if (!call_.opens()) store.emplace(value_of(open(backend)));
      fault_.arm(point);
      const Result<void> result = make(store, backend, ledger, wrong);
      operations_ = fault_.operations;
      struck_ = fault_.struck();
      fault_.arm(BackendFault::kNever);
      if (!result && !struck_) return "fails without a fault: " + result.error().message();
      failed_ = !result;
      // (What verify finds it lists, whatever it is.)
      const bool lists = call_.name == "verify";
      if (!result && result.error().code() != fault_.code && !lists && !wrong) {
        wrong = fmt::format("it calls an error {}: {}", to_string(result.error().code()),
                            result.error().message());
      }
      // As the end of the process would leave it now. (Beside maintenance it cannot be copied
      // whole.)
      if (!wrong && struck_ && call_.begin != PublicCall::Begin::opened_busy) {
        Ledger as_found = ledger;
        wrong = look_again(image_of(*backend), as_found);
      }
      const bool closed = call_.name == "close";  // it is, whatever it says
      if (store && !closed && !wrong) wrong = look_after(*store, ledger);
    }
    return wrong ? wrong : look_again(backend, ledger);
  }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] bool struck() const { return struck_; }
  [[nodiscard]] bool failed() const { return failed_; }
  void swallow_failed_writes() { fault_.swallowed = true; }

 private:
  [[nodiscard]] Options options() const {
    Options options = torture_options();
    options.background_maintenance = call_.begin == PublicCall::Begin::opened_busy;
    return options;
  }
  Result<StorageOptimizer> open(const std::shared_ptr<KvBackend>& backend) {
    return StorageOptimizer::open(std::make_unique<FailingBackend>(backend, fault_), options());
  }
  Result<void> make(std::optional<StorageOptimizer>& store,
                    const std::shared_ptr<KvBackend>& backend, Ledger& ledger, Violation& wrong) {
    if (call_.destroys()) {
      store.reset();
      return {};
    }
    if (!call_.opens()) return call_.run(*store, ledger, wrong);
    auto opened = open(backend);
    if (!opened) return fail(opened.error());
    store.emplace(std::move(*opened));
    return {};
  }
  // Damage that was met is remembered; an error of the disk is over.
  Violation look_after(StorageOptimizer& store, Ledger& ledger) const {
    const bool damaged = fault_.code == ErrorCode::corruption;
    if (auto wrong = check_answers(store, ledger, damaged)) return wrong;
    // What struck in the background is told to the first write.
    for (int i = 0; i < 3; ++i) {
      if (write_one(store, ledger)) break;
    }
    return check_answers(store, ledger, damaged);
  }
  Violation look_again(const std::shared_ptr<KvBackend>& backend, Ledger& ledger) {
    auto store = open(backend);
    if (!store) return "it does not open again: " + store.error().message();
    const auto found = scan(*store);
    if (!found) return "opened again, a scan fails: " + found.error().message();
    if (auto wrong = ledger.settle(*found)) return "opened again, " + *wrong;
    if (auto wrong = check_queries(*store, *found, 1)) return "opened again: " + *wrong;
    return std::nullopt;
  }

  const PublicCall& call_;
  const Workload base_;
  BackendFault fault_;
  std::shared_ptr<KvBackend> image_;
  std::uint64_t operations_ = 0;
  bool struck_ = false;
  bool failed_ = false;
};

struct Outcome {
  std::uint64_t points = 0;
  std::uint64_t failed = 0;
  std::vector<std::string> violations;
};

Outcome fail_everywhere(ErrorCode code, std::uint64_t points_max) {
  Outcome all;
  for (const PublicCall& call : public_calls()) {
    if (call.files != nullptr) continue;  // what works on files does not ask the backend
    Trials trials(call, code);
    if (const auto wrong = trials.at(BackendFault::kNever)) {
      all.violations.push_back(fmt::format("{}: {}", call.name, *wrong));
      continue;
    }
    const std::uint64_t operations = trials.operations();
    const std::uint64_t stride = operations / points_max + 1;
    for (std::uint64_t point = chosen_seed() % stride; point < operations; point += stride) {
      const auto wrong = trials.at(point);
      ++all.points;
      if (trials.failed()) ++all.failed;
      if (!wrong) continue;
      all.violations.push_back(
          fmt::format("{} at {} of {}: {}", call.name, point, operations, *wrong));
      if (all.violations.size() > 20) return all;
    }
  }
  return all;
}

// CAVEAT_FAULT_POINTS: so many of each call; tools/coverage wants nearly all.
std::uint64_t points_of_a_call() {
  const char* given = std::getenv("CAVEAT_FAULT_POINTS");
  if (given != nullptr) return std::strtoull(given, nullptr, 10);
  return kSanitized ? 5 : 40;
}

void prove(ErrorCode code) {
  const Outcome all = fail_everywhere(code, points_of_a_call());
  fmt::print(
      "backend: {} operations failed with {}, {} calls said so; repeat with CAVEAT_SEED={}\n",
      all.points, to_string(code), all.failed, chosen_seed());
  for (const std::string& violation : all.violations) UNSCOPED_INFO(violation);
  CHECK(all.violations.empty());
  CHECK(all.failed > 20);
}

}  // namespace

TEST_CASE("an error of the backend, in any call, is told as what it is, and over", "[faults]") {
  prove(ErrorCode::io_error);
}

TEST_CASE("damage that the backend meets, in any call, costs no other record", "[faults]") {
  prove(ErrorCode::corruption);
}

TEST_CASE("planted: a write of the backend that fails and is said to be done is caught",
          "[faults][planted]") {
  Trials trials(*find_call("store"), ErrorCode::io_error);
  trials.swallow_failed_writes();
  REQUIRE_FALSE(trials.at(BackendFault::kNever));
  std::size_t caught = 0;
  const std::uint64_t operations = trials.operations();
  for (std::uint64_t point = 0; point < operations; ++point) {
    if (trials.at(point)) ++caught;
  }
  CHECK(caught > 0);
}

}  // namespace caveat::test
