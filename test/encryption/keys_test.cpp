// Which keys open a store, and how they are changed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "engine/encryption/encrypted_backend.h"
#include "test/encryption/world.h"

namespace caveat::test {

namespace {

StorageError error_of(const Result<StorageOptimizer>& store) {
  REQUIRE_FALSE(store.has_value());
  return store.error();
}

std::vector<KeyId> ids_in(const StorageOptimizer& store) {
  std::vector<KeyId> ids;
  for (const auto& usage : value_of(store.key_usage())) ids.push_back(usage.key_id);
  return ids;
}

std::shared_ptr<KvBackend> store_under(const std::vector<KeyId>& ids) {
  const auto inner = shared_memory_backend();
  auto store = value_of(open_on(inner, with_keys(ids, small_options())));
  store_secrets(store, 0, 1000);
  value_of(store.close());
  return inner;
}

// Stops what it watches at the n-th step.
class StopAt final : public ProgressSink {
 public:
  StopAt(std::string stage, int steps) : stage_(std::move(stage)), steps_(steps) {}
  bool on_progress(const Progress& progress) override {
    return !progress.stage.starts_with(stage_) || steps_-- > 0;
  }

 private:
  std::string stage_;
  int steps_;
};

// Making an iterator takes a while, and says whether a family was emptied meanwhile.
class SlowToIterate final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    iterating = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    iterating = false;
    return BackendDouble::iterate(family, snapshot, readahead);
  }
  Result<void> clear(Family family) override {
    overlaps += iterating ? 1 : 0;
    return BackendDouble::clear(family);
  }
  std::atomic<bool> iterating{false};
  std::atomic<int> overlaps{0};
};

}  // namespace

TEST_CASE("no family is emptied while keys are counted or changed in it", "[regression][threads]") {
  auto slow = std::make_unique<SlowToIterate>(shared_memory_backend());
  SlowToIterate& inner = *slow;
  KeySheet sheet;
  sheet.cipher_id = 1;
  sheet.key_ids = {1};
  EncryptedBackend backend(std::move(slow), built_in_cipher(), sheet, {{1, key_numbered(1)}});
  value_of(backend.begin_numbers());
  for (const bool change : {false, true}) {
    std::atomic<bool> ended{false};
    std::thread reader([&] {
      if (change) {
        value_of(backend.reencrypt(nullptr));
      } else {
        value_of(backend.usage());
      }
      ended = true;
    });
    while (!ended) {
      if (inner.iterating) value_of(backend.clear(Family::property));
      std::this_thread::yield();
    }
    reader.join();
  }
  CHECK(inner.overlaps == 0);
}

TEST_CASE("a store opens with its key alone, and says what is wrong with any other") {
  const auto inner = store_under({1});
  const auto none = error_of(open_on(inner, small_options()));
  CHECK(none.code() == ErrorCode::key_missing);
  CHECK(none.message().find("key 1") != std::string::npos);

  const auto absent = error_of(open_on(inner, with_keys({2}, small_options())));
  CHECK(absent.code() == ErrorCode::key_missing);
  CHECK(absent.message().find("key 1") != std::string::npos);
  CHECK(absent.message().find("meta") != std::string::npos);

  Options wrong = small_options();
  auto ring = std::make_shared<KeyRing>();
  value_of(ring->add(1, key_numbered(9)));
  wrong.encryption.keys = ring;
  const auto other = error_of(open_on(inner, wrong));
  CHECK(other.code() == ErrorCode::wrong_key);
  CHECK(other.message().find("key 1") != std::string::npos);

  check_secrets(value_of(open_on(inner, with_keys({1}, small_options()))), 1000);
}

TEST_CASE("a directory that was refused for its key is not changed, rocksdb") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  {
    auto store = value_of(StorageOptimizer::open(path, with_keys({1}, small_options())));
    store_secrets(store, 0, 100);
  }
  CHECK(error_of(StorageOptimizer::open(path, small_options())).code() == ErrorCode::key_missing);
  CHECK(error_of(StorageOptimizer::open(path, with_keys({2}))).code() == ErrorCode::key_missing);
  check_secrets(value_of(StorageOptimizer::open(path, with_keys({1}, small_options()))), 100);
  // And where there is nothing yet, nothing is made under options that cannot be used.
  Options useless = with_keys({1});
  useless.encryption.keys = std::make_shared<KeyRing>();
  CHECK(error_of(StorageOptimizer::open(directory.path() / "new", useless)).code() ==
        ErrorCode::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "new"));
}

