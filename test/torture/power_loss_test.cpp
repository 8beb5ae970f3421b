// Power is lost at any write to the disk: what was synced is there, and the rest is a prefix.
//
// A few points of each workload by default; tools/torture power does more, and CAVEAT_SEED repeats.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "test/support/backend_double.h"
#include "test/support/seed.h"
#include "test/support/store_files.h"
#include "test/torture/power_loss_campaign.h"
#include "test/torture/spread_points.h"

namespace caveat::test {

namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr std::uint64_t kGatePoints = 20;

void print_heading() {
  std::printf("%-12s %10s %8s %8s %8s %8s %10s %8s\n", "workload", "operations", "points", "losses",
              "same", "twice", "violations", "seconds");
}

void print_row(std::string_view name, const PowerLossResults& results) {
  std::printf(
      "%-12s %10llu %8llu %8llu %8llu %8llu %10zu %8.1f\n", std::string(name).c_str(),
      static_cast<unsigned long long>(results.operations),
      static_cast<unsigned long long>(results.points),
      static_cast<unsigned long long>(results.cases), static_cast<unsigned long long>(results.same),
      static_cast<unsigned long long>(results.twice), results.violations.size(), results.seconds);
  for (const std::string& violation : results.violations) std::printf("%s\n", violation.c_str());
  std::fflush(stdout);
}

class LowersDurability final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability) override {
    return BackendDouble::write(batch, Durability::wal);
  }
};

class DropsAnIndex final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<void> write(const KvBatch& batch, Durability durability) override {
    const auto drop = [&](const KvBatch::Entry& entry) {
      const bool adds = entry.op == KvBatch::Op::append || entry.op == KvBatch::Op::put;
      return entry.family == Family::source && adds && ++hints_ % 5 == 0;
    };
    return BackendDouble::write(without(batch, drop), durability);
  }

 private:
  std::uint64_t hints_ = 0;
};

// RocksDB's backend is closed by its destructor: a double leaves what it wraps open.
template <class Double>
Planted around() {
  Planted planted;
  planted.backend = [](std::unique_ptr<KvBackend> inner) {
    return std::make_unique<Double>(std::shared_ptr<KvBackend>(std::move(inner)));
  };
  return planted;
}

std::size_t caught(const Planted& planted, std::uint64_t points,
                   std::string_view workload = "batches") {
  const PowerLossPlan plan{.seed = 1, .points = points, .keep = {}, .stop_at_first = true};
  return lose_power(make_workload(workload, 1), plan, planted).violations.size();
}

}  // namespace

TEST_CASE("after a loss of power all that was synced is there, on rocksdb", "[power]") {
  const std::uint64_t seed = chosen_seed();
  std::printf("repeat with CAVEAT_SEED=%llu\n", static_cast<unsigned long long>(seed));
  print_heading();
  for (const std::string_view name : kWorkloads) {
    const PowerLossResults results =
        lose_power(make_workload(name, seed), {.seed = seed, .points = kGatePoints, .keep = {}});
    print_row(name, results);
    CHECK(results.points > 0);
    CHECK(results.violations.empty());
  }
}

TEST_CASE("power is lost at every operation of small workloads, on rocksdb", "[power]") {
  const std::uint64_t seed = chosen_seed();
  std::printf("repeat with CAVEAT_SEED=%llu\n", static_cast<unsigned long long>(seed));
  print_heading();
  for (const std::string_view name : kSmallWorkloads) {
    const PowerLossResults results = lose_power(
        make_workload(name, seed), {.seed = seed, .points = kSanitized ? 8U : 0U, .keep = {}});
    print_row(name, results);
    if (!kSanitized) CHECK(results.points == results.operations);
    CHECK(results.violations.empty());
  }
}

// Environment: see tools/campaigns/power.
TEST_CASE("the campaign: losses of power at many points, on rocksdb", "[.power-campaign]") {
  const std::uint64_t seed = chosen_seed();
  const std::uint64_t seconds = number_from("CAVEAT_TORTURE_SECONDS", 0);
  const char* const keep = std::getenv("CAVEAT_TORTURE_KEEP");
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  print_heading();
  const double share = static_cast<double>(seconds) / static_cast<double>(std::size(kWorkloads));
  for (const std::string_view name : kWorkloads) {
    PowerLossPlan plan{.seed = seed, .points = 0, .seconds = share, .keep = {}};
    // A case takes some 50 ms.
    if (seconds > 0) plan.points = 1 + static_cast<std::uint64_t>(share / (4 * 0.05));
    if (keep != nullptr) plan.keep = keep;
    const PowerLossResults results = lose_power(make_workload(name, seed), plan);
    print_row(name, results);
    CHECK(results.points > 0);
    CHECK(results.violations.empty());
  }
}

