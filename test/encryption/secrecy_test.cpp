// Nothing of a record can be read in the files, at any time; and no nonce is used twice.
#include "test/encryption/world.h"

namespace caveat::test {

namespace {

// Everything a store does to its files. Calls `look` after each stage.
void live_through(const Options& options, const std::filesystem::path& path,
                  const std::function<void(const char*)>& look) {
  constexpr std::size_t kRecords = 4000;
  auto store = value_of(StorageOptimizer::open(path, options));
  store_secrets(store, 0, 1500);
  look("logged");
  value_of(store.flush());
  look("flushed");
  // One by one, each plain in its record of the log; appended runs; one record alone in its
  // partition; a name that waits for its first record; a clear.
  store_secrets(store, 1500, kRecords);
  for (std::size_t i = 0; i < 50; ++i) {
    value_of(store.store_exception(secret_key(i * 7), secret_exception(i * 7)));
  }
  Exception large = secret_exception(0);
  for (int i = 0; i < 15; ++i) large.reason += large.reason;
  value_of(store.store_exception({kSecretNode + 5000, hash_property(secret_name(1))}, large));
  value_of(store.register_property(secret_name(77)));
  value_of(store.clear_node(kSecretNode + 5001));
  look("written to");
  value_of(store.flush());
  value_of(store.optimize_storage());
  look("optimized");
  value_of(store.remove_exception({kSecretNode + 5000, hash_property(secret_name(1))}));
  value_of(store.close());
  look("closed");
  auto again = value_of(StorageOptimizer::open(path, options));
  check_secrets(again, kRecords);
  CHECK(value_of(again.verify()).sound());
  CHECK(value_of(again.key_usage()).size() == (options.encryption.wanted() ? 1 : 0));
  value_of(again.compact_storage());
  value_of(again.close());
  look("compacted");
}

}  // namespace

TEST_CASE("nothing of a record can be read in the files of an encrypted store, rocksdb") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  live_through(with_keys({1}, small_options()), path, [&](const char* stage) {
    CAPTURE(stage);
    CHECK(secrets_in_files(path) == std::vector<std::string>{});
  });
}

TEST_CASE(
    "the search for secrets finds those of a plain store, and of a cipher that does nothing") {
  ScratchDirectory directory;
  std::size_t found = 0;
  live_through(small_options(), directory.path() / "plain",
               [&](const char*) { found += secrets_in_files(directory.path() / "plain").size(); });
  CHECK(found > 10);
  Options planted = with_keys({1}, small_options());
  planted.encryption.cipher = std::make_shared<NoCipher>();
  found = 0;
  live_through(planted, directory.path() / "bug",
               [&](const char*) { found += secrets_in_files(directory.path() / "bug").size(); });
  CHECK(found > 10);
}

TEST_CASE("nothing of a record is left in a plain store that was encrypted, rocksdb") {
  ScratchDirectory directory;
  const auto path = directory.path() / "store";
  live_through(small_options(), path, [](const char*) {});
  CHECK_FALSE(secrets_in_files(path).empty());
  Options options = with_keys({1}, small_options());
  const auto refused = StorageOptimizer::open(path, options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == ErrorCode::invalid_argument);
  CHECK(refused.error().message().find("not encrypted") != std::string::npos);
  options.encryption.encrypt_existing = true;
  auto store = value_of(StorageOptimizer::open(path, options));
  CHECK(secrets_in_files(path) == std::vector<std::string>{});
  check_secrets(store, 4000);
  CHECK(value_of(store.verify()).sound());
  value_of(store.close());
  CHECK(secrets_in_files(path) == std::vector<std::string>{});
}

TEST_CASE("no nonce is used twice under one key, whatever happens to the store") {
  auto cipher = std::make_shared<LedgerCipher>();
  const auto use = [&](const std::shared_ptr<KvBackend>& inner, const std::vector<KeyId>& ids) {
    Options options = with_keys(ids, small_options());
    options.encryption.cipher = cipher;
    auto store = value_of(open_on(inner, options));
    store_secrets(store, 0, 600);
    value_of(store.flush());
    store_secrets(store, 0, 100);
    value_of(store.optimize_storage());
    value_of(store.close());
  };
  const auto inner = shared_memory_backend();
  use(inner, {1});
  use(inner, {1, 2});
  use(inner, {2});
  const auto restored = image_of(*inner);
  use(inner, {2, 1});
  use(restored, {2, 1});
  CHECK(cipher->uses() > 100);
  CHECK(cipher->repeats() == 0);

  // Even when the system's random bytes are all the same...
  cipher->broken_random = true;
  const auto other = shared_memory_backend();
  use(other, {3});
  const auto copy = image_of(*other);
  use(other, {3});
  CHECK(cipher->repeats() < 10);  // of sheets, whose tags are all alike
  // ... unless there are two copies of the store: this is what the random half is for, and how
  // this test shows that it would notice.
  const auto before = cipher->repeats();
  use(copy, {3});
  CHECK(cipher->repeats() > before + 20);
}

}  // namespace caveat::test
