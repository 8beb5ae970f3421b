// One call with an I/O error in it: what it says, what the store shows then, and what is there
// after it was opened again on a disk that is well.
#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/rocksdb/rocksdb_backend.h"
#include "test/support/backend_double.h"
#include "test/support/child_process.h"
#include "test/support/store_files.h"
#include "test/torture/faulty_file_system.h"
#include "test/torture/io_faults.h"
#include "test/torture/trials.h"
#include "test/torture/workload_run.h"

namespace caveat::test {

namespace fs = std::filesystem;

namespace {

// Planted bugs.
class SwallowsFailedWrites final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    static_cast<void>(BackendDouble::write(batch, durability));
    return {};
  }
};

class TakesFailedReadsForNothing final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<bool> get(Family family, std::string_view key, const KvSnapshot* snapshot,
                   std::string& value) override {
    auto found = BackendDouble::get(family, key, snapshot, value);
    return found ? std::move(found) : Result<bool>(false);
  }
  Result<void> multi_get(Family family, std::span<const std::string_view> keys,
                         const KvSnapshot* snapshot, std::span<std::string> values,
                         std::span<bool> found) override {
    if (BackendDouble::multi_get(family, keys, snapshot, values, found)) return {};
    std::fill(found.begin(), found.end(), false);
    return {};
  }
};

Result<StorageOptimizer> open_with(const fs::path& directory, std::shared_ptr<rocksdb::Env> env,
                                   const std::string& planted, bool busy) {
  RocksdbBackendOptions options;
  options.block_cache_bytes = 1 << 20;
  options.write_buffer_bytes = 512 << 10;
  options.env = std::move(env);
  CAVEAT_ASSIGN(auto backend, open_rocksdb_backend(directory, options));
  if (planted == "swallowed-writes") {
    backend =
        std::make_unique<SwallowsFailedWrites>(std::shared_ptr<KvBackend>(std::move(backend)));
  } else if (planted == "swallowed-reads") {
    backend = std::make_unique<TakesFailedReadsForNothing>(
        std::shared_ptr<KvBackend>(std::move(backend)));
  }
  Options store = torture_options();
  store.background_maintenance = busy;
  return StorageOptimizer::open(std::move(backend), store);
}

