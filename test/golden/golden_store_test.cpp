// Stores that earlier versions wrote, frozen: this version opens each, finds in it what its answers
// say, and calls it sound. tools/golden makes a new one. They are opened as copies: never changed.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/rocksdb/live_checkpoint.h"
#include "adapters/rocksdb/rocksdb_backend.h"
#include "caveat/encryption.h"
#include "engine/store/engine.h"
#include "engine/store/features.h"
#include "engine/tuning/tuning_page.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"
#include "test/support/test_folder.h"

namespace caveat::test {

namespace {

namespace fs = std::filesystem;

// 64 bits of FNV-1a: no code of the library's that a later version might change.
class Digest {
 public:
  void add(const std::string& text) {
    for (const char c : text + '\n') {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
    }
  }
  [[nodiscard]] std::string text() const {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash_));
    return hex;
  }

 private:
  std::uint64_t hash_ = 0xCBF29CE484222325U;
};

std::string text_of(const PropertyValue& value) {
  if (const auto* list = value.as_list()) {
    std::string text = "[";
    for (const auto& item : *list) text += text_of(item) + ",";
    return text + "]";
  }
  if (const auto* string = value.as_string()) {
    return "s" + std::to_string(string->size()) + ":" + *string;
  }
  if (const auto* number = value.as_integer()) return "i" + std::to_string(*number);
  if (const auto* yes = value.as_boolean()) return *yes ? "true" : "false";
  if (const auto* real = value.as_float()) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, real, sizeof bits);
    return "f" + std::to_string(bits);
  }
  return "null";
}

std::string text_of(const ExceptionView& view) {
  const Exception record = view.to_exception();
  return std::to_string(view.key.node_id) + " " + std::to_string(view.key.property_hash) + " " +
         text_of(record.inherited_value) + " " + text_of(record.actual_value) + " " +
         record.reason + " " + std::string(to_string(record.source)) + " " +
         std::to_string(record.created_at) + " " +
         std::to_string(static_cast<int>(record.confidence * 1'000'000));
}

// "NAME COUNT DIGEST": how many, and which, in order.
std::string answer(const StorageOptimizer& store, const std::string& name, const Query& query) {
  auto cursor = value_of(store.query(query));
  Digest digest;
  std::size_t count = 0;
  while (const ExceptionView* view = value_of(cursor.next())) {
    digest.add(text_of(*view));
    ++count;
  }
  if (query.order == QueryOrder::key) CHECK(value_of(store.count(query)) == count);
  return name + " " + std::to_string(count) + " " + digest.text() + "\n";
}

std::string answers(StorageOptimizer& store) {
  std::string text = answer(store, "all", {});
  for (std::size_t i = 0; i < kExceptionSourceCount; ++i) {
    Query query;
    query.source = static_cast<ExceptionSource>(i);
    text += answer(store, "source-" + std::string(to_string(*query.source)), query);
  }
  for (int tenth = 0; tenth < 10; ++tenth) {
    Query query;
    query.confidence = Query::ConfidenceRange{static_cast<float>(tenth) / 10.0F,
                                              static_cast<float>(tenth + 1) / 10.0F};
    text += answer(store, "confidence-" + std::to_string(tenth), query);
  }
  constexpr std::int64_t kYear = std::int64_t{31'557'600} * 1'000'000'000;
  for (std::int64_t year = 40; year < 56; ++year) {
    Query query;
    query.time = Query::TimeRange{year * kYear, (year + 1) * kYear};
    text += answer(store, "year-" + std::to_string(1970 + year), query);
  }
  for (const QueryOrder order : {QueryOrder::confidence, QueryOrder::time}) {
    for (const bool descending : {false, true}) {
      Query query;
      query.order = order;
      query.descending = descending;
      query.limit = 200;
      text += answer(store,
                     std::string("order-") + (order == QueryOrder::time ? "time" : "confidence") +
                         (descending ? "-desc" : ""),
                     query);
    }
  }
  // Every property that occurs, and its name.
  std::map<PropertyHash, std::size_t> properties;
  auto cursor = value_of(store.query({}));
  while (const ExceptionView* view = value_of(cursor.next())) ++properties[view->key.property_hash];
  Digest names;
  std::size_t nameless = 0;
  std::size_t found = 0;
  for (const auto& [property, records] : properties) {
    const auto name = store.property_name(property);
    nameless += name ? 0U : 1U;
    names.add(name.value_or("?"));
    Query query;
    query.property = property;
    found += value_of(store.count(query));
  }
  text += "properties " + std::to_string(properties.size()) + " " + names.text() + "\n";
  text += "nameless " + std::to_string(nameless) + "\n";
  text += "by-property " + std::to_string(found) + "\n";
  return text;
}

