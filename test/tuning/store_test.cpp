// A store that chooses: when it does, what stays, and what is said of it.
#include <iostream>

#include "engine/store/engine.h"
#include "engine/tuning/tuning_page.h"
#include "test/support/backend_double.h"
#include "test/support/stores.h"
#include "test/tuning/sample_maker.h"

namespace caveat::test {

namespace {

// Maintenance is the test's own; the rest is the store's to choose.
Options open_minded() {
  Options options;
  options.background_maintenance = false;
  return options;
}

StorageOptimizer open_on(const std::shared_ptr<KvBackend>& backend,
                         const Options& options = open_minded()) {
  return value_of(StorageOptimizer::open(std::make_unique<BackendDouble>(backend), options));
}

void load(StorageOptimizer& store, Kind kind, std::size_t count) {
  SampleMaker maker(kind);
  std::vector<ExceptionRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(maker.next());
    records.back().key.property_hash %= 50;
    records.back().key.node_id += i / 50 << 44;  // so that no two are one
  }
  value_of(store.bulk_store(records));
  value_of(store.flush());
}

TunedOption option_of(const StorageOptimizer& store, const std::string& name) {
  for (auto& option : value_of(store.explain_tuning()).options) {
    if (option.option == name) return option;
  }
  FAIL("there is no option " << name);
  return {};
}

std::string page_of(KvBackend& backend) {
  std::string page;
  value_of(backend.get(Family::meta, kTuningKey, nullptr, page));
  return page;
}

}  // namespace

