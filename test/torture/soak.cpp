#include "test/torture/soak.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <thread>

#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kProperties = 16;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double resident_mib() {
  std::ifstream in("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  in >> all >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

double open_files() {
  std::error_code error;
  return static_cast<double>(
      std::distance(fs::directory_iterator("/proc/self/fd", error), fs::directory_iterator()));
}

double disk_mib(const fs::path& path) {
  std::uintmax_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    const auto size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  return static_cast<double>(bytes) / (1 << 20);
}

// Since the last look.
class Latencies {
 public:
  void add(double us) {
    const std::lock_guard lock(mutex_);
    us_.push_back(us);
  }
  struct Summary {
    std::size_t count = 0;
    double p99 = 0;
    double max = 0;
  };
  Summary take() {
    std::vector<double> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(us_);
    }
    if (all.empty()) return {};
    std::sort(all.begin(), all.end());
    return {all.size(), all[all.size() * 99 / 100], all.back()};
  }

 private:
  std::mutex mutex_;
  std::vector<double> us_;
};

template <class Call>
auto timed(Latencies& latencies, const Call& call) {
  const auto begin = Clock::now();
  auto result = call();
  latencies.add(seconds_since(begin) * 1e6);
  return result;
}

class Soak {
 public:
  explicit Soak(const SoakPlan& plan)
      : plan_(plan), store_(value_of(open(plan.directory, options(plan)))) {}

  SoakResults run();

 private:
  static Options options(const SoakPlan& plan) {
    Options options;
    options.memory_budget_bytes = plan.budget_bytes;
    return options;
  }
  [[nodiscard]] ExceptionKey key(std::uint64_t i) const {
    return {i / kProperties, hash_property("property " + std::to_string(i % kProperties))};
  }
  // Says of which key it is, so that any answer can be checked.
  static Exception exception_of(std::uint64_t i, std::uint64_t round) {
    Exception exception;
    exception.inherited_value = static_cast<std::int64_t>(i);
    exception.actual_value = "value " + std::to_string(round % 100);
    exception.reason = "round " + std::to_string(round) + " of record " + std::to_string(i);
    exception.created_at = static_cast<std::int64_t>(round) * 1'000'000'000;
    exception.confidence = static_cast<float>(i % 100) / 100.0F;
    exception.source = static_cast<ExceptionSource>(i % kExceptionSourceCount);
    return exception;
  }
  void fill();
  void put();
  void get();
  void query();
  void maintain();
  void stall();
  void failed(const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (wrong_.empty()) wrong_ = what;
    stop_ = true;
  }

  const SoakPlan plan_;
  StorageOptimizer store_;
  Latencies puts_;
  Latencies gets_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> written_{0};  // by put()
  std::atomic<std::uint64_t> folded_{0};   // of these, in blocks for certain
  std::mutex mutex_;
  std::string wrong_;
  SoakResults held_;  // what stall() says
};

void Soak::fill() {
  std::vector<ExceptionRecord> records;
  for (std::uint64_t i = 0; i < plan_.records; ++i) records.push_back({key(i), exception_of(i, 0)});
  if (const auto stored = store_.bulk_store(records); !stored) failed(stored.error().message());
}