Options plain_options() {
  Options options;
  options.create_if_missing = false;
  options.background_maintenance = false;
  options.memory_budget_bytes = 32 * kMiB;
  return options;
}

bool is_encrypted(const fs::path& golden) {
  return golden.filename().string().ends_with("-encrypted");
}

// With the key that everybody knows, where it needs one.
Options options_of(const fs::path& golden) {
  Options options = plain_options();
  if (is_encrypted(golden)) {
    const std::string text = bytes_of(test_folder() / "encrypted.key");
    options.encryption.keys = std::make_shared<KeyRing>(value_of(KeyRing::parse(text)));
  }
  return options;
}

std::string digest_of(const fs::path& store) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(store)) files.push_back(file.path());
  std::sort(files.begin(), files.end());
  Digest digest;
  for (const auto& file : files) digest.add(file.filename().string() + bytes_of(file));
  return digest.text();
}

std::vector<fs::path> golden_stores() {
  std::vector<fs::path> stores;
  for (const auto& entry : fs::directory_iterator(test_folder())) {
    const bool readable = built_in_cipher() != nullptr || !is_encrypted(entry.path());
    if (entry.is_directory() && readable) stores.push_back(entry.path());
  }
  return stores;
}

}  // namespace

TEST_CASE("stores of every version are opened, answered from and sound", "[golden]") {
  const auto stores = golden_stores();
  REQUIRE(!stores.empty());
  for (const fs::path& golden : stores) {
    INFO(golden.filename());
    const std::string before = digest_of(golden);
    const ScratchDirectory directory;
    const fs::path copy = directory.path() / "store";
    fs::copy(golden, copy);
    auto store = value_of(StorageOptimizer::open(copy, options_of(golden)));
    // What is in the log is replayed, not lost.
    CHECK(store.estimate_storage_statistics().delta_rows > 0);
    // Later ones have chosen whether they want any.
    if (golden.filename() < "store-4") {
      CHECK(store.estimate_storage_statistics().dictionaries > 0);
    }
    CHECK(value_of(store.verify()).sound());
    const std::string wanted = bytes_of(golden.string() + ".txt");
    CHECK(answers(store) == wanted);
    // And so it is after all of it was written anew.
    value_of(store.optimize_storage());
    CHECK(answers(store) == wanted);
    CHECK(value_of(store.verify()).sound());
    value_of(store.close());
    CHECK(digest_of(golden) == before);
  }
}

TEST_CASE("stores of every version say what they use, and get no feature before they need it",
          "[golden]") {
  const std::map<std::string, std::uint64_t> stored = {
      {"store-1", 0}, {"store-2", 1}, {"store-3", 3}, {"store-4", 3}, {"store-4-encrypted", 3}};
  CHECK(golden_stores().size() == stored.size() - (built_in_cipher() == nullptr ? 1 : 0));
  for (const fs::path& golden : golden_stores()) {
    INFO(golden.filename());
    const ScratchDirectory directory;
    const fs::path copy = directory.path() / "store";
    fs::copy(golden, copy);
    const auto page = [&](std::string_view key) {
      std::string bytes;
      if (is_encrypted(golden)) {  // what the keys give
        auto store = value_of(StorageOptimizer::open(copy, options_of(golden)));
        value_of(store.engine().core().backend->get(Family::meta, key, nullptr, bytes));
        value_of(store.close());
      } else {
        auto backend = value_of(open_rocksdb_backend(copy, {}));
        value_of(backend->get(Family::meta, key, nullptr, bytes));
        value_of(backend->close());
      }
      return bytes;
    };
    const auto features = [&] {
      return value_of(Superblock::decode(page(kSuperblockKey))).features;
    };
    // The page of measurements came with the fourth.
    CHECK(page(kTuningKey).empty() == (golden.filename() < "store-4"));
    CHECK(features() == stored.at(golden.filename()));
    const auto use = [&](const auto& how) {
      auto store = value_of(StorageOptimizer::open(copy, options_of(golden)));
      how(store);
      value_of(store.close());
    };
    use([](StorageOptimizer& store) { value_of(store.rebuild_indexes()); });
    use([](StorageOptimizer& store) {
      value_of(store.store_exception({1, hash_property("of no golden store")}, {}));
    });
    const std::uint64_t names = bit_of(Feature::names_without_hashes);
    CHECK(features() == (stored.at(golden.filename()) | names));
    use([](StorageOptimizer& store) { value_of(store.optimize_storage()); });
    CHECK(features() == kKnownFeatures);
  }
}