TEST_CASE("optimize ends a rotation: older keys are needed until then, and not after") {
  const auto inner = store_under({1});
  {
    auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
    store_secrets(store, 1000, 1100);
    value_of(store.flush());
    CHECK(ids_in(store) == std::vector<KeyId>{1, 2});
    const auto usage = value_of(store.key_usage());
    CHECK_FALSE(usage[0].current);
    CHECK(usage[1].current);
    CHECK(usage[0].bytes > usage[1].bytes);
    value_of(store.close());
  }
  CHECK(error_of(open_on(inner, with_keys({2}))).code() == ErrorCode::key_missing);
  {
    // Cut short: both keys stay.
    auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
    StopAt stop("encrypt anew", 0);
    const auto stopped = store.optimize_storage(&stop);
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().code() == ErrorCode::cancelled);
    check_secrets(store, 1100);
    value_of(store.close());
  }
  CHECK(error_of(open_on(inner, with_keys({2}))).code() == ErrorCode::key_missing);
  {
    auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
    CHECK(value_of(store.optimize_storage()).values_reencrypted > 0);
    CHECK(ids_in(store) == std::vector<KeyId>{2});
    CHECK(value_of(store.optimize_storage()).values_reencrypted == 0);
    value_of(store.close());
  }
  auto store = value_of(open_on(inner, with_keys({2}, small_options())));
  check_secrets(store, 1100);
  CHECK(value_of(store.verify()).sound());
}

TEST_CASE("rotation goes on while others write, and their writes stay", "[threads]") {
  const auto inner = store_under({1});
  Options options = with_keys({1, 2}, small_options());
  options.background_maintenance = true;
  auto store = value_of(open_on(inner, options));
  std::atomic<bool> stop{false};
  std::size_t written = 0;
  std::thread writer([&] {
    for (std::size_t i = 1000; !stop || written < 50; ++i, ++written) {
      REQUIRE(store.store_exception(secret_key(i), secret_exception(i)));
      REQUIRE(store.register_property("name/" + std::to_string(i)));
    }
  });
  value_of(store.optimize_storage());
  stop = true;
  writer.join();
  check_secrets(store, 1000 + written);
  CHECK(store.property_name(hash_property("name/1001")) == "name/1001");
  CHECK(ids_in(store) == std::vector<KeyId>{2});
  value_of(store.close());
  check_secrets(value_of(open_on(inner, with_keys({2}, small_options()))), 1000 + written);
}

TEST_CASE("a snapshot from before the rotation is read under the older key") {
  const auto inner = store_under({1});
  auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
  {
    const Snapshot before = store.snapshot();
    value_of(store.optimize_storage());
    store_secrets(store, 1000, 1200);
    CHECK(value_of(store.count({}, &before)) == 1000);
    const auto found = value_of(store.retrieve_exception(secret_key(5), &before));
    CHECK(found == secret_exception(5));
  }
  value_of(store.close());
  // It kept the older key on the list; the next optimize takes it off.
  auto again = value_of(open_on(inner, with_keys({1, 2}, small_options())));
  value_of(again.optimize_storage());
  value_of(again.close());
  check_secrets(value_of(open_on(inner, with_keys({2}, small_options()))), 1200);
}

// Who went by what lies under it (as `caveat encrypt` did) took the rotation for ended, and the key
// away: the store did not open any more.
TEST_CASE("a key that opening takes is shown, though nothing is under it", "[regression]") {
  const auto inner = store_under({1});
  {
    auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
    {
      const Snapshot before = store.snapshot();
      value_of(store.optimize_storage());
    }
    const auto usage = value_of(store.key_usage());
    REQUIRE(usage.size() == 2);
    CHECK(usage[0].key_id == 1);
    CHECK_FALSE(usage[0].current);
    CHECK(usage[0].values == 0);
    value_of(store.close());
  }
  CHECK(error_of(open_on(inner, with_keys({2}))).code() == ErrorCode::key_missing);
  auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
  CHECK(ids_in(store) == std::vector<KeyId>{1, 2});
  value_of(store.optimize_storage());
  CHECK(ids_in(store) == std::vector<KeyId>{2});
}

