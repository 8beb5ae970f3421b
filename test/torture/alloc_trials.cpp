// One call with an allocation in it that fails: it throws std::bad_alloc or gives an error, changes
// nothing, keeps no memory and no lock, and the store goes on.
//
// On the backend in memory, so that every allocation is the engine's or that adapter's. In the
// modes "rocksdb" on RocksDB's, where those fail that do not come out of RocksDB, which is not made
// for std::bad_alloc; what is kept cannot be told there, for its threads and caches keep what they
// like.
#include <fmt/format.h>

#include <new>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/rocksdb/rocksdb_backend.h"
#include "test/support/backend_double.h"
#include "test/support/store_files.h"
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

// RocksDB's backend may do a write without an allocation of ours: this one has one.
class TakesNotes final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    try {
      const std::string note = "something is written, of families " + std::string(64, '*');
      if (note.size() < 64) return fail(ErrorCode::io_error, note);
    } catch (const std::bad_alloc&) {
      return {};
    }
    return BackendDouble::write(batch, durability);
  }
};

std::unique_ptr<KvBackend> around(std::shared_ptr<KvBackend> inner, const std::string& planted) {
  if (planted == "kept-lock") return std::make_unique<KeepsALock>(std::move(inner));
  if (planted == "leak") return std::make_unique<Leaks>(std::move(inner));
  if (planted == "forgotten-log") return std::make_unique<ForgetsTheLog>(std::move(inner));
  if (planted == "said-done") return std::make_unique<SaysDone>(std::move(inner));
  if (planted == "noted") return std::make_unique<TakesNotes>(std::move(inner));
  return std::make_unique<BackendDouble>(std::move(inner));
}

// Where the stores of trials are.
class Ground {
 public:
  virtual ~Ground() = default;
  // As it is before each trial.
  virtual void renew() = 0;
  virtual Result<StorageOptimizer> open(const Options& options, const std::string& planted) = 0;
  // What the end of the process would leave now, or null: that cannot be told.
  virtual std::unique_ptr<Ground> crashed() = 0;
  [[nodiscard]] virtual Places places() const { return {}; }
};

class InMemory final : public Ground {
 public:
  InMemory() = default;
  explicit InMemory(std::shared_ptr<KvBackend> backend) : backend_(std::move(backend)) {}
  InMemory(const PublicCall& call, const Workload& base) {
    if (call.begin == PublicCall::Begin::absent) return;
    renew();
    auto store = value_of(open(torture_options(), "none"));
    run_steps(store, base);
    if (call.begin == PublicCall::Begin::closed) value_of(store.close());
    image_ = image_of(*backend_);
  }
  void renew() override { backend_ = image_ ? image_of(*image_) : shared_memory_backend(); }
  Result<StorageOptimizer> open(const Options& options, const std::string& planted) override {
    return StorageOptimizer::open(around(backend_, planted), options);
  }
  std::unique_ptr<Ground> crashed() override {
    return std::make_unique<InMemory>(image_of(*backend_));
  }

 private:
  std::shared_ptr<KvBackend> image_;
  std::shared_ptr<KvBackend> backend_;
};

class OnRocksdb final : public Ground {
 public:
  OnRocksdb(const PublicCall& call, std::filesystem::path images) {
    if (call.begin == PublicCall::Begin::absent) return;
    image_ = images / (call.begin == PublicCall::Begin::closed ? "closed" : "crashed");
  }
  void renew() override {
    std::filesystem::remove_all(store_);
    std::filesystem::remove_all(places().beside);
    std::filesystem::create_directories(places().beside);
    if (!image_.empty()) copy_store(image_, store_);
  }
  Result<StorageOptimizer> open(const Options& options, const std::string& planted) override {
    RocksdbBackendOptions small;
    small.block_cache_bytes = 1 << 20;
    small.write_buffer_bytes = 512 << 10;
    CAVEAT_ASSIGN(auto backend, open_rocksdb_backend(store_, small));
    if (planted != "none") backend = around(std::move(backend), planted);
    return StorageOptimizer::open(std::move(backend), options);
  }
  std::unique_ptr<Ground> crashed() override { return nullptr; }
  [[nodiscard]] Places places() const override { return {store_, work_.path() / "beside"}; }

 private:
  ScratchDirectory work_;
  std::filesystem::path store_ = work_.path() / "store";
  std::filesystem::path image_;
};

class AllocTrial final : public Trial {
 public:
  AllocTrial(const TrialPlan& plan, const std::filesystem::path& images)
      : call_(*find_call(plan.call)),
        on_rocksdb_(plan.mode.starts_with("rocksdb")),
        planted_(plan.planted),
        base_(base_workload()) {
    if (plan.mode.ends_with("sticky")) fault_ = AllocFault::sticky;
    if (plan.mode != "once" && plan.mode != "rocksdb") threads_ = AllocThreads::all;
    if (call_.begin == PublicCall::Begin::opened_busy) threads_ = AllocThreads::others;
    if (on_rocksdb_) {
      ground_ = std::make_unique<OnRocksdb>(call_, images);
    } else {
      ground_ = std::make_unique<InMemory>(call_, base_);
    }
  }

