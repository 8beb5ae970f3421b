// One call with an allocation in it that fails: it throws std::bad_alloc or gives an error, changes
// nothing, keeps no memory and no lock, and the store goes on.
//
// On the backend in memory, so that every allocation is the engine's or that adapter's: RocksDB is
// not made for std::bad_alloc.
#include <fmt/format.h>

#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "test/support/backend_double.h"
#include "test/torture/failing_heap.h"
#include "test/torture/trials.h"

namespace caveat::test {

namespace {

// Planted bugs.
class KeepsALock final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    mutex_.lock();
    auto done = BackendDouble::write(batch, durability);
    mutex_.unlock();
    return done;
  }

 private:
  std::mutex mutex_;
};

class Leaks final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    auto* const note = new std::string("while it is written");
    auto done = BackendDouble::write(batch, durability);
    delete note;
    return done;
  }
};

class ForgetsTheLog final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    try {
      return BackendDouble::write(batch, durability);
    } catch (const std::bad_alloc&) {
      KvBatch all;
      all.erase_range(Family::delta, {}, std::string(64, '\xff'));
      static_cast<void>(BackendDouble::write(all, durability));
      throw;
    }
  }
};

class SaysDone final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    try {
      return BackendDouble::write(batch, durability);
    } catch (const std::bad_alloc&) {
      return {};
    }
  }
};

std::unique_ptr<KvBackend> around(std::shared_ptr<KvBackend> inner, const std::string& planted) {
  if (planted == "kept-lock") return std::make_unique<KeepsALock>(std::move(inner));
  if (planted == "leak") return std::make_unique<Leaks>(std::move(inner));
  if (planted == "forgotten-log") return std::make_unique<ForgetsTheLog>(std::move(inner));
  if (planted == "said-done") return std::make_unique<SaysDone>(std::move(inner));
  return std::make_unique<BackendDouble>(std::move(inner));
}

class AllocTrial final : public Trial {
 public:
  explicit AllocTrial(const TrialPlan& plan)
      : call_(*find_call(plan.call)),
        mode_(plan.mode),
        planted_(plan.planted),
        base_(base_workload()) {
    if (mode_ == "sticky") fault_ = AllocFault::sticky;
    if (mode_ != "once") threads_ = AllocThreads::all;
    if (call_.begin == PublicCall::Begin::opened_busy) threads_ = AllocThreads::others;
    if (call_.begin == PublicCall::Begin::absent) return;
    auto backend = shared_memory_backend();
    auto store = value_of(StorageOptimizer::open(around(backend, "none"), torture_options()));
    run_steps(store, base_);
    if (call_.begin == PublicCall::Begin::closed) value_of(store.close());
    image_ = image_of(*backend);
  }

  std::uint64_t operations() override {
    for (int i = 0; i < 2; ++i) static_cast<void>(at(~std::uint64_t{0}));  // pools are warm then
    return operations_;
  }
  Outcome at(std::uint64_t point) override;

 private:
  using Store = std::optional<StorageOptimizer>;
  Result<StorageOptimizer> open(const std::shared_ptr<KvBackend>& backend) const {
    Options options = torture_options();
    options.background_maintenance = call_.begin == PublicCall::Begin::opened_busy;
    return StorageOptimizer::open(around(backend, planted_), options);
  }
  // What it gave; nothing: std::bad_alloc.
  std::optional<Result<void>> make_call(Store& store, const std::shared_ptr<KvBackend>& backend,
                                        Ledger& ledger, Violation& wrong, std::uint64_t point);
  Violation look_after(StorageOptimizer& store, Ledger& ledger) const;
  Violation look_again(const std::shared_ptr<KvBackend>& backend, Ledger& ledger) const;
  Outcome attempt(std::uint64_t point);

  const PublicCall& call_;
  const std::string mode_;
  const std::string planted_;
  const Workload base_;
  AllocFault fault_ = AllocFault::once;
  AllocThreads threads_ = AllocThreads::mine;
  std::shared_ptr<KvBackend> image_;
  std::uint64_t operations_ = 0;
};

