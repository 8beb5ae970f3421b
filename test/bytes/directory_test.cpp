// Any byte of any file of a closed store, in a child process: what is read is an error or what was
// written, never anything else. An abort inside RocksDB is counted apart.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <map>
#include <random>

#include "test/support/child_process.h"
#include "test/support/formats/records.h"
#include "test/support/seed.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRecords = 3000;

Options small_options() {
  Options options;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.partition_records = 64;
  options.background_maintenance = false;
  options.create_if_missing = false;
  return options;
}

// Tables of every family and runs behind blocks; then more in the log alone.
void make_store(const fs::path& path) {
  auto options = small_options();
  options.create_if_missing = true;
  auto store = value_of(StorageOptimizer::open(path, options));
  const auto records = cldr_records(kRecords);
  for (std::size_t i = 0; i < 6; ++i) value_of(store.register_property(cldr_property(i)));
  value_of(store.bulk_store(std::span(records).first(kRecords / 2)));
  value_of(store.flush());
  value_of(store.optimize_storage());
  value_of(store.bulk_store(std::span(records).subspan(kRecords / 2)));
  value_of(store.flush());
  for (std::size_t i = 0; i < kRecords; i += 10)
    value_of(store.store_exception(records[i].key, records[i].exception));
  value_of(store.close());
}

// What a reading of everything came to.
enum class Outcome { equal, error, wrong };

Outcome same(const Result<std::vector<ExceptionRecord>>& found,
             std::vector<ExceptionRecord> wanted) {
  if (!found) return Outcome::error;
  const auto by_key = [](const auto& a, const auto& b) { return a.key < b.key; };
  std::sort(wanted.begin(), wanted.end(), by_key);
  return std::equal(found->begin(), found->end(), wanted.begin(), wanted.end(),
                    [](const auto& a, const auto& b) {
                      return a.key == b.key && a.exception == b.exception;
                    })
             ? Outcome::equal
             : Outcome::wrong;
}

// `first` is the first thing that is wrong.
Outcome read_everything(const fs::path& path, std::string& first) {
  static const auto records = cldr_records(kRecords);
  auto store = StorageOptimizer::open(path, small_options());
  if (!store) return Outcome::error;
  bool errors = false;
  const auto note = [&](Outcome outcome, const char* what) {
    errors = errors || outcome == Outcome::error;
    if (outcome == Outcome::wrong && first.empty()) first = what;
  };
  const auto chosen = [&](auto wanted) {
    std::vector<ExceptionRecord> some;
    std::copy_if(records.begin(), records.end(), std::back_inserter(some), wanted);
    return some;
  };
  note(same(store->query_by_time_range(INT64_MIN, INT64_MAX), records), "all by time");
  note(same(store->query_by_source(ExceptionSource::Promoted),
            chosen([](const auto& r) { return r.exception.source == ExceptionSource::Promoted; })),
       "by source");
  const auto property = hash_property(cldr_property(3));
  note(same(store->query_by_property(property),
            chosen([&](const auto& r) { return r.key.property_hash == property; })),
       "by property");
  note(same(store->query_by_confidence_range(1.0F, 1.0F),
            chosen([](const auto& r) { return r.exception.confidence == 1.0F; })),
       "by confidence");
  for (std::size_t i = 0; i < kRecords; i += 3) {
    const auto got = store->retrieve_exception(records[i].key);
    note(!got                                    ? Outcome::error
         : *got && **got == records[i].exception ? Outcome::equal
                                                 : Outcome::wrong,
         "a get");
    const auto missing = store->contains({records[i].key.node_id, 12345});
    note(!missing ? Outcome::error : *missing ? Outcome::wrong : Outcome::equal, "a miss");
  }
  const auto verified = store->verify();
  errors = errors || !verified || !verified->errors.empty();
  if (!first.empty()) return Outcome::wrong;
  return errors ? Outcome::error : Outcome::equal;
}

std::vector<fs::path> files_of(const fs::path& store) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(store))
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string damage(const fs::path& store, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto files = files_of(store);
  const auto& file = files[random() % files.size()];
  const auto size = fs::file_size(file);
  const auto at = random() % size;
  const auto kind = random() % 4;
  if (kind == 3) {
    fs::resize_file(file, at);
  } else {
    auto bytes = bytes_of(file);
    const char was = bytes[at];
    bytes[at] = static_cast<char>(kind == 0   ? was ^ 1
                                  : kind == 1 ? (was == 0 ? 0xFF : 0)
                                              : was ^ 0x5A);
    std::ofstream(file, std::ios::binary) << bytes;
  }
  return file.filename().string() + " byte " + std::to_string(at) + " of " + std::to_string(size) +
         (kind == 3 ? " cut" : " changed " + std::to_string(kind));
}

std::uint64_t number_in(const fs::path& file) {
  return std::strtoull(bytes_of(file).c_str(), nullptr, 10);
}

struct Tally {
  std::map<std::string, std::uint64_t> counts;
  std::vector<std::string> wrong;
  [[nodiscard]] std::uint64_t cases() const {
    std::uint64_t all = 0;
    for (const auto& [outcome, count] : counts) all += count;
    return all;
  }
};