TEST_CASE("a golden store that was changed is found out", "[golden][planted]") {
  for (const fs::path& golden : golden_stores()) {
    for (const fs::path& table : tables_of(golden, "primary")) {
      const ScratchDirectory directory;
      const fs::path copy = directory.path() / "store";
      fs::copy(golden, copy);
      flip_bit(copy / table.filename(), fs::file_size(table) / 2);
      const auto store = StorageOptimizer::open(copy, options_of(golden));
      CHECK((!store || !value_of(store->verify()).sound()));
    }
  }
}

// For tools/golden: adds what only a store that was not closed has, and freezes it.
TEST_CASE("make a golden store", "[.make]") {
  const char* from = std::getenv("CAVEAT_GOLDEN_FROM");
  const char* to = std::getenv("CAVEAT_GOLDEN_TO");
  REQUIRE(from != nullptr);
  REQUIRE(to != nullptr);
  const ScratchDirectory directory;
  {
    Options options = options_of(to);
    options.durability = Durability::fsync;
    auto store = value_of(StorageOptimizer::open(from, options));
    std::map<std::string, std::map<std::string, std::uint64_t>> encodings;  // blocks by column
    for (const auto& column : value_of(store.column_statistics())) {
      for (const auto& [name, blocks] : column.encodings) encodings[name][column.name] = blocks;
    }
    for (const auto& [name, columns] : encodings) {
      std::printf("%s:", name.c_str());
      for (const auto& [column, blocks] : columns) {
        std::printf(" %s %llu", column.c_str(), static_cast<unsigned long long>(blocks));
      }
      std::printf("\n");
    }
    // Every encoding that blocks know.
    for (const char* name : {"constant", "packed", "delta", "runs", "sparse", "dictionary", "fresh",
                             "node_delta", "by_node", "by_property"}) {
      INFO(name);
      // "split:by_node+runs" names two, and how they are used.
      CHECK(std::any_of(encodings.begin(), encodings.end(), [&](const auto& encoding) {
        std::string words = encoding.first;
        std::replace(words.begin(), words.end(), ':', '+');
        return ("+" + words + "+").find("+" + std::string(name) + "+") != std::string::npos;
      }));
    }
    CHECK(store.estimate_storage_statistics().partitions_with_runs > 0);
    Exception recent;
    recent.actual_value = PropertyValue::List{std::string("recent"), true, 1.5, std::int64_t{-1}};
    recent.created_at = 1'600'000'000'000'000'000;
    const auto named = value_of(store.register_property("golden/recent"));
    for (NodeId node = 0; node < 20; ++node) {
      value_of(store.store_exception({node * 1000, named}, recent));
      value_of(store.remove_exception({node * 1000, named + 1}));
    }
    value_of(store.clear_node(3000));
    const auto copy = value_of(checkpoint_of_live_store(from, directory.path()));
    fs::remove_all(to);
    fs::copy(copy, to);
    for (const char* file : {"caveat.lock", "caveat.origin", "LOCK", "LOG", "IDENTITY"}) {
      fs::remove(fs::path(to) / file);
    }
  }
  const fs::path copy = directory.path() / "look";
  fs::copy(to, copy);
  auto store = value_of(StorageOptimizer::open(copy, options_of(to)));
  CHECK(value_of(store.verify()).sound());
  std::ofstream(std::string(to) + ".txt") << answers(store);
}

}  // namespace caveat::test