std::optional<Result<void>> AllocTrial::make_call(Store& store,
                                                  const std::shared_ptr<KvBackend>& backend,
                                                  Ledger& ledger, Violation& wrong,
                                                  std::uint64_t point) {
  std::optional<Result<void>> result = Result<void>();
  arm_heap(fault_, threads_, point);
  try {
    if (call_.destroys()) {
      store.reset();
    } else if (!call_.opens()) {
      result = call_.run(*store, ledger, wrong);
    } else if (auto opened = open(backend)) {
      store.emplace(std::move(*opened));
    } else {
      result = fail(std::move(opened).error());
    }
  } catch (const std::bad_alloc&) {
    result.reset();
  }
  operations_ = heap_counted();
  disarm_heap();
  return result;
}

Violation AllocTrial::look_after(StorageOptimizer& store, Ledger& ledger) const {
  if (auto wrong = check_answers(store, ledger, false)) return wrong;
  // What struck in the background is told to the first write.
  Result<void> written;
  for (int i = 0; i < 3; ++i) {
    written = write_one(store, ledger);
    if (written) break;
  }
  if (!written) return "with memory again, no write is taken: " + written.error().message();
  if (auto wrong = check_answers(store, ledger, false)) return wrong;
  if (auto wrong = check_queries(store, ledger.records(), 1)) return wrong;
  const auto flushed = store.flush();
  if (!flushed) return "with memory again, it does not flush: " + flushed.error().message();
  if (auto wrong = check_answers(store, ledger, false)) return wrong;
  const auto closed = store.close();
  if (!closed) return "with memory again, it does not close: " + closed.error().message();
  return std::nullopt;
}

Violation AllocTrial::look_again(const std::shared_ptr<KvBackend>& backend, Ledger& ledger) const {
  auto store = open(backend);
  if (!store) return "it does not open again: " + store.error().message();
  auto found = scan(*store);
  if (!found) return "opened again, a scan fails: " + found.error().message();
  if (auto wrong = ledger.settle(*found)) return "opened again, " + *wrong;
  if (auto wrong = check_queries(*store, *found, 1)) return "opened again: " + *wrong;
  const auto closed = store->close();
  if (!closed) return "opened again, it does not close: " + closed.error().message();
  return std::nullopt;
}

Trial::Outcome AllocTrial::attempt(std::uint64_t point) {
  const bool absent = call_.begin == PublicCall::Begin::absent;
  const auto backend = absent ? shared_memory_backend() : image_of(*image_);
  Ledger ledger(absent ? Workload{} : base_);
  Outcome outcome;
  {
    Store store;
    if (!call_.opens()) store.emplace(value_of(open(backend)));
    const auto result = make_call(store, backend, ledger, outcome.wrong, point);
    outcome.struck = heap_struck() > 0;
    outcome.failed = !result || !*result;
    if (outcome.struck) {
      outcome.seen = !result    ? "bad_alloc"
                     : !*result ? to_string((*result).error().code())
                                : "done";
    }
    if (result && !*result && !outcome.wrong &&
        (*result).error().code() != ErrorCode::limit_exceeded) {
      outcome.wrong = fmt::format("it calls want of memory {}: {}",
                                  to_string((*result).error().code()), (*result).error().message());
    }
    const bool closed = call_.name == "close" && result && *result;
    // As the end of the process would leave it now. (Beside maintenance it cannot be copied whole.)
    const bool still = call_.begin != PublicCall::Begin::opened_busy;
    if (!outcome.wrong && outcome.struck && still) {
      Ledger as_found = ledger;
      outcome.wrong = look_again(image_of(*backend), as_found);
    }
    if (store && !closed && !outcome.wrong) outcome.wrong = look_after(*store, ledger);
  }
  if (!outcome.wrong) outcome.wrong = look_again(backend, ledger);
  return outcome;
}

// What a thread keeps for its next call is kept once; what leaks does so each time.
Trial::Outcome AllocTrial::at(std::uint64_t point) {
  Outcome outcome;
  std::int64_t kept = 1;
  for (int i = 0; i < 2 && kept > 0 && !outcome.wrong; ++i) {
    const std::int64_t before = heap_living();
    outcome = attempt(point);
    kept = heap_living() - before;
    if (!outcome.struck) return outcome;
  }
  if (kept > 0 && !outcome.wrong) outcome.wrong = fmt::format("{} allocations are kept", kept);
  return outcome;
}

}  // namespace

std::unique_ptr<Trial> make_alloc_trial(const TrialPlan& plan) {
  REQUIRE(find_call(plan.call) != nullptr);
  return std::make_unique<AllocTrial>(plan);
}

}  // namespace caveat::test