// One in eight is removed for a while: its round is stored again later.
void Soak::put() {
  std::mt19937_64 random(plan_.seed);
  for (std::uint64_t round = 1; !stop_; ++round) {
    const std::uint64_t i = random() % plan_.records;
    const auto done = timed(puts_, [&] {
      return round % 8 == 0 ? store_.remove_exception(key(i))
                            : store_.store_exception(key(i), exception_of(i, round));
    });
    if (!done) return failed("put: " + done.error().message());
    ++written_;
    if (plan_.leaked_bytes_a_write != 0) {
      auto* leak = new char[plan_.leaked_bytes_a_write];
      std::fill_n(leak, plan_.leaked_bytes_a_write, 'l');
      static std::vector<std::unique_ptr<char[]>> kept;
      kept.emplace_back(leak);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

void Soak::get() {
  std::mt19937_64 random(plan_.seed + 1);
  while (!stop_) {
    const std::uint64_t i = random() % (plan_.records * 2);  // half of them are never there
    const auto found = timed(gets_, [&] { return store_.retrieve_view(key(i)); });
    if (!found) return failed("get: " + found.error().message());
    if (!*found) continue;
    const std::string end = " of record " + std::to_string(i);
    if (i >= plan_.records || !(**found)->reason.ends_with(end)) return failed("a wrong record");
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
}

void Soak::query() {
  std::mt19937_64 random(plan_.seed + 2);
  while (!stop_) {
    Query query;
    query.limit = 200;
    const float low = static_cast<float>(random() % 100) / 100.0F;
    if (random() % 2 == 0) {
      query.confidence = Query::ConfidenceRange{low, low + 0.05F};
    } else {
      query.property = key(random() % kProperties).property_hash;
      query.source = static_cast<ExceptionSource>(random() % kExceptionSourceCount);
    }
    auto cursor = store_.query(query);
    if (!cursor) return failed("query: " + cursor.error().message());
    for (;;) {
      const auto record = cursor->next();
      if (!record) return failed("query: " + record.error().message());
      if (*record == nullptr) break;
      const bool meant = (!query.source || (*record)->source == *query.source) &&
                         (!query.confidence || (*record)->confidence >= query.confidence->min);
      if (!meant) return failed("a record that was not asked for");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void Soak::maintain() {
  const auto begin = Clock::now();
  for (int turn = 1; !stop_; ++turn) {
    // A dozen times a run.
    while (!stop_ && seconds_since(begin) < plan_.seconds / 12 * turn) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (stop_) return;
    const std::uint64_t written = written_;
    if (const auto done = store_.optimize_storage(); !done) return failed(done.error().message());
    folded_ = written;
    if (const auto done = store_.compact_storage(); !done) return failed(done.error().message());
  }
}

// What a cursor shows is of the moment it was opened, however long it waits; meanwhile statistics
// say that something is held.
void Soak::stall() {
  while (!stop_) {
    const auto begin = Clock::now();
    const Snapshot snapshot = store_.snapshot();
    const std::uint64_t written = written_;
    const auto wanted = store_.count({}, &snapshot);
    auto cursor = store_.query({}, &snapshot);
    if (!wanted || !cursor) return failed("a cursor to be held is not opened");
    std::uint64_t read = 0;
    const auto next = [&] {
      const auto record = cursor->next();
      if (!record) failed("a held cursor: " + record.error().message());
      if (!record || *record == nullptr) return false;
      ++read;
      return true;
    };
    while (read < 100 && next()) continue;
    while (!stop_ && seconds_since(begin) < plan_.seconds / 6 * 0.9) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    // One write may have been under way at the snapshot: the second behind it was folded without
    // it.
    const bool moved_on = folded_ > written + 1;
    const auto said = store_.estimate_storage_statistics();
    if (moved_on && said.pinned_versions == 0) return failed("nobody says that a cursor is held");
    held_.moved_on += moved_on ? 1 : 0;
    while (next()) continue;
    if (read != *wanted) return failed("a held cursor shows other records than there were");
    ++held_.cursors;
    held_.longest_held = std::max(held_.longest_held, seconds_since(begin));
    held_.most_pinned_mib = std::max(
        held_.most_pinned_mib,
        static_cast<double>(said.pinned_memory_bytes + said.pinned_stored_bytes) / (1 << 20));
  }
}

SoakResults Soak::run() {
  fill();
  std::vector<std::thread> threads;
  threads.emplace_back([this] { put(); });
  threads.emplace_back([this] { get(); });
  threads.emplace_back([this] { query(); });
  threads.emplace_back([this] { maintain(); });
  threads.emplace_back([this] { stall(); });
  SoakResults results;
  const auto begin = Clock::now();
  const double step = plan_.seconds / static_cast<double>(plan_.samples);
  for (std::size_t i = 1; i <= plan_.samples && !stop_; ++i) {
    while (!stop_ && seconds_since(begin) < step * static_cast<double>(i)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    const auto puts = puts_.take();
    const auto gets = gets_.take();
    results.samples.push_back({seconds_since(begin), resident_mib(), open_files(),
                               disk_mib(plan_.directory), gets.p99, puts.p99, puts.max / 1000,
                               static_cast<double>(puts.count + gets.count) / step});
  }
  stop_ = true;
  for (std::thread& thread : threads) thread.join();
  if (const auto closed = store_.close(); !closed) failed("close: " + closed.error().message());
  results.cursors = held_.cursors;
  results.moved_on = held_.moved_on;
  results.longest_held = held_.longest_held;
  results.most_pinned_mib = held_.most_pinned_mib;
  results.wrong = wrong_;
  return results;
}

double mean_of(const std::vector<SoakSample>& samples, double SoakSample::*figure, std::size_t from,
               std::size_t to) {
  double sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += samples[i].*figure;
  return to > from ? sum / static_cast<double>(to - from) : 0;
}

std::string bars(const std::vector<SoakSample>& samples, double SoakSample::*figure) {
  static constexpr const char* kBars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double most = 0;
  for (const SoakSample& sample : samples) most = std::max(most, sample.*figure);
  std::string line;
  for (const SoakSample& sample : samples) {
    const double share = most > 0 ? sample.*figure / most : 0;
    line += kBars[std::min<std::size_t>(7, static_cast<std::size_t>(share * 8))];
  }
  return line + fmt::format("  at most {:.1f}", most);
}

}  // namespace

SoakResults soak(const SoakPlan& plan) {
  return Soak(plan).run();
}

std::vector<Trend> trends_of(const std::vector<SoakSample>& samples) {
  const std::size_t n = samples.size();
  const auto trend = [&](const char* name, double SoakSample::*figure, double factor,
                         double slack) {
    return Trend{name, mean_of(samples, figure, n / 10, std::max(n / 3, n / 10 + 1)),
                 mean_of(samples, figure, n - n / 3, n), factor, slack};
  };
  return {trend("resident, MiB", &SoakSample::resident_mib, 1.1, 4),
          trend("open files", &SoakSample::open_files, 1.25, 8),
          trend("disk, MiB", &SoakSample::disk_mib, 1.5, 4),
          trend("get p99, us", &SoakSample::get_p99_us, 2, 200),
          trend("put p99, us", &SoakSample::put_p99_us, 2, 500)};
}

std::string soak_text(const std::vector<SoakSample>& samples) {
  std::string text =
      fmt::format("{:>8} {:>9} {:>6} {:>9} {:>11} {:>11} {:>11} {:>9}\n", "seconds", "resident",
                  "files", "disk MiB", "get p99 us", "put p99 us", "put max ms", "ops/s");
  for (const SoakSample& s : samples) {
    text +=
        fmt::format("{:>8.1f} {:>9.1f} {:>6.0f} {:>9.2f} {:>11.1f} {:>11.1f} {:>11.1f} {:>9.0f}\n",
                    s.seconds, s.resident_mib, s.open_files, s.disk_mib, s.get_p99_us, s.put_p99_us,
                    s.put_max_ms, s.operations);
  }
  text += "resident " + bars(samples, &SoakSample::resident_mib) + " MiB\n";
  text += "files    " + bars(samples, &SoakSample::open_files) + "\n";
  text += "disk     " + bars(samples, &SoakSample::disk_mib) + " MiB\n";
  text += "get p99  " + bars(samples, &SoakSample::get_p99_us) + " us\n";
  text += "put p99  " + bars(samples, &SoakSample::put_p99_us) + " us\n";
  return text;
}

}  // namespace caveat::test