TEST_CASE("the first large fold chooses, and what it chose outlives the store", "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  CHECK(option_of(store, "compression").chosen_by == ChosenBy::defaults);
  load(store, Kind::random_bytes, 20'000);
  const auto chosen = option_of(store, "compression");
  CHECK(chosen.chosen_by == ChosenBy::store);
  CHECK(chosen.value == "none");
  CHECK(chosen.candidates.size() >= 2);
  CHECK(chosen.why.find("on a sample of 2,048") != std::string::npos);
  const auto explained = value_of(store.explain_tuning());
  REQUIRE(explained.codecs.size() == 1);
  CHECK(explained.codecs.front().first == "none");
  CHECK(explained.rows / explained.partitions < 200);
  CHECK(explained.with_dictionary == 0);
  value_of(store.close());

  store = open_on(backend);
  CHECK(option_of(store, "compression").why == chosen.why);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("a store of few records keeps the defaults and says how many it wants", "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  load(store, Kind::phrases, 4'000);
  value_of(store.optimize_storage());
  const auto option = option_of(store, "partition_records");
  CHECK(option.chosen_by == ChosenBy::defaults);
  CHECK(option.value == "256");
  CHECK(option.why == "too few records to choose: 4,000 of 4,096");
  CHECK(page_of(*backend).empty());
}

TEST_CASE("optimize chooses from all of the store", "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  for (int part = 0; part < 4; ++part) load(store, Kind::phrases, 3'000);  // one over the other
  CHECK(page_of(*backend).empty());
  load(store, Kind::phrases, 30'000);
  value_of(store.optimize_storage());
  const auto tuning = value_of(decode_tuning(page_of(*backend)));
  CHECK(tuning.moment == Moment::optimize);
  CHECK(tuning.records == value_of(store.get_storage_statistics()).total_exceptions);
  CHECK(tuning.of(Tuned::optimize_level).chosen);
  CHECK(option_of(store, "optimize_compression_level").chosen_by == ChosenBy::store);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("a host that sets an option has it, and the store's choice when it does not",
          "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  load(store, Kind::random_bytes, 10'000);
  const auto own = option_of(store, "partition_records");
  REQUIRE(own.chosen_by == ChosenBy::store);
  value_of(store.close());

  auto options = open_minded();
  options.partition_records = 512;
  options.partition_bytes = kMiB;
  options.compression = CompressionAlgorithm::Zstd;
  store = open_on(backend, options);
  const auto set = option_of(store, "partition_records");
  CHECK(set.chosen_by == ChosenBy::host);
  CHECK(set.value == "512");
  CHECK(set.why.rfind("set by the host; the store would take " + own.value, 0) == 0);
  value_of(store.optimize_storage());
  const auto explained = value_of(store.explain_tuning());
  CHECK(explained.rows / explained.partitions > 400);
  REQUIRE(explained.codecs.size() == 1);
  CHECK(explained.codecs.front().first == "zstd");
  CHECK(value_of(store.verify()).sound());
  value_of(store.close());

  // It chose while these were set: of them it knows nothing.
  store = open_on(backend);
  CHECK(option_of(store, "partition_records").why == "was set by the host when the store chose");
}

TEST_CASE("damage to what was chosen costs nothing but the choice", "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  load(store, Kind::random_bytes, 10'000);
  value_of(store.close());
  auto page = page_of(*backend);
  REQUIRE(page.size() > 40);
  page[40] = static_cast<char>(page[40] ^ 1);
  KvBatch batch;
  batch.put(Family::meta, kTuningKey, page);
  value_of(backend->write(batch, Durability::wal));

  std::vector<std::string> told;
  auto options = open_minded();
  options.on_background_error = [&](const StorageError& error) { told.push_back(error.message()); };
  store = open_on(backend, options);
  REQUIRE(told.size() == 1);
  CHECK(told.front().find("tuning: checksum differs") != std::string::npos);
  const auto option = option_of(store, "compression");
  CHECK(option.chosen_by == ChosenBy::defaults);
  CHECK(option.value == "zstd");
  CHECK(option.why == "what the store had chosen cannot be read: tuning: checksum differs");
  CHECK(value_of(store.verify()).sound());
  CHECK(value_of(store.count({})) == 10'000);

  value_of(store.optimize_storage());
  CHECK(option_of(store, "compression").chosen_by == ChosenBy::store);
  value_of(store.close());
  told.clear();
  store = open_on(backend, options);
  CHECK(told.empty());
}

TEST_CASE("a choice of a newer version is left alone and not called damage", "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  load(store, Kind::random_bytes, 10'000);
  value_of(store.close());
  auto page = page_of(*backend);
  page[4] = 2;
  KvBatch batch;
  batch.put(Family::meta, kTuningKey, page);
  value_of(backend->write(batch, Durability::wal));
  std::size_t told = 0;
  auto options = open_minded();
  options.on_background_error = [&](const StorageError&) { ++told; };
  store = open_on(backend, options);
  CHECK(told == 0);
  CHECK(option_of(store, "compression").why.find("version 2") != std::string::npos);
}

TEST_CASE("what is chosen takes no more room than the defaults, but for what the rules allow",
          "[tuning]") {
  const auto bytes_with = [](Kind kind, const Options& options) {
    const auto backend = shared_memory_backend();
    auto store = open_on(backend, options);
    load(store, kind, 20'000);
    value_of(store.optimize_storage());
    std::uint64_t bytes = 0;
    const auto statistics = value_of(store.get_storage_statistics());
    for (const auto& index : statistics.indexes) bytes += index.bytes;
    std::string dictionary;
    value_of(backend->get(Family::meta, std::string_view("Z\0\0\0\x02", 5), nullptr, dictionary));
    return bytes + statistics.filter_bytes + dictionary.size();
  };
  Options fixed = open_minded();
  fixed.compression = CompressionAlgorithm::Zstd;
  fixed.compression_level = 3;
  fixed.optimize_compression_level = 12;
  fixed.partition_records = 256;
  fixed.partition_bytes = 32 << 10;
  fixed.dictionary_bytes = 112 << 10;
  for (const Kind kind : kKinds) {
    if (kind == Kind::long_text || kind == Kind::mixed) continue;  // many bytes, for seconds
    CAPTURE(name_of(kind));
    const auto before = bytes_with(kind, fixed);
    const auto after = bytes_with(kind, open_minded());
    std::cout << "tuning: " << name_of(kind) << ": " << before << " bytes with the defaults, "
              << after << " as chosen\n";
    CHECK(after * 100 <= before * 108);
  }
}

TEST_CASE("a fold that learnt that no dictionary is worth it asks again when there is more",
          "[tuning]") {
  const auto backend = shared_memory_backend();
  auto store = open_on(backend);
  load(store, Kind::random_bytes, 5'000);
  const auto first = page_of(*backend);
  REQUIRE_FALSE(first.empty());
  load(store, Kind::random_bytes, 6'000);  // most of them the same
  CHECK(page_of(*backend) == first);
  load(store, Kind::random_bytes, 30'000);
  CHECK(page_of(*backend) != first);
}

}  // namespace caveat::test
