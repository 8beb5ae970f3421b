// Whoever can write to the files, and does not have the keys: what is noticed, and what is not.
#include "engine/encryption/encrypted_backend.h"
#include "engine/encryption/envelope.h"
#include "engine/store/set_aside.h"
#include "test/encryption/world.h"

namespace caveat::test {

namespace {

std::vector<std::pair<std::string, std::string>> all_of(KvBackend& backend, Family family) {
  std::vector<std::pair<std::string, std::string>> pairs;
  auto it = value_of(backend.iterate(family, nullptr, false));
  for (it->seek_to_first(); it->valid(); it->next()) pairs.emplace_back(it->key(), it->value());
  return pairs;
}

void put(KvBackend& backend, Family family, std::string_view key, std::string_view value) {
  KvBatch batch;
  batch.put(family, key, value);
  value_of(backend.write(batch, Durability::wal));
}

std::shared_ptr<KvBackend> sample_store() {
  const auto inner = shared_memory_backend();
  auto store = value_of(open_on(inner, with_keys({1}, small_options())));
  store_secrets(store, 0, 2000);
  value_of(store.close());
  return inner;
}

// No call gives a record that was never stored; whole scans end with an error or miss nothing else.
void check_no_wrong_record(const std::shared_ptr<KvBackend>& inner, bool unsound = true) {
  auto opened = open_on(inner, with_keys({1}, small_options()));
  if (!opened) return;
  for (std::size_t i = 0; i < 2000; i += 13) {
    const auto found = opened->retrieve_exception(secret_key(i));
    if (found && *found) CHECK(**found == secret_exception(i));
  }
  CHECK(value_of(opened->verify()).sound() != unsound);
}

}  // namespace

TEST_CASE("a value that was moved to another key, family or store does not open there") {
  const auto inner = sample_store();
  const auto pairs = all_of(*inner, Family::primary);
  REQUIRE(pairs.size() > 10);
  SECTION("another key") {
    put(*inner, Family::primary, pairs[3].first, pairs[5].second);
    auto store = value_of(open_on(inner, with_keys({1}, small_options())));
    std::size_t refused = 0;
    for (std::size_t i = 0; i < 2000; ++i) {
      const auto found = store.retrieve_exception(secret_key(i));
      if (found) {
        CHECK(*found == secret_exception(i));
        continue;
      }
      ++refused;
      CHECK(found.error().code() == ErrorCode::corruption);
      CHECK(found.error().message().find("does not authenticate") != std::string::npos);
      CHECK(found.error().message().find("primary") != std::string::npos);
    }
    CHECK(refused > 10);
    CHECK(refused < 200);
    CHECK_FALSE(value_of(store.verify()).sound());
  }
  SECTION("another family") {
    put(*inner, Family::source, all_of(*inner, Family::source).front().first,
        all_of(*inner, Family::confidence).front().second);
    check_no_wrong_record(inner);
  }
  SECTION("another store of the same key") {
    const auto other = sample_store();
    put(*inner, Family::primary, pairs[3].first, all_of(*other, Family::primary)[3].second);
    check_no_wrong_record(inner);
  }
  SECTION("a plain value") {
    const auto plain = shared_memory_backend();
    {
      auto store = value_of(open_on(plain, small_options()));
      store_secrets(store, 0, 2000);
      value_of(store.close());
    }
    put(*inner, Family::primary, pairs[3].first, all_of(*plain, Family::primary)[3].second);
    check_no_wrong_record(inner);
  }
}

TEST_CASE("one value of each family damaged: the rest of the store goes on") {
  for (const Family family : kFamilies) {
    if (family == Family::delta) continue;
    CAPTURE(to_string(family));
    const auto inner = sample_store();
    for (const auto& [key, value] : all_of(*inner, family)) {
      if (family == Family::meta && key.front() != 'D') continue;
      std::string damaged = value;
      damaged.back() = static_cast<char>(damaged.back() ^ 1);
      put(*inner, family, key, damaged);
      break;
    }
    // A directory page that cannot be read is marked, and read off the partitions from then on.
    check_no_wrong_record(inner, /*unsound=*/family != Family::meta);
  }
}

// What was kept said no more than that there was something.
TEST_CASE("a record of the log that does not authenticate is kept as it is stored",
          "[regression]") {
  const auto inner = sample_store();
  const Options options = with_keys({1}, small_options());
  std::shared_ptr<KvBackend> crashed;
  {
    auto store = value_of(open_on(inner, options));
    value_of(store.store_exception(secret_key(5000), secret_exception(5000)));
    value_of(store.store_exception(secret_key(5001), secret_exception(5001)));
    crashed = image_of(*inner);
  }
  auto [log_key, bytes] = all_of(*crashed, Family::delta).front();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  put(*crashed, Family::delta, log_key, bytes);
  {
    auto store = value_of(open_on(crashed, options));
    value_of(store.flush());  // the log goes, with the record that is whole
    CHECK_FALSE(value_of(store.verify()).sound());
  }
  CHECK(all_of(*crashed, Family::delta).empty());
  std::string sheet;
  REQUIRE(value_of(crashed->get(Family::meta, kKeySheetKey, nullptr, sheet)));
  EncryptedBackend backend(std::make_unique<BackendDouble>(crashed), built_in_cipher(),
                           value_of(decode_key_sheet(sheet)), {{1, key_numbered(1)}});
  std::string kept;
  REQUIRE(value_of(backend.get(Family::meta, set_aside_key(log_key), nullptr, kept)));
  CHECK((kept == bytes));
}

TEST_CASE("every bit of the key sheet counts") {
  const auto inner = sample_store();
  std::string sheet;
  REQUIRE(value_of(inner->get(Family::meta, kKeySheetKey, nullptr, sheet)));
  const Options options = with_keys({1}, small_options());
  for (std::size_t bit = 0; bit < sheet.size() * 8; bit += 3) {
    std::string changed = sheet;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    put(*inner, Family::meta, kKeySheetKey, changed);
    CHECK_FALSE(open_on(inner, options).has_value());
  }
  // Under a right checksum, too: only the tags speak for the sheet then.
  const auto keys = KeyList{{1, key_numbered(1)}, {2, key_numbered(2)}};
  KeySheet forged = value_of(decode_key_sheet(sheet));
  forged.key_ids = {2};
  put(*inner, Family::meta, kKeySheetKey,
      value_of(encode_key_sheet(forged, keys, *built_in_cipher())));
  CHECK(open_on(inner, options).error().code() == ErrorCode::key_missing);
  KvBatch batch;
  batch.erase(Family::meta, kKeySheetKey);
  value_of(inner->write(batch, Durability::wal));
  CHECK(open_on(inner, options).error().code() == ErrorCode::invalid_argument);
  CHECK_FALSE(open_on(inner, small_options()).has_value());
  put(*inner, Family::meta, kKeySheetKey, sheet);
  check_secrets(value_of(open_on(inner, options)), 2000);
}

TEST_CASE("appended values open in the order in which they were written, and in no other") {
  const auto inner = shared_memory_backend();
  KeySheet sheet;
  sheet.cipher_id = 1;
  sheet.key_ids = {1};
  EncryptedBackend backend(std::make_unique<BackendDouble>(inner), built_in_cipher(), sheet,
                           {{1, key_numbered(1)}});
  value_of(backend.begin_numbers());
  std::vector<std::string> parts;
  std::string last;
  KvBatch batch;
  batch.put(Family::primary, "key", "base ");
  for (const char* part : {"one ", "two ", "three"}) batch.append(Family::primary, "key", part);
  value_of(backend.write(batch, Durability::wal));
  std::string stored;
  REQUIRE(value_of(inner->get(Family::primary, "key", nullptr, stored)));
  for (std::string_view rest = stored; !rest.empty();) {
    const auto header = value_of(read_envelope_header(rest));
    parts.emplace_back(rest.substr(0, header.envelope_bytes()));
    rest.remove_prefix(header.envelope_bytes());
  }
  REQUIRE(parts.size() == 4);
  const auto read = [&](const std::vector<std::size_t>& order) -> std::string {
    std::string joined;
    for (const std::size_t i : order) joined += parts[i];
    put(*inner, Family::primary, "key", joined);
    std::string value;
    const auto found = backend.get(Family::primary, "key", nullptr, value);
    return found ? value : "refused";
  };
  CHECK(read({0, 1, 2, 3}) == "base one two three");
  CHECK(read({0, 2, 1, 3}) == "refused");
  CHECK(read({0, 1, 1, 3}) == "refused");
  CHECK(read({1, 0, 2, 3}) == "refused");
  CHECK(read({0, 0, 1}) == "refused");
  CHECK(read({}) == "refused");
  // Not noticed, and docs/format/encryption.md says so: an append that is gone.
  CHECK(read({0, 1, 2}) == "base one two ");
  CHECK(read({0, 3}) == "base three");
}

TEST_CASE("every bit of an envelope counts, and so does every byte that is cut off or added") {
  const StoreId store{};
  const Place place{store, Family::primary, "key"};
  const SecretKey key = key_numbered(1);
  const FindKey find = [&](KeyId id) { return id == 1 ? &key : nullptr; };
  const std::string random(kRandomBytes, 'r');
  std::string whole;
  value_of(append_envelope(*built_in_cipher(), key, {EnvelopeKind::put, 1, 0, 7}, random, place,
                           "plain bytes", whole));
  const auto opens = [&](std::string value, const Place& at) {
    const bool opened = open_envelopes(*built_in_cipher(), find, at, value).has_value();
    if (opened) CHECK(value == "plain bytes");
    return opened;
  };
  CHECK(opens(whole, place));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(opens(changed, place));
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CHECK_FALSE(opens(whole.substr(0, size), place));
  }
  CHECK_FALSE(opens(whole + '\0', place));
  CHECK_FALSE(opens(whole, {store, Family::meta, "key"}));
  CHECK_FALSE(opens(whole, {store, Family::primary, "kez"}));
  StoreId other{};
  other[15] = 1;
  CHECK_FALSE(opens(whole, {other, Family::primary, "key"}));
}

}  // namespace caveat::test