// Until RocksDB has done what opening makes it do in the background, so that points are the call's.
void wait_until_still(const fs::path& directory) {
  IoFaults& faults = IoFaults::instance();
  faults.arm(directory, IoFaults::kNever, IoFault::once);
  std::uint64_t before = 1;
  for (int i = 0; i < 100 && faults.operations() != before; ++i) {
    before = faults.operations();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

class FaultTrial final : public Trial {
 public:
  FaultTrial(const TrialPlan& plan, fs::path images)
      : call_(*find_call(plan.call)),
        planted_(plan.planted),
        images_(std::move(images)),
        base_(base_workload()) {
    if (plan.mode.starts_with("sticky")) fault_ = IoFault::sticky;
    if (plan.mode.starts_with("no-space")) fault_ = IoFault::no_space;
    for (const IoKind kind : kIoKinds) {
      if (plan.mode.ends_with("/" + std::string(to_string(kind)))) kind_ = kind;
    }
    // Temporary files count as well.
    if (call_.needs_files()) ::setenv("TMPDIR", places_.beside.c_str(), 1);
    IoFaults::instance().skip_syncs();
  }

  std::uint64_t operations() override {
    static_cast<void>(at(IoFaults::kNever));
    return operations_;
  }
  Outcome at(std::uint64_t point) override;

 private:
  using Store = std::optional<StorageOptimizer>;
  Result<StorageOptimizer> open(std::shared_ptr<rocksdb::Env> env) {
    return open_with(places_.store, std::move(env), planted_,
                     call_.begin == PublicCall::Begin::opened_busy);
  }
  Result<void> make_call(Store& store, Ledger& ledger, Violation& wrong);
  Violation look_after(StorageOptimizer& store, Ledger& ledger, bool closed);
  Violation look_again(Ledger& ledger);
  Violation honest(const StorageError& error) const;

  const PublicCall& call_;
  const std::string planted_;
  const fs::path images_;
  const Workload base_;
  IoFault fault_ = IoFault::once;
  std::optional<IoKind> kind_;  // that alone fails
  std::uint64_t operations_ = 0;
  bool writable_ = false;  // it said so since the error
  ScratchDirectory work_;
  const Places places_{work_.path() / "store", work_.path() / "beside"};
};

Result<void> FaultTrial::make_call(Store& store, Ledger& ledger, Violation& wrong) {
  if (call_.destroys()) {
    store.reset();
    return {};
  }
  if (!call_.opens()) return call_.make(store ? &*store : nullptr, places_, ledger, wrong);
  auto opened = open(FaultyFileSystem::env());
  if (!opened) return fail(opened.error());
  store.emplace(std::move(*opened));
  return {};
}

// It must not call an error of the disk damage, or blame the caller for it.
Violation FaultTrial::honest(const StorageError& error) const {
  const bool full = fault_ == IoFault::no_space;
  const ErrorCode code = error.code();
  if (code == ErrorCode::io_error || (full && code == ErrorCode::no_space)) return std::nullopt;
  return fmt::format("it calls an error of the disk {}: {}", to_string(code), error.message());
}

// The disk is well again if the error came once; else it may be anything but wrong.
Violation FaultTrial::look_after(StorageOptimizer& store, Ledger& ledger, bool closed) {
  writable_ = false;
  if (closed) return std::nullopt;
  const bool once = fault_ == IoFault::once;
  if (auto wrong = check_answers(store, ledger, !once)) return wrong;
  // A full disk has room again: writes are taken within seconds.
  const bool full = fault_ == IoFault::no_space;
  if (full) IoFaults::instance().disarm();
  Result<void> written;
  for (int i = 0; i < (full ? 60 : 3) && !writable_; ++i) {
    if (full && i > 1) std::this_thread::sleep_for(std::chrono::milliseconds(250));
    written = write_one(store, ledger);
    writable_ = written.has_value();
    // What was taken back by an error must not crowd the ledger: one doubt is like another.
    if (full && !writable_ && i < 59) ledger.withdraw();
  }
  if (auto wrong = check_answers(store, ledger, !once && !full)) return wrong;
  if (writable_) return std::nullopt;
  if (full) return "there is room again, and no write is taken: " + written.error().message();
  if (auto wrong = honest(written.error())) return wrong;
  if (once && written.error().message().find("opened again") == std::string::npos) {
    return "it takes no writes and does not say what to do: " + written.error().message();
  }
  return std::nullopt;
}

// Opened on a disk that is well: all there, every query right, and it can be written.
Violation FaultTrial::look_again(Ledger& ledger) {
  auto store = open(FaultyFileSystem::env());
  if (!store) return "it does not open again: " + store.error().message();
  auto found = scan(*store);
  if (!found) return "opened again, a scan fails: " + found.error().message();
  if (auto wrong = ledger.settle(*found)) return "opened again, " + *wrong;
  if (auto wrong = call_.mend(*store)) return "opened again: " + *wrong;
  if (auto wrong = check_queries(*store, *found, 1)) return "opened again: " + *wrong;
  const auto written = write_one(*store, ledger);
  if (!written) return "opened again, it takes no write: " + written.error().message();
  if (auto wrong = check_answers(*store, ledger, false)) return "opened again, " + *wrong;
  const auto closed = store->close();
  if (!closed) return "opened again, it does not close: " + closed.error().message();
  return std::nullopt;
}

Trial::Outcome FaultTrial::at(std::uint64_t point) {
  using Begin = PublicCall::Begin;
  const fs::path& directory = places_.store;
  // Of calls on files all files count; of others the store's own.
  const fs::path watched = call_.needs_files() ? work_.path() : directory;
  for (const auto& entry : fs::directory_iterator(work_.path())) fs::remove_all(entry.path());
  fs::create_directories(places_.beside);
  const bool absent = call_.begin == Begin::absent;
  if (!absent)
    copy_store(images_ / (call_.begin == Begin::closed ? "closed" : "crashed"), directory);
  Ledger ledger(absent ? Workload{} : base_);
  IoFaults& faults = IoFaults::instance();
  Outcome outcome;
  {
    Store store;
    if (call_.has_store()) store.emplace(value_of(open(FaultyFileSystem::env())));
    if (call_.files != nullptr) call_.files->prepare(store ? &*store : nullptr, places_, ledger);
    if (store) wait_until_still(watched);
    if (kind_) {
      faults.arm(watched, *kind_, "", point, fault_);
    } else {
      faults.arm(watched, point, fault_);
    }
    const auto result = make_call(store, ledger, outcome.wrong);
    operations_ = faults.operations();
    outcome.struck = faults.struck() > 0;
    outcome.failed = !result;
    if (outcome.struck) outcome.seen = to_string(faults.first_kind());
    if (fault_ == IoFault::once) faults.disarm();
    if (!result && !outcome.wrong) outcome.wrong = honest(result.error());
    const bool closes = call_.name == "close";
    if (store && !outcome.wrong) outcome.wrong = look_after(*store, ledger, closes);
    if (store && !closes) {
      const auto closed = store->close();
      if (!closed && writable_ && fault_ == IoFault::once && !outcome.wrong) {
        outcome.wrong = "it takes writes and does not close: " + closed.error().message();
      }
    }
  }
  const std::string where = faults.first_struck();
  faults.disarm();
  if (!outcome.wrong) outcome.wrong = look_again(ledger);
  if (!outcome.wrong && call_.needs_files()) outcome.wrong = call_.files->look(places_, ledger);
  if (outcome.wrong) outcome.wrong = fmt::format("({}) {}", where, *outcome.wrong);
  return outcome;
}

}  // namespace

void copy_store(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directories(to);
  fs::permissions(to, fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(from)) {
    const fs::path& name = entry.path().filename();
    if (name.extension() == ".sst") {
      fs::create_hard_link(entry.path(), to / name);
    } else {
      fs::copy_file(entry.path(), to / name);
    }
  }
}

std::unique_ptr<Trial> make_fault_trial(const TrialPlan& plan, const fs::path& images) {
  REQUIRE(find_call(plan.call) != nullptr);
  return std::make_unique<FaultTrial>(plan, images);
}

TEST_CASE("child: makes the images for errors of the disk", "[.child]") {
  const fs::path images = child_directory();
  {
    auto store = value_of(open_with(images / "closed", nullptr, "none", false));
    run_steps(store, base_workload());
    value_of(store.close());
  }
  auto store = value_of(open_with(images / "crashed", nullptr, "none", false));
  run_steps(store, base_workload());
  say("made");
  std::_Exit(0);
}

// RocksDB calls the first damage and the second the settings of another version; the third once
// made the store forget which logs must be there.
TEST_CASE("an opening that the disk fails says so, and changes nothing, on rocksdb", "[faults]") {
  const ScratchDirectory images, work;
  make_fault_images(images.path());
  const std::pair<IoKind, const char*> faults[] = {
      {IoKind::look, ".sst"}, {IoKind::open, "CURRENT"}, {IoKind::read, "caveat.lock"}};
  for (const auto& [kind, name] : faults) {
    const bool closed = kind == IoKind::look;
    const fs::path directory = work.path() / "store";
    copy_store(images.path() / (closed ? "closed" : "crashed"), directory);
    const std::string lock = bytes_of(directory / "caveat.lock");
    IoFaults::instance().arm(directory, kind, name);
    const auto failed = open_with(directory, FaultyFileSystem::env(), "none", false);
    INFO(to_string(kind) << " " << name);
    CHECK(IoFaults::instance().struck() == 1);
    IoFaults::instance().disarm();
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().code() == ErrorCode::io_error);
    if (kind == IoKind::read) CHECK(bytes_of(directory / "caveat.lock") == lock);
    auto store = value_of(open_with(directory, FaultyFileSystem::env(), "none", false));
    CHECK_FALSE(Ledger(base_workload()).compare(value_of(scan(store))));
  }
}