// It was looked for views behind the compaction alone.
TEST_CASE("a view that ends while the files are compacted keeps the older key", "[regression]") {
  class EndsAView final : public BackendDouble {
   public:
    EndsAView(std::shared_ptr<KvBackend> inner, std::optional<Snapshot>& view)
        : BackendDouble(std::move(inner)), view_(view) {}
    Result<void> compact(Family family, const std::function<bool()>& keep_going) override {
      auto compacted = BackendDouble::compact(family, keep_going);
      view_.reset();
      return compacted;
    }

   private:
    std::optional<Snapshot>& view_;
  };
  const auto inner = store_under({1});
  std::optional<Snapshot> view;
  {
    const auto options = with_keys({1, 2}, small_options());
    auto store =
        value_of(StorageOptimizer::open(std::make_unique<EndsAView>(inner, view), options));
    view = store.snapshot();
    value_of(store.optimize_storage());
    view.reset();
    value_of(store.close());
  }
  CHECK(error_of(open_on(inner, with_keys({2}))).code() == ErrorCode::key_missing);
  auto store = value_of(open_on(inner, with_keys({1, 2}, small_options())));
  value_of(store.optimize_storage());
  value_of(store.close());
  check_secrets(value_of(open_on(inner, with_keys({2}, small_options()))), 1000);
}

TEST_CASE("after any crash a store opens with its keys, whatever it was doing") {
  auto images = std::make_shared<KeepsImages::Images>();
  const auto open_kept = [&](const std::shared_ptr<KvBackend>& inner, const Options& options) {
    return StorageOptimizer::open(std::make_unique<KeepsImages>(inner, images), options);
  };
  const auto check_images = [&](Options options, std::size_t count) {
    REQUIRE(images->after.size() > 3);
    options.encryption.encrypt_existing = true;
    const std::size_t step = 1 + images->after.size() / 25;
    for (std::size_t i = 0; i < images->after.size(); i += step) {
      CAPTURE(i);
      auto store = value_of(open_on(images->after[i], options));
      check_secrets(store, count);
      CHECK(value_of(store.verify()).sound());
      value_of(store.close());
      CHECK(open_on(images->after[i], small_options()).error().code() == ErrorCode::key_missing);
    }
    images->after.clear();
  };
  images->keep = true;
  SECTION("rotation") {
    const auto inner = store_under({1});
    auto store = value_of(open_kept(inner, with_keys({1, 2}, small_options())));
    value_of(store.optimize_storage());
    value_of(store.close());
    check_images(with_keys({1, 2}, small_options()), 1000);
  }
  SECTION("encrypting a plain store") {
    const auto inner = shared_memory_backend();
    {
      auto plain = value_of(open_on(inner, small_options()));
      store_secrets(plain, 0, 1000);
      value_of(plain.close());
    }
    Options options = with_keys({1}, small_options());
    options.encryption.encrypt_existing = true;
    auto store = value_of(open_kept(inner, options));
    value_of(store.close());
    check_images(options, 1000);
  }
}

TEST_CASE("encrypting a plain store is told of, can be stopped at any step, and goes on") {
  class CountsAndStops final : public ProgressSink {
   public:
    bool on_progress(const Progress& progress) override {
      values = std::max<std::uint64_t>(values, progress.done);
      return ++steps <= stop_after;
    }
    std::uint64_t values = 0;
    int steps = 0;
    int stop_after = 0;
  };
  const auto inner = shared_memory_backend();
  {
    auto plain = value_of(open_on(inner, small_options()));
    store_secrets(plain, 0, 1000);
    value_of(plain.close());
  }
  Options options = with_keys({1}, small_options());
  options.encryption.encrypt_existing = true;
  CountsAndStops sink;
  options.encryption.progress = &sink;
  int stopped = 0;
  for (;; ++stopped) {
    REQUIRE(stopped < 100);
    sink.steps = 0;
    sink.stop_after = stopped;
    const auto opened = open_on(inner, options);
    if (opened) break;
    CHECK(opened.error().code() == ErrorCode::cancelled);
    // From the first step on it is an encrypted store.
    CHECK(error_of(open_on(inner, small_options())).code() == ErrorCode::key_missing);
  }
  CHECK(stopped > 3);
  CHECK(sink.values > 0);
  options.encryption.encrypt_existing = false;
  sink.stop_after = sink.steps = 0;  // nobody asks any more
  auto store = value_of(open_on(inner, options));
  CHECK(sink.steps == 0);
  check_secrets(store, 1000);
  CHECK(ids_in(store) == std::vector<KeyId>{1});
}

