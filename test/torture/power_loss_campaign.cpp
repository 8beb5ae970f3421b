#include "test/torture/power_loss_campaign.h"

#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "adapters/rocksdb/spare_copy.h"
#include "test/support/store_files.h"
#include "test/torture/spread_points.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Case {
  PowerLoss way = PowerLoss::lost;
  std::uint64_t seed = 0;
  bool twice = false;
};

Violation opened_well(const fs::path& directory, const std::shared_ptr<PowerLossFileSystem>& files,
                      const std::vector<ExceptionRecord>& before) {
  auto store = open_on(files, directory);
  if (!store) return store.error().message();
  const auto records = scan(*store);
  if (!records) return records.error().message();
  if (*records != before) return "its records are not those that were recovered before";
  const auto closed = store->close();
  return closed ? std::nullopt : Violation("close: " + closed.error().message());
}

// The first operation after `from` that comes right behind one; where there is none, `from`.
std::size_t behind_a_rename(const DiskTrace& trace, std::size_t from) {
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    const std::size_t at = (from + i) % trace.events.size();
    if (trace.events[at].kind == DiskEvent::Kind::rename) return at + 1;
  }
  return from;
}

// All that was recovered was on the device by then, so another loss of power takes none of it.
Violation lose_power_again(const DiskTrace& recovery, const fs::path& directory,
                           const std::vector<ExceptionRecord>& records, const Case& one) {
  std::mt19937_64 random(one.seed);
  std::size_t point = random() % (recovery.events.size() + 1);
  // One in three behind a new name for a file: what that leads to must be there before.
  if (random() % 3 == 0) point = behind_a_rename(recovery, point);
  DiskState disk(recovery);
  for (std::size_t i = 0; i < point; ++i) disk.apply(recovery.events[i]);
  disk.write_after(one.way, random(), directory);
  const auto files = std::make_shared<PowerLossFileSystem>(directory);
  auto wrong = opened_well(directory, files, records);
  if (!wrong) return wrong;
  return fmt::format("power was lost again at operation {} of its recovery: {}", point, *wrong);
}

// It gets its name when its bytes are on the device.
Violation spare_is_whole(const fs::path& directory) {
  const fs::path spare = directory / detail::kSpareFile;
  if (!fs::exists(spare)) return std::nullopt;
  const auto decoded = detail::decode_spare(bytes_of(spare));
  return decoded ? std::nullopt : Violation(decoded.error().message());
}

// Opens the image, looks at everything, writes, closes and opens again.
Violation check_image(const Workload& workload, const std::vector<std::uint64_t>& prints,
                      const Progress& progress, const fs::path& directory, const Case& one) {
  if (auto wrong = spare_is_whole(directory)) return wrong;
  auto files = std::make_shared<PowerLossFileSystem>(directory);
  std::vector<ExceptionRecord> records;
  {
    auto opened = open_on(files, directory);
    if (!opened) return "it does not open: " + opened.error().message();
    StorageOptimizer& store = *opened;
    auto scanned = scan(store);
    if (!scanned) return scanned.error().message();
    records = std::move(*scanned);
    if (auto wrong = check_prefix(records, workload, prints, progress)) return wrong;
    if (auto wrong = check_queries(store, records, one.seed)) return wrong;
    if (one.twice) {
      const auto closed = store.close();
      if (!closed) return "close: " + closed.error().message();
      files->notice_removed();
      return lose_power_again(files->take_trace(), directory, records, one);
    }
    const ExceptionKey key{7'000'000, hash_property(property_name(0))};
    const ExceptionRecord added{key, numbered(key, 1)};
    WriteOptions options;
    options.durability = WriteOptions::Level::fsync;
    const auto written = store.store_exception(key, added.exception, options);
    if (!written) return "it cannot be written: " + written.error().message();
    records.push_back(added);
    const auto closed = store.close();
    if (!closed) return "close: " + closed.error().message();
  }
  return opened_well(directory, files, records);
}

