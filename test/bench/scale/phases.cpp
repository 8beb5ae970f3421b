#include "test/bench/scale/phases.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>

#include "test/bench/harness/numbers.h"
#include "test/bench/scale/latencies.h"

namespace fs = std::filesystem;

namespace caveat::bench {

using peers::must;
using peers::now;

namespace {

constexpr std::size_t kWrittenKept = 1000;  // the last writes, to look for them

double disk_mib(const fs::path& path) {
  return static_cast<double>(peers::disk_bytes(path.string())) / 1048576;
}

}  // namespace

Phases::Phases(const Settings& settings, const Stream& stream, const peers::Dataset& data)
    : settings_(settings),
      stream_(stream),
      data_(data),
      path_(fs::path(settings.directory) / "store") {
  fs::remove_all(path_);
  fs::create_directories(settings.directory);
  open_store();
}

void Phases::open_store() {
  Options options;
  options.memory_budget_bytes = settings_.budget_mib * kMiB;
  store_.emplace(must(caveat::open(path_, options)));
  memory_.set_store(&*store_);
}

void Phases::close_store() {
  memory_.set_store(nullptr);
  must(store_->close());
  store_.reset();
}

void Phases::line(const std::string& what, double value, const std::string& unit) {
  (*section_)[what] = value;
  std::printf("  %-34s %12s %s\n", what.c_str(), peers::human(value).c_str(), unit.c_str());
  std::fflush(stdout);
}

void Phases::memory_lines() {
  const MemoryWatch::Peak peak = memory_.take();
  most_mib_ = std::max(most_mib_, peak.resident_mib);
  line("most resident", peak.resident_mib, "MiB above the data set");
  line("the store's own sum then", peak.own_sum_mib, "MiB");
  (*section_)["memory_parts_mib"] = peak.parts;
}

void Phases::load() {
  section_ = &result["load"];
  std::printf("load\n");
  constexpr std::uint64_t kChunk = 10000, kStep = 1000000;
  std::vector<std::string_view> names;
  for (const auto& property : data_.props) names.push_back(property.name);
  must(store_->register_properties(names));
  std::vector<peers::Record> chunk;
  std::vector<double> rates;
  auto& steps = (*section_)["steps"] = peers::json::array();
  double written_s = 0, step_s = 0;  // without the time to make the records
  std::uint64_t step_records = 0;
  for (std::uint64_t i = 0; i < stream_.size();) {
    chunk.clear();
    for (; i < stream_.size() && chunk.size() < kChunk; ++i) chunk.push_back(stream_.at(i));
    const auto views = views_.of(chunk);
    const double start = now();
    must(store_->bulk_store(views));
    if (i == stream_.size()) must(store_->flush());
    const double took = now() - start;
    written_s += took;
    step_s += took;
    step_records += chunk.size();
    if (i % kStep == 0 || i == stream_.size()) {
      rates.push_back(static_cast<double>(step_records) / step_s);
      const StorageStatistics statistics = store_->estimate_storage_statistics();
      const double own_mib = static_cast<double>(statistics.memory_bytes) / 1048576;
      auto& parts =
          (steps.emplace_back(peers::json{{"records", i},
                                          {"records_per_s", rates.back()},
                                          {"resident_mib", memory_.resident_mib()},
                                          {"own_sum_mib", own_mib},
                                          {"disk_mib", disk_mib(path_)}}))["memory_parts"];
      for (const auto& part : statistics.memory_parts) parts[std::string(part.name)] = part.bytes;
      std::printf("  %12llu records %10s/s   resident %6.0f MiB (own sum %4.0f)   disk %8.0f MiB\n",
                  static_cast<unsigned long long>(i), peers::human(rates.back()).c_str(),
                  memory_.resident_mib(), own_mib, disk_mib(path_));
      std::fflush(stdout);
      step_s = 0;
      step_records = 0;
    }
  }
  const auto records = static_cast<double>(stream_.size());
  line("records/s, all, flush included", records / written_s, "");
  line("records/s, first million", rates.front(), "");
  line("records/s, slowest million", *std::min_element(rates.begin(), rates.end()), "");
  line("records/s, last million", rates.back(), "(with the final flush)");
  line("disk, bytes a record", disk_mib(path_) * 1048576 / records, "(open, logs and all)");
  memory_lines();
}

void Phases::upserts() {
  section_ = &result["upserts"];
  std::printf("upserts, one by one, any key, for %.0f s\n", settings_.upsert_seconds);
  peers::Rng random(settings_.seed + 2);
  // Nothing here grows with the number of writes, or it would be counted as the store's memory.
  Latencies latencies;
  std::deque<std::pair<ExceptionKey, std::int64_t>> written;
  std::size_t slow = 0;
  const double begin = now(), end = begin + settings_.upsert_seconds;
  double before = begin;
  for (std::int64_t n = 0; before < end; ++n) {
    const peers::Record old = stream_.at(random.below(stream_.size()));
    Exception changed;
    changed.actual_value = "changed to " + std::to_string(random.below(1000));
    changed.inherited_value = "inherited";
    changed.reason = std::string(old.reason);
    changed.created_at = old.created_ns + n;
    changed.confidence = static_cast<float>(random.below(10001)) / 10000.0F;
    changed.source = ExceptionSource::Detected;
    const double start = now();
    must(store_->store_exception({old.node, old.prop}, changed));
    before = now();
    latencies.add(before - start);
    if (before - start > 0.1) {
      ++slow;
      std::printf("  after %.1f s a write took %.0f ms\n", start - begin, (before - start) * 1e3);
    }
    if (n % 97 == 0) written.emplace_back(ExceptionKey{old.node, old.prop}, changed.created_at);
    if (written.size() > kWrittenKept) written.pop_front();
  }
  if (latencies.count() == 0) return;
  line("upsert, ops/s", static_cast<double>(latencies.count()) / (before - begin), "");
  line("upsert, p50 us", latencies.percentile(.5) * 1e6, "");
  line("upsert, p99 us", latencies.percentile(.99) * 1e6, "");
  line("upsert, p99.99 us", latencies.percentile(.9999) * 1e6, "");
  line("upsert, slowest, ms", latencies.slowest() * 1e3, "");
  line("upserts above 100 ms", static_cast<double>(slow), "");
  const StorageStatistics waits = store_->estimate_storage_statistics();
  line("paced or waiting for folds, s", static_cast<double>(waits.write_stall_ns) / 1e9,
       "(since it was opened)");
  line("waits for whole folds", static_cast<double>(waits.write_stalls), "");
  line("stalls of the backend", static_cast<double>(waits.backend.stall_count), "");
  line("stalled in the backend, s", static_cast<double>(waits.backend.stall_micros) / 1e6, "");
  const double start = now();
  must(store_->flush());
  line("flush after them, s", now() - start, "");
  memory_lines();
  line("resident", memory_.resident_mib(), "MiB above the data set");
  // (A key that was written again since has the time of that.)
  for (const auto& [key, created_at] : written) {
    const auto found = must(store_->retrieve_view(key));
    if (!found || (**found).created_at < created_at) throw std::runtime_error("an upsert is lost");
  }
}

void Phases::optimize() {
  section_ = &result["optimize"];
  std::printf("optimize and compact\n");
  double start = now();
  must(store_->optimize_storage());
  const double took = now() - start;
  line("optimize, s", took, "");
  line("optimize, us a record", took / static_cast<double>(stream_.size()) * 1e6, "");
  start = now();
  must(store_->compact_storage());
  line("compact, s", now() - start, "");
  memory_lines();
  close_store();
  const double records = static_cast<double>(stream_.size());
  line("disk closed, bytes a record", disk_mib(path_) * 1048576 / records, "");
  line("disk closed", disk_mib(path_), "MiB");
  open_store();
}

void Phases::open() {
  section_ = &result["open"];
  std::printf("open\n");
  std::vector<double> ms;
  for (int i = 0; i < 3; ++i) {
    close_store();
    const double start = now();
    open_store();
    ms.push_back((now() - start) * 1e3);
  }
  line("open, warm, ms", peers::median(ms), "");
  line("resident after open", memory_.resident_mib(), "MiB above the data set");
  close_store();
  if (settings_.cold && peers::drop_caches()) {
    const double start = now();
    open_store();
    line("open, cold, ms", (now() - start) * 1e3, "");
    const double read = peers::io_read_bytes();
    constexpr std::uint64_t kGets = 2000;
    gets("cold get", kGets, settings_.seed + 9);
    line("cold get, KiB read each", (peers::io_read_bytes() - read) / 1024 / kGets, "");
  } else {
    std::printf("  (the page cache is not emptied: no cold figures)\n");
    open_store();
  }
}

void Phases::finish() {
  section_ = &result["end"];
  std::printf("in the end\n");
  memory_lines();
  close_store();
  line("most resident of all", most_mib_, "MiB above the data set");
  if (!settings_.keep) fs::remove_all(path_);
}

}  // namespace caveat::bench