TEST_CASE("the use of keys is not asked of a closed store") {
  const auto inner = store_under({1});
  auto store = value_of(open_on(inner, with_keys({1}, small_options())));
  value_of(store.close());
  const auto refused = store.key_usage();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code() == ErrorCode::closed);
}

TEST_CASE("a full disk does not keep an encrypted store from being read") {
  class FullDisk final : public BackendDouble {
   public:
    FullDisk(std::shared_ptr<KvBackend> inner, const bool& full)
        : BackendDouble(std::move(inner)), full_(full) {}
    Result<void> write(const KvBatch& batch, Durability durability) override {
      if (full_) return fail(ErrorCode::no_space, "no room");
      return BackendDouble::write(batch, durability);
    }

   private:
    const bool& full_;
  };
  const auto inner = store_under({1});
  bool full = true;
  auto store = value_of(StorageOptimizer::open(std::make_unique<FullDisk>(inner, full),
                                               with_keys({1, 2}, small_options())));
  check_secrets(store, 1000);
  CHECK(store.store_exception(secret_key(1000), secret_exception(1000)).error().code() ==
        ErrorCode::no_space);
  full = false;
  value_of(store.store_exception(secret_key(1000), secret_exception(1000)));
  check_secrets(store, 1001);
  value_of(store.close());
  check_secrets(value_of(open_on(inner, with_keys({1, 2}, small_options()))), 1001);
  full = true;
  CHECK(StorageOptimizer::open(std::make_unique<FullDisk>(shared_memory_backend(), full),
                               with_keys({1}))
            .error()
            .code() == ErrorCode::no_space);
}

TEST_CASE("keys are read from text, and a bad line is named without its secret") {
  const std::string hex(64, 'a');
  const auto ring =
      value_of(KeyRing::parse("# keys\n\n1:" + hex + "\n 7:" + std::string(64, 'B') + " \r\n"));
  CHECK(ring.current() == 7);
  CHECK(value_of(ring.key(1)).bytes()[0] == 0xaa);
  CHECK(ring.key(2).error().code() == ErrorCode::key_missing);
  for (const std::string& bad :
       {std::string(), std::string("# none"), "1" + hex, ":" + hex, "x:" + hex, "0:" + hex,
        "4294967296:" + hex, "1:" + hex.substr(1), "1:" + hex + "a", "1:" + hex.substr(1) + "g",
        "1:" + hex + "\n1:" + hex}) {
    CAPTURE(bad);
    const auto refused = KeyRing::parse(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message().find("aaaa") == std::string::npos);
  }
}

TEST_CASE("older keys stay where a value that is to be encrypted anew cannot be read", "[damage]") {
  for (const Family family : {Family::primary, Family::meta}) {
    const auto inner = store_under({1});
    std::string key = "Z of nobody";
    if (family == Family::primary) {
      auto it = value_of(inner->iterate(family, nullptr, false));
      it->seek_to_first();
      it->next();
      REQUIRE(it->valid());
      key = it->key();
    }
    KvBatch batch;
    batch.put(family, key, "no envelope");
    value_of(inner->write(batch, Durability::wal));
    Options options = with_keys({1, 2}, small_options());
    std::vector<std::string> told;
    options.on_background_error = [&](const StorageError& error) {
      told.push_back(error.message());
    };
    auto store = value_of(open_on(inner, options));
    const auto done = value_of(store.optimize_storage());
    REQUIRE(done.first_error);
    CHECK(std::any_of(told.begin(), told.end(), [](const std::string& message) {
      return message.starts_with("encrypting anew");
    }));
    CHECK(ids_in(store).front() == 0);  // what nobody can read
    value_of(store.close());
    CHECK(error_of(open_on(inner, with_keys({2}))).code() == ErrorCode::key_missing);
  }
}

}  // namespace caveat::test