// The child goes from case to case; where it dies, another one goes on behind.
Tally damage_stores(std::uint64_t seed, std::uint64_t cases, std::uint64_t seconds,
                    const char* child_case) {
  ScratchDirectory directory;
  make_store(directory.path() / "sound");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  const auto more = [&](std::uint64_t done) {
    return seconds == 0 ? done < cases : std::chrono::steady_clock::now() < end;
  };
  Tally tally;
  for (std::uint64_t done = 0; more(done);) {
    std::ofstream(directory.path() / "next") << seed + done;
    std::ofstream(directory.path() / "stderr").close();
    ChildProcess child(child_case, directory.path());
    std::string doing, line = child.next_line();
    for (; !line.empty(); line = child.next_line()) {
      if (line.starts_with("damage ")) {
        doing = line.substr(7);
        continue;
      }
      ++done;
      ++tally.counts[line.substr(0, line.find(':'))];
      if (line.starts_with("wrong")) tally.wrong.push_back(doing + " " + line);
      doing.clear();
      if (!more(done)) break;
    }
    if (!line.empty()) continue;  // there is time no more; the child is ended
    const int status = child.wait();
    ++done;
    const auto said = bytes_of(directory.path() / "stderr");
    const bool ours = said.find("Sanitizer") != std::string::npos ||
                      said.find("runtime error") != std::string::npos ||
                      said.find("caveat") != std::string::npos;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && !ours) {
      ++tally.counts["abort in RocksDB"];
      std::cout << "rocksdb aborts: " << doing << ": " << said.substr(0, 300) << '\n';
    } else {
      ++tally.counts["crash"];
      tally.wrong.push_back(doing + " crash, status " + std::to_string(status) + ": " +
                            said.substr(0, 2000));
    }
  }
  return tally;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

void damage_and_read_on(bool planted) {
  const auto base = child_directory();
  const int log = ::open((base / "stderr").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(log, 2);
  for (std::uint64_t seed = number_in(base / "next");; ++seed) {
    const auto path = base / "damaged";
    fs::remove_all(path);
    fs::copy(base / "sound", path, fs::copy_options::recursive);
    say("damage " + std::to_string(seed) + " " + damage(path, seed));
    if (planted) {  // as if the damage had passed every checksum
      fs::remove_all(path);
      fs::copy(base / "sound", path, fs::copy_options::recursive);
      auto store = value_of(StorageOptimizer::open(path, small_options()));
      value_of(store.remove_exception(cldr_records(1)[0].key));
    }
    std::string first;
    const auto outcome = read_everything(path, first);
    say(outcome == Outcome::equal   ? "equal"
        : outcome == Outcome::error ? "error"
                                    : "wrong: " + first);
  }
}

}  // namespace

TEST_CASE("child: damage a store and read it again and again", "[.child]") {
  damage_and_read_on(false);
}
TEST_CASE("child: lose a record of a store again and again", "[.child]") {
  damage_and_read_on(true);
}

// CAVEAT_BYTES_SECONDS makes it longer, CAVEAT_SEED repeats a run from its first case.
TEST_CASE("a damaged file of a store on rocksdb is an error or an equal answer", "[bytes]") {
  const auto seed = chosen_seed();
  INFO("CAVEAT_SEED=" << seed);
  const auto tally = damage_stores(seed, 40, from_environment("CAVEAT_BYTES_SECONDS", 0),
                                   "child: damage a store and read it again and again");
  std::cout << "directories: " << tally.cases() << " cases";
  for (const auto& [outcome, count] : tally.counts) std::cout << ", " << count << ' ' << outcome;
  std::cout << ", seed " << seed << '\n';
  for (const auto& wrong : tally.wrong) FAIL_CHECK("CAVEAT_SEED=" << wrong);
  CHECK(tally.cases() > 0);
}

// RocksDB took such a place for the end of the MANIFEST, and the store was as it was once.
TEST_CASE("damage within a MANIFEST is refused by name, on rocksdb", "[bytes][regression]") {
  ScratchDirectory directory;
  make_store(directory.path() / "sound");
  std::string manifest;
  for (const auto& file : files_of(directory.path() / "sound"))
    if (file.filename().string().starts_with("MANIFEST-")) manifest = file.filename().string();
  const auto sound = bytes_of(directory.path() / "sound" / manifest);
  for (std::size_t at = 0; at < 200; at += 3) {
    const auto path = directory.path() / "damaged";
    fs::remove_all(path);
    fs::copy(directory.path() / "sound", path, fs::copy_options::recursive);
    auto bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] == 0 ? 0xFF : 0);
    std::ofstream(path / manifest, std::ios::binary) << bytes;
    CAPTURE(at);
    const auto opened = StorageOptimizer::open(path, small_options());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == ErrorCode::corruption);
    CHECK(opened.error().message().find(manifest) != std::string::npos);
  }
}

// It was the store as it was once: fewer records, or none, and verify called that sound.
TEST_CASE("a MANIFEST whose end is missing is refused by name, on rocksdb", "[bytes][regression]") {
  ScratchDirectory directory;
  const auto sound = directory.path() / "sound";
  make_store(sound);
  std::string manifest;
  for (const auto& file : files_of(sound))
    if (file.filename().string().starts_with("MANIFEST-")) manifest = file.filename().string();
  const auto size = fs::file_size(sound / manifest);
  const auto path = directory.path() / "cut";
  for (std::uint64_t length = 0; length < size; length += 1 + size / 40) {
    fs::remove_all(path);
    fs::copy(sound, path);
    fs::resize_file(path / manifest, length);
    CAPTURE(length);
    const auto opened = StorageOptimizer::open(path, small_options());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == ErrorCode::corruption);
    CHECK(opened.error().message().find((path / manifest).string()) == 0);
  }
}

TEST_CASE("planted: a record that damage loses in silence is caught, on rocksdb", "[bytes]") {
  const auto tally = damage_stores(1, 2, 0, "child: lose a record of a store again and again");
  CHECK(tally.wrong.size() == 2);
}

}  // namespace caveat::test
