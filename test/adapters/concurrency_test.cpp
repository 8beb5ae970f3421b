// Readers and writers at once. ThreadSanitizer runs these on the in-memory backend.
#include <atomic>
#include <chrono>
#include <thread>

#include "test/adapters/harness.h"

using namespace caveat;
using namespace caveat::test;

namespace {

constexpr int kKeys = 32;

// Each batch sets all keys of two families to one number, so a reader of one version must never
// see two numbers.
KvBatch batch_of(int number) {
  KvBatch batch;
  const std::string value = std::to_string(number);
  for (int k = 0; k < kKeys; ++k) {
    batch.put(Family::primary, key_of(k), value);
    batch.put(Family::property, key_of(k), value);
  }
  batch.append(Family::confidence, "log", value + ",");
  batch.put(Family::delta, key_of(1000 + number), value);
  if (number % 16 == 0) batch.erase_range(Family::delta, key_of(0), key_of(1000 + number));
  return batch;
}

// Empty, or what is wrong.
std::string check_version(KvBackend& b, const KvSnapshot* snapshot) {
  std::string expected, value;
  for (const Family family : {Family::primary, Family::property}) {
    auto iterator = b.iterate(family, snapshot, false);
    if (!iterator) return iterator.error().message();
    int keys = 0;
    for ((*iterator)->seek_to_first(); (*iterator)->valid(); (*iterator)->next(), ++keys) {
      if (expected.empty()) expected = std::string((*iterator)->value());
      if ((*iterator)->value() != expected) return "two numbers in one version";
    }
    if (keys != kKeys) return "a key is missing";
    const auto got = b.get(family, key_of(kKeys / 2), snapshot, value);
    if (!got || !*got || value != expected) return "get and iterator differ";
  }
  const auto got = b.get(Family::confidence, "log", snapshot, value);
  if (!got || !*got || !value.ends_with("," + expected + ",")) return "the log differs";
  return {};
}

}  // namespace

TEMPLATE_TEST_CASE("readers see whole batches while writers go on", "[threads]", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  put(b, Family::confidence, "log", ",");
  must(b.write(batch_of(0), Durability::wal));
  std::atomic<bool> stop{false};
  std::atomic<int> checks{0};
  std::vector<std::string> failures(3);
  std::vector<std::thread> readers;
  for (std::string& failure : failures) {
    readers.emplace_back([&] {
      while (!stop && failure.empty()) {
        const auto snapshot = b.snapshot();
        failure = snapshot ? check_version(b, snapshot->get()) : snapshot.error().message();
        ++checks;
      }
    });
  }
  // On a busy machine all could be written before the first of them runs.
  while (checks == 0) std::this_thread::yield();
  for (int i = 1; i <= 400; ++i) {
    must(b.write(batch_of(i), Durability::wal));
    if (i % 100 == 0) {
      must(b.compact(Family::confidence, {}));
      must(b.compact(Family::primary, {}));
      must(b.properties());
    }
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  for (const std::string& failure : failures) CHECK(failure == "");
  CHECK(checks > 0);
  CHECK(walk(b, Family::delta).size() == 1);  // 400 is a multiple of 16
}

TEMPLATE_TEST_CASE("several writers lose nothing", "[threads]", CAVEAT_BACKENDS) {
  TestType kind;
  KvBackend& b = *kind.backend;
  constexpr int kWriters = 4;
  constexpr int kEach = 200;
  std::atomic<int> failed{0};
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      KvBatch batch;
      for (int i = 0; i < kEach; ++i) {
        batch.clear();
        batch.append(Family::primary, "shared", std::string(1, static_cast<char>('a' + w)));
        batch.put(Family::delta, key_of(static_cast<std::uint64_t>(w * kEach + i)), "row");
        // Key-by-key range erasure beside ordinary writes.
        if (i % 50 == 0) batch.erase_range(Family::source, "a", "z");
        batch.put(Family::source, "m", "v");
        if (!b.write(batch, Durability::none)) ++failed;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failed == 0);
  const std::string shared = read(b, Family::primary, "shared").value_or("");
  for (int w = 0; w < kWriters; ++w) {
    CHECK(std::count(shared.begin(), shared.end(), static_cast<char>('a' + w)) == kEach);
  }
  CHECK(walk(b, Family::delta).size() == kWriters * kEach);
}

TEST_CASE("the in-memory backend drops versions that nobody sees", "[threads]") {
  const auto b = make_memory_backend();
  const std::string value(4096, 'v');
  const auto bytes = [&] { return must(b->properties()).families[2].memtable_bytes; };
  put(*b, Family::primary, "k", value);
  const auto one = bytes();
  for (int i = 0; i < 100; ++i) put(*b, Family::primary, "k", value);
  CHECK(bytes() < one + 200);
  {
    const auto old = must(b->snapshot());
    for (int i = 0; i < 100; ++i) put(*b, Family::primary, "k", value);
    CHECK(bytes() < 2 * one + 400);  // the one that the snapshot sees, and the newest
    erase(*b, Family::primary, "k");
    CHECK(read(*b, Family::primary, "k", old.get()) == value);
  }
  CHECK(bytes() == 0);
  // Entries that a fold drops under a reader go when that reader goes.
  for (int i = 0; i < 1000; ++i) put(*b, Family::primary, key_of(i), value);
  auto iterator = must(b->iterate(Family::primary, nullptr, true));
  erase_range(*b, Family::primary, key_of(0), key_of(1000));
  CHECK(walk(*iterator).size() == 1000);
  CHECK(bytes() > 4096000);
  iterator.reset();
  CHECK(bytes() == 0);
}

// It waited until there was no reader for a moment.
TEST_CASE("rocksdb empties a family while others are read without a pause",
          "[threads][regression]") {
  RocksdbKind kind;
  KvBackend& b = *kind.backend;
  put(b, Family::primary, "a", "1");
  put(b, Family::property, "a", "1");
  std::atomic<bool> stop{false};
  std::atomic<int> reading{0};
  std::atomic<int> failures{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i) {
    readers.emplace_back([&] {
      std::string value;
      ++reading;
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
      while (!stop && std::chrono::steady_clock::now() < end) {
        const auto got = b.get(Family::primary, "a", nullptr, value);
        if (!got || !*got) ++failures;
      }
      --reading;
    });
  }
  while (reading < 6) std::this_thread::yield();
  for (int i = 0; i < 3; ++i) must(b.clear(Family::property));
  CHECK(reading == 6);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(failures == 0);
  CHECK(walk(b, Family::property).empty());
}
