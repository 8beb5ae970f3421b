#include "tools/cli/report/trial.h"

#include <algorithm>
#include <chrono>

namespace caveat::cli {
namespace {

constexpr std::size_t kLookups = 20'000;

using Clock = std::chrono::steady_clock;

double nanoseconds_each(Clock::time_point begin, std::uint64_t calls) {
  const std::chrono::duration<double, std::nano> took = Clock::now() - begin;
  return calls == 0 ? 0 : took.count() / static_cast<double>(calls);
}

}  // namespace

double OptimizeTrial::ratio() const noexcept {
  if (bytes_now == 0) return 1.0;
  return std::min(1.0, static_cast<double>(bytes_after) / static_cast<double>(bytes_now));
}

Result<OptimizeTrial> try_optimize(const Census& census, ProgressSink& progress) {
  OptimizeTrial trial;
  trial.sample_records = census.sample.size();
  trial.bytes_now = census.sample_stored_bytes;
  if (census.sample.empty()) return trial;
  Options options;
  options.background_maintenance = false;
  StorageOptimizer store(census.sample.size(), options);
  CAVEAT_TRY(store.bulk_store(std::span<const ExceptionRecord>(census.sample)));
  CAVEAT_TRY(store.flush());
  CAVEAT_TRY(store.optimize_storage(&progress));
  CAVEAT_ASSIGN(const auto statistics, store.get_storage_statistics());
  trial.bytes_after = statistics.compression.compressed_bytes;
  CAVEAT_TRY(store.close());
  return trial;
}

Result<LookupTrial> try_lookups(const StorageOptimizer& store, const Census& census) {
  LookupTrial trial;
  if (census.sample.empty()) return trial;
  // Spread over the sample; of some other property, which no record has.
  const std::size_t step = census.sample.size() / kLookups + 1;
  const auto filtered = [&] { return store.estimate_storage_statistics().filter_negatives; };
  const std::uint64_t before = filtered();
  auto begin = Clock::now();
  for (std::size_t i = 0; i < census.sample.size(); i += step) {
    ExceptionKey key = census.sample[i].key;
    key.property_hash = ~(key.property_hash * 0x9E3779B97F4A7C15ULL) ^ i;
    CAVEAT_ASSIGN(const bool there, store.contains(key));
    if (!there) ++trial.absent;
  }
  trial.absent_ns = nanoseconds_each(begin, trial.absent);
  trial.without_a_block = filtered() - before;
  for (int pass = 0; pass < 2; ++pass) {  // the first fills the caches
    begin = Clock::now();
    trial.present = 0;
    for (std::size_t i = 0; i < census.sample.size(); i += step) {
      CAVEAT_ASSIGN(const auto found, store.retrieve_view(census.sample[i].key));
      if (found) ++trial.present;
    }
    trial.present_ns = nanoseconds_each(begin, trial.present);
  }
  return trial;
}

}  // namespace caveat::cli