  std::uint64_t operations() override {
    // Twice: pools are warm then.
    for (int i = 0; i < (on_rocksdb_ ? 1 : 2); ++i) static_cast<void>(at(~std::uint64_t{0}));
    return operations_;
  }
  Outcome at(std::uint64_t point) override;

 private:
  using Store = std::optional<StorageOptimizer>;
  Result<StorageOptimizer> open(Ground& ground) const {
    Options options = torture_options();
    options.background_maintenance = call_.begin == PublicCall::Begin::opened_busy;
    return ground.open(options, planted_);
  }
  // What it gave; nothing: std::bad_alloc.
  std::optional<Result<void>> make_call(Store& store, Ledger& ledger, Violation& wrong,
                                        std::uint64_t point);
  Violation look_after(StorageOptimizer& store, Ledger& ledger) const;
  Violation look_again(Ground& ground, Ledger& ledger) const;
  Outcome attempt(std::uint64_t point);

  const PublicCall& call_;
  const bool on_rocksdb_;
  const std::string planted_;
  const Workload base_;
  AllocFault fault_ = AllocFault::once;
  AllocThreads threads_ = AllocThreads::mine;
  std::unique_ptr<Ground> ground_;
  std::uint64_t operations_ = 0;
};

std::optional<Result<void>> AllocTrial::make_call(Store& store, Ledger& ledger, Violation& wrong,
                                                  std::uint64_t point) {
  std::optional<Result<void>> result = Result<void>();
  arm_heap(fault_, threads_, point, on_rocksdb_ ? AllocOwner::caveat : AllocOwner::anybody);
  try {
    if (call_.destroys()) {
      store.reset();
    } else if (!call_.opens()) {
      result = call_.make(store ? &*store : nullptr, ground_->places(), ledger, wrong);
    } else if (auto opened = open(*ground_)) {
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

bool is_closed(const StorageOptimizer& store) {
  const auto count = store.count({});
  return !count && count.error().code() == ErrorCode::closed;
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
  if (auto wrong = call_.mend(store)) return "with memory again: " + *wrong;
  if (auto wrong = check_answers(store, ledger, false)) return wrong;
  if (auto wrong = check_queries(store, ledger.records(), 1)) return wrong;
  const auto flushed = store.flush();
  if (!flushed) return "with memory again, it does not flush: " + flushed.error().message();
  if (auto wrong = check_answers(store, ledger, false)) return wrong;
  const auto closed = store.close();
  if (!closed) return "with memory again, it does not close: " + closed.error().message();
  return std::nullopt;
}

Violation AllocTrial::look_again(Ground& ground, Ledger& ledger) const {
  auto store = open(ground);
  if (!store) return "it does not open again: " + store.error().message();
  auto found = scan(*store);
  if (!found) return "opened again, a scan fails: " + found.error().message();
  if (auto wrong = ledger.settle(*found)) return "opened again, " + *wrong;
  if (auto wrong = call_.mend(*store)) return "opened again: " + *wrong;
  if (auto wrong = check_queries(*store, *found, 1)) return "opened again: " + *wrong;
  const auto closed = store->close();
  if (!closed) return "opened again, it does not close: " + closed.error().message();
  return std::nullopt;
}

Trial::Outcome AllocTrial::attempt(std::uint64_t point) {
  const bool absent = call_.begin == PublicCall::Begin::absent;
  ground_->renew();
  Ledger ledger(absent ? Workload{} : base_);
  Outcome outcome;
  {
    Store store;
    if (call_.has_store()) store.emplace(value_of(open(*ground_)));
    if (call_.files != nullptr) {
      call_.files->prepare(store ? &*store : nullptr, ground_->places(), ledger);
    }
    const auto result = make_call(store, ledger, outcome.wrong, point);
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
    // Memory may be short when there is no way back: then it throws, and is closed all the same.
    const bool closed = call_.name == "close" && ((result && *result) || is_closed(*store));
    // As the end of the process would leave it now. (Beside maintenance it cannot be copied whole.)
    const bool still = call_.begin != PublicCall::Begin::opened_busy;
    if (!outcome.wrong && outcome.struck && still) {
      Ledger as_found = ledger;
      if (const auto image = ground_->crashed()) outcome.wrong = look_again(*image, as_found);
    }
    if (store && !closed && !outcome.wrong) outcome.wrong = look_after(*store, ledger);
  }
  if (!outcome.wrong) outcome.wrong = look_again(*ground_, ledger);
  if (!outcome.wrong && call_.needs_files()) {
    outcome.wrong = call_.files->look(ground_->places(), ledger);
  }
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
    if (!outcome.struck || on_rocksdb_) return outcome;
  }
  if (kept > 0 && !outcome.wrong) outcome.wrong = fmt::format("{} allocations are kept", kept);
  return outcome;
}

}  // namespace

std::unique_ptr<Trial> make_alloc_trial(const TrialPlan& plan,
                                        const std::filesystem::path& images) {
  REQUIRE(find_call(plan.call) != nullptr);
  return std::make_unique<AllocTrial>(plan, images);
}

}  // namespace caveat::test