TEST_CASE("the campaign: one loss of power again, on rocksdb", "[.power-repeat]") {
  const char* const kept = std::getenv("CAVEAT_TORTURE_REPEAT");
  REQUIRE(kept != nullptr);
  const Violation violation = repeat_power_loss(kept);
  std::printf("%s\n", violation ? violation->c_str() : "no violation");
  CHECK_FALSE(violation);
}

// Where the time was gone before the first point, on a busy machine, a campaign had none and
// passed; and a slow one saw the beginning of a workload only.
TEST_CASE("points are spread over all operations, whatever they cost", "[power][regression]") {
  for (const double cost : {0.001, 0.1, 1.0, 7.0, 1000.0}) {
    double now = 0;
    SpreadPoints points(1000, 200, 20, 1, [&] { return now; });
    std::uint64_t last = 0;
    for (std::uint64_t operation = 0; operation < 1000; ++operation) {
      if (!points.is_one(operation)) continue;
      last = operation;
      now += cost;
    }
    INFO("a point costs " << cost);
    CHECK(points.taken() >= 1);
    CHECK(static_cast<double>(points.taken()) <= 20 / cost + 1);
    if (cost <= 1) CHECK(last > 800);
    if (cost < 0.01) CHECK(points.taken() > 900);
  }
  SpreadPoints all(50, 0, 0, 1);
  for (std::uint64_t operation = 0; operation < 50; ++operation) CHECK(all.is_one(operation));
}

TEST_CASE("planted: a disk that lies about its syncs is caught, on rocksdb", "[power][planted]") {
  Planted planted;
  planted.lies_about_syncs = true;
  CHECK(caught(planted, 20) == 1);
}

TEST_CASE("planted: fsync that is carried out as wal is caught, on rocksdb", "[power][planted]") {
  CHECK(caught(around<LowersDurability>(), 60) == 1);
}

TEST_CASE("planted: an index entry that is dropped is caught, on rocksdb", "[power][planted]") {
  CHECK(caught(around<DropsAnIndex>(), 60) == 1);
}

TEST_CASE("planted: a second copy of the catalogue that is not synced is caught, on rocksdb",
          "[power][planted]") {
  Planted planted;
  planted.forgets_syncs_of_spare = true;
  CHECK(caught(planted, 0, "few batches") == 1);
}

TEST_CASE("the second copy of the catalogue is in the trace, on rocksdb", "[power]") {
  const ScratchDirectory scratch;
  const DiskTrace trace = run_workload(make_workload("few batches", 1), scratch.path() / "origin");
  const auto spare = [](const DiskEvent& event) {
    return event.kind == DiskEvent::Kind::rename && event.other == "caveat.spare";
  };
  CHECK(std::any_of(trace.events.begin(), trace.events.end(), spare));
  DiskState disk(trace);
  for (const DiskEvent& event : trace.events) disk.apply(event);
  disk.write_after(PowerLoss::reordered, 1, scratch.path() / "image");
  CHECK(bytes_of(scratch.path() / "image" / "caveat.spare") ==
        bytes_of(scratch.path() / "origin" / "caveat.spare"));
}

TEST_CASE("a world that was stopped writes nothing more, on rocksdb", "[power]") {
  const ScratchDirectory scratch;
  const auto files = std::make_shared<PowerLossFileSystem>(scratch.path());
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const std::string name = (scratch.path() / "file").string();
  REQUIRE(files->NewWritableFile(name, {}, &file, nullptr).ok());
  REQUIRE(file->Append("synced ", {}, nullptr).ok());
  REQUIRE(file->Sync({}, nullptr).ok());
  REQUIRE(file->Append("not synced", {}, nullptr).ok());
  files->stop_at(files->operations());
  CHECK_FALSE(file->Append("never", {}, nullptr).ok());
  CHECK_FALSE(files->RenameFile(name, name + "2", {}, nullptr).ok());
  const DiskTrace trace = files->take_trace();
  DiskState disk(trace);
  for (const DiskEvent& event : trace.events) disk.apply(event);
  // The directory was never synced: lost, the file is; else it has its name or not.
  disk.write_after(PowerLoss::lost, 1, scratch.path() / "image");
  CHECK_FALSE(std::filesystem::exists(scratch.path() / "image" / "file"));
  DiskEvent sync;
  sync.kind = DiskEvent::Kind::sync_directory;
  disk.apply(sync);
  disk.write_after(PowerLoss::lost, 1, scratch.path() / "image");
  CHECK(bytes_of(scratch.path() / "image" / "file") == "synced ");
}

}  // namespace caveat::test