// RocksDB opens it several times. An error of the one by which it tries its options was told as a
// newer store: "Direct I/O is not supported".
TEST_CASE("CURRENT that cannot be opened is an error of the disk each time, on rocksdb",
          "[faults][regression]") {
  const ScratchDirectory images, work;
  make_fault_images(images.path());
  const fs::path directory = work.path() / "store";
  for (const IoFault fault : {IoFault::once, IoFault::sticky}) {
    std::uint64_t point = 0;
    for (;; ++point) {
      copy_store(images.path() / "closed", directory);
      IoFaults::instance().arm(directory, IoKind::open, "CURRENT", point, fault);
      const auto opened = open_with(directory, FaultyFileSystem::env(), "none", false);
      const bool struck = IoFaults::instance().struck() > 0;
      IoFaults::instance().disarm();
      INFO("opening " << point << (fault == IoFault::once ? ", once" : ", to stay"));
      if (!struck) break;
      if (opened) continue;  // one that it can do without
      INFO(opened.error().message());
      CHECK(opened.error().code() == ErrorCode::io_error);
    }
    CHECK(point >= 2);
  }
}

void make_fault_images(const fs::path& images) {
  ChildProcess child("child: makes the images for errors of the disk", images);
  REQUIRE(child.wait_for("made"));
  REQUIRE(child.wait() == 0);
}

}  // namespace caveat::test