// First line of what is kept: the case. The trace follows, in a file of its own.
std::string keep(const fs::path& folder, const Workload& workload, const DiskTrace& trace,
                 std::uint64_t point, const Case& one) {
  fs::create_directories(folder);
  const fs::path file =
      folder / fmt::format("{}-{}-{}-{}", workload.name, workload.seed, point, to_string(one.way));
  trace.save(file.string() + ".trace");
  std::ofstream(file) << fmt::format("{} {} {} {} {} {}\n", workload.name, workload.seed, point,
                                     static_cast<int>(one.way), one.seed, one.twice ? 1 : 0);
  return file.string();
}

// Of all names and bytes. Between two syncs what is left is often the same.
std::string digest_of(const fs::path& directory) {
  std::map<std::string, std::size_t> files;
  for (const auto& file : fs::directory_iterator(directory)) {
    files[file.path().filename()] = std::hash<std::string>()(bytes_of(file.path()));
  }
  std::string digest;
  for (const auto& [name, hash] : files) digest += fmt::format("{} {:x} ", name, hash);
  return digest;
}

}  // namespace

PowerLossResults lose_power(const Workload& workload, const PowerLossPlan& plan,
                            const Planted& planted) {
  const auto begin = Clock::now();
  const ScratchDirectory scratch;
  const DiskTrace trace = run_workload(workload, scratch.path() / "origin", planted);
  const auto prints = fingerprints(workload);
  std::mt19937_64 random(plan.seed);
  PowerLossResults results;
  results.operations = trace.operations();
  SpreadPoints points(results.operations, plan.points, plan.seconds, random());

  DiskState disk(trace);
  Progress progress;
  std::set<std::tuple<std::string, std::size_t, std::size_t>> seen;
  std::uint64_t operation = 0;
  for (const DiskEvent& event : trace.events) {
    const bool here = event.is_operation() && points.is_one(operation);
    if (event.is_operation()) ++operation;
    if (here) {
      ++results.points;
      for (const PowerLoss way : kPowerLosses) {
        const Case one{way, random(), random() % 4 == 0};
        const fs::path image = scratch.path() / "image";
        disk.write_after(way, one.seed, image);
        ++results.cases;
        if (!seen.emplace(digest_of(image), progress.begun, progress.durable).second) {
          ++results.same;
          continue;
        }
        if (one.twice) ++results.twice;
        const auto wrong = check_image(workload, prints, progress, image, one);
        if (!wrong) continue;
        std::string text =
            fmt::format("{} seed {}, operation {} of {}, {}: {}", workload.name, workload.seed,
                        operation, results.operations, to_string(way), *wrong);
        if (!plan.keep.empty()) {
          text += "\n  tools/torture power --repeat " +
                  keep(plan.keep, workload, trace, operation, one);
        }
        results.violations.push_back(std::move(text));
        if (plan.stop_at_first) return results;
      }
    }
    disk.apply(event);
    progress.apply(event, workload);
  }
  results.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return results;
}

Violation repeat_power_loss(const fs::path& kept) {
  std::ifstream in(kept);
  std::string name;
  std::uint64_t seed = 0, point = 0;
  int way = 0, twice = 0;
  Case one;
  in >> name >> seed >> point >> way >> one.seed >> twice;
  one.way = static_cast<PowerLoss>(way);
  one.twice = twice != 0;
  const auto trace = DiskTrace::load(kept.string() + ".trace");
  if (!in || !trace) return kept.string() + " is not what a failure left";
  const Workload workload = make_workload(name, seed);
  DiskState disk(*trace);
  Progress progress;
  std::uint64_t operation = 0;
  for (const DiskEvent& event : trace->events) {
    if (event.is_operation() && ++operation == point) break;
    disk.apply(event);
    progress.apply(event, workload);
  }
  const ScratchDirectory scratch;
  disk.write_after(one.way, one.seed, scratch.path() / "image");
  return check_image(workload, fingerprints(workload), progress, scratch.path() / "image", one);
}

}  // namespace caveat::test
