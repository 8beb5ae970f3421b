// What lies beside the records, on its borders: manifests of backups, what a store has chosen,
// envelopes and key sheets.
#include <catch2/catch.hpp>
#include <optional>

#include "adapters/rocksdb/backup_manifest.h"
#include "engine/encryption/envelope.h"
#include "engine/encryption/key_sheet.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/tuning/tuning_page.h"
#include "test/bytes/open_cipher.h"
#include "test/support/stores.h"

namespace caveat::test {

namespace {

using detail::BackupFile;
using detail::BackupManifest;

std::string seal_end(std::string bytes) {
  const std::size_t end = bytes.size() - 8;
  set_fixed(bytes, end, std::uint64_t{XXH3_64bits(bytes.data(), end)});
  return bytes;
}

BackupFile file_of(std::string name, std::string identity = "") {
  BackupFile file;
  file.name = std::move(name);
  file.size = 5;
  file.identity = std::move(identity);
  return file;
}

// The code it is refused with; none where it is read.
std::optional<ErrorCode> manifest_code(const std::string& bytes) {
  const auto read = BackupManifest::decode(bytes);
  return read ? std::nullopt : std::optional(read.error().code());
}

std::optional<ErrorCode> name_code(const std::string& name) {
  BackupManifest manifest;
  manifest.files = {file_of(name)};
  return manifest_code(manifest.encode());
}

bool takes(Tuned tuned, std::uint32_t value) {
  Tuning tuning;
  tuning.of(tuned) = {value, {{value, 1}}};
  std::string bytes;
  encode_tuning(tuning, bytes);
  return decode_tuning(bytes).has_value();
}

std::optional<ErrorCode> tuning_code(std::string bytes) {
  if (bytes.size() >= 32) set_fixed(bytes, 24, checksum_around(bytes, 24, 8));
  const auto read = decode_tuning(bytes);
  return read ? std::nullopt : std::optional(read.error().code());
}

}  // namespace

// It becomes a path.
TEST_CASE("a manifest's files have plain names, each letter and sign that is one and no other",
          "[bytes]") {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    const bool allowed = plain.find(c) != std::string::npos;
    CHECK(name_code(std::string(1, c)).has_value() != allowed);
    CHECK(name_code(std::string("a") + c).has_value() == (!allowed && c != '.'));
  }
  CHECK(name_code("") == ErrorCode::corruption);
  CHECK(name_code(".a") == ErrorCode::corruption);
  CHECK_FALSE(name_code(std::string(255, 'a')));
}

TEST_CASE("a manifest of the shortest files there are is read, and none that claims one more",
          "[bytes]") {
  for (std::size_t count = 0; count < 4; ++count) {
    BackupManifest manifest;
    for (std::size_t i = 0; i < count; ++i)
      manifest.files.push_back(file_of(std::string(1, static_cast<char>('d' - i))));
    std::string bytes = manifest.encode();
    REQUIRE_FALSE(manifest_code(bytes));
    CHECK(value_of(BackupManifest::decode(bytes)).files.size() == count);
    for (const std::uint32_t claimed : {static_cast<std::uint32_t>(count + 1), ~0U}) {
      set_fixed(bytes, 48, claimed);
      CHECK(manifest_code(seal_end(bytes)) == ErrorCode::corruption);
    }
  }
}

TEST_CASE("two files of one name, or in another order, are no manifest", "[bytes]") {
  BackupManifest manifest;
  manifest.files = {file_of("a", "one"), file_of("b", "two")};
  const std::string bytes = manifest.encode();
  REQUIRE_FALSE(manifest_code(bytes));
  const std::size_t first = 56 + 8 + 16 + 1;
  const std::size_t second = first + 1 + 1 + 3 + 8 + 16 + 1;
  REQUIRE(bytes[first] == 'a');
  REQUIRE(bytes[second] == 'b');
  for (const char name : {'a', 'c'}) {
    std::string other = bytes;
    other[second] = name;
    CHECK(manifest_code(seal_end(other)).has_value() == (name == 'a'));
    other[first] = 'd';
    CHECK(manifest_code(seal_end(other)) == ErrorCode::corruption);
  }
}

// What is damaged may say any version; only a checksum says that a newer caveat meant it.
TEST_CASE("a manifest of a newer version is said to be one where its checksum is right",
          "[bytes]") {
  BackupManifest manifest;
  manifest.files = {file_of("a")};
  const std::string bytes = manifest.encode();
  for (const std::uint16_t version : {0, 1, 2, 0xFFFF}) {
    std::string other = bytes;
    set_fixed(other, 4, version);
    const auto sealed = manifest_code(seal_end(other));
    if (version == 1) CHECK_FALSE(sealed);
    if (version == 0) CHECK(sealed == ErrorCode::corruption);
    if (version > 1) CHECK(sealed == ErrorCode::unsupported_format);
    if (version != 1) CHECK(manifest_code(other) == ErrorCode::corruption);
  }
  std::string features = bytes;
  features[15] = 1;
  CHECK(manifest_code(seal_end(features)) == ErrorCode::unsupported_format);
  for (const std::size_t at : {6U, 7U, 52U, 55U}) {
    std::string reserved = bytes;
    reserved[at] = 1;
    CHECK(manifest_code(seal_end(reserved)) == ErrorCode::corruption);
  }
  for (std::size_t size = 0; size < 8; ++size)
    CHECK(manifest_code(bytes.substr(0, size)) == ErrorCode::corruption);
}

TEST_CASE("choices are read up to the borders of each option, and not beyond", "[bytes]") {
  CHECK(takes(Tuned::dictionary, 0));
  CHECK(takes(Tuned::dictionary, 4U << 20));
  CHECK_FALSE(takes(Tuned::dictionary, (4U << 20) + 1));
  CHECK(takes(Tuned::codec, 0));
  CHECK(takes(Tuned::codec, 2));
  CHECK_FALSE(takes(Tuned::codec, 3));
  CHECK_FALSE(takes(Tuned::partition, 15));
  CHECK(takes(Tuned::partition, 16));
  CHECK(takes(Tuned::partition, 4096));
  CHECK_FALSE(takes(Tuned::partition, 4097));
  for (const Tuned level : {Tuned::level, Tuned::optimize_level}) {
    CHECK_FALSE(takes(level, 0));
    CHECK(takes(level, 1));
    CHECK(takes(level, 19));
    CHECK_FALSE(takes(level, 20));
  }
}

TEST_CASE("choices name an option that there is, chosen once, each value once", "[bytes]") {
  Tuning tuning;
  tuning.of(Tuned::dictionary) = {65'536, {{114'688, 14'230}, {65'536, 14'310}}};
  tuning.of(Tuned::codec) = {2, {{2, 14'310}, {1, 21'004}}};
  std::string bytes;
  encode_tuning(tuning, bytes);
  REQUIRE_FALSE(tuning_code(bytes));
  constexpr std::size_t kFirst = 32, kTrial = 12;
  const auto with = [&](std::size_t at, char byte) {
    std::string other = bytes;
    other[at] = byte;
    return tuning_code(other);
  };
  CHECK(with(kFirst, 0) == ErrorCode::corruption);
  CHECK(with(kFirst + 3 * kTrial, 6) == ErrorCode::corruption);  // there is no sixth option
  CHECK(with(kFirst, 2) == ErrorCode::corruption);               // no such codec, and out of order
  CHECK(with(kFirst + 1, 1) == ErrorCode::corruption);           // two are chosen
  CHECK(with(kFirst + kTrial + 1, 0) == ErrorCode::corruption);  // none is
  CHECK(with(kFirst + kTrial + 1, 2) == ErrorCode::corruption);  // chosen twice over
  CHECK(with(kFirst + 2 * kTrial + 4, 1) == ErrorCode::corruption);  // a value twice
  for (const std::size_t at : {7U, 20U, 34U, 35U}) CHECK(with(at, 1) == ErrorCode::corruption);
  // When it was chosen.
  CHECK(with(5, 0) == ErrorCode::corruption);
  CHECK_FALSE(with(5, 1));
  CHECK_FALSE(with(5, 2));
  CHECK(with(5, 3) == ErrorCode::corruption);
  // Versions, and lengths that are not those of its trials.
  CHECK(with(4, 0) == ErrorCode::corruption);
  CHECK(with(4, 2) == ErrorCode::unsupported_format);
  CHECK(with(6, 3) == ErrorCode::corruption);
  CHECK(with(6, 5) == ErrorCode::corruption);
  CHECK(tuning_code(bytes + std::string(kTrial, '\0')) == ErrorCode::corruption);
  // Options come in order.
  std::string turned = bytes.substr(0, kFirst) + bytes.substr(kFirst + 2 * kTrial) +
                       bytes.substr(kFirst, 2 * kTrial);
  CHECK(tuning_code(turned) == ErrorCode::corruption);
  for (std::size_t size = 0; size < kFirst; ++size)
    CHECK(tuning_code(bytes.substr(0, size)) == ErrorCode::corruption);
}

TEST_CASE("a page of as many trials as its count can say is read", "[bytes]") {
  Tuning tuning;
  auto& choice = tuning.of(Tuned::dictionary);
  for (std::uint32_t i = 0; i < 255; ++i) choice.trials.push_back({i, i});
  choice.chosen = 254;
  std::string bytes;
  encode_tuning(tuning, bytes);
  CHECK(value_of(decode_tuning(bytes)) == tuning);
}

// The tag says no to all of these in a store; what is tested here is what it stands behind.
TEST_CASE("the head of an envelope is of two kinds, has a key and is as long as it says",
          "[bytes]") {
  const OpenCipher cipher;
  const StoreId store{};
  const Place place{store, Family::primary, "key"};
  std::string bytes;
  value_of(append_envelope(cipher, SecretKey(), {EnvelopeKind::put, 1, 0, 7},
                           std::string(kRandomBytes, 'r'), place, "plain", bytes));
  const auto with = [&](std::size_t at, char byte) -> std::optional<ErrorCode> {
    std::string other = bytes;
    other[at] = byte;
    const auto read = read_envelope_header(other);
    return read ? std::nullopt : std::optional(read.error().code());
  };
  CHECK_FALSE(with(0, bytes[0]));
  CHECK(with(0, 'X') == ErrorCode::corruption);
  CHECK(with(4, 0) == ErrorCode::corruption);
  CHECK(with(4, 2) == ErrorCode::unsupported_format);
  CHECK(with(5, 0) == ErrorCode::corruption);
  CHECK_FALSE(with(5, 1));
  CHECK_FALSE(with(5, 2));
  CHECK(with(5, 3) == ErrorCode::corruption);
  CHECK(with(6, 1) == ErrorCode::corruption);
  CHECK(with(7, 1) == ErrorCode::corruption);
  CHECK(with(8, 0) == ErrorCode::corruption);  // no key
  CHECK_FALSE(with(12, 5));
  CHECK(with(12, 6) == ErrorCode::corruption);
  CHECK_FALSE(with(12, 4));  // as the first of some
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(read_envelope_header(bytes.substr(0, size)));
  std::string empty;
  value_of(append_envelope(cipher, SecretKey(), {EnvelopeKind::append, 1, 0, 7},
                           std::string(kRandomBytes, 'r'), place, "", empty));
  CHECK(read_envelope_header(empty));
}

TEST_CASE("envelopes of one value come in order, a put at its begin alone, under known keys",
          "[bytes]") {
  const OpenCipher cipher;
  const StoreId store{};
  const Place place{store, Family::primary, "key"};
  const SecretKey key;
  const FindKey find = [&](KeyId id) { return id == 1 ? &key : nullptr; };
  struct Part {
    EnvelopeKind kind;
    KeyId id;
    std::uint64_t number;
  };
  const auto opened = [&](const std::vector<Part>& parts) -> std::string {
    std::string bytes;
    for (const Part& part : parts) {
      value_of(append_envelope(cipher, key, {part.kind, part.id, 0, part.number},
                               std::string(kRandomBytes, 'r'), place, std::to_string(part.number),
                               bytes));
    }
    const auto done = open_envelopes(cipher, find, place, bytes);
    if (!done) {
      CHECK(done.error().code() == ErrorCode::corruption);
      CHECK(done.error().message().find("primary 0x6b6579") != std::string::npos);
    }
    return done ? bytes : "refused";
  };
  constexpr auto put = EnvelopeKind::put, append = EnvelopeKind::append;
  CHECK(opened({{put, 1, 0}}) == "0");
  CHECK(opened({{append, 1, 0}}) == "0");
  CHECK(opened({{put, 1, 3}, {append, 1, 4}, {append, 1, 10}}) == "3410");
  CHECK(opened({{append, 1, 3}, {append, 1, 4}}) == "34");
  CHECK(opened({{put, 1, 3}, {put, 1, 4}}) == "refused");
  CHECK(opened({{append, 1, 3}, {put, 1, 4}}) == "refused");
  CHECK(opened({{put, 1, 3}, {append, 1, 3}}) == "refused");
  CHECK(opened({{put, 1, 3}, {append, 1, 2}}) == "refused");
  CHECK(opened({{put, 2, 3}}) == "refused");
  CHECK(opened({{put, 1, 3}, {append, 2, 4}}) == "refused");
}

TEST_CASE("a place is told by the first 24 bytes of its key", "[bytes]") {
  const StoreId store{};
  const std::string key(25, '\xA5');
  const auto digits = [](std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += "a5";
    return text;
  };
  CHECK(text_of({store, Family::meta, std::string_view(key).substr(0, 24)}) ==
        "meta 0x" + digits(24));
  CHECK(text_of({store, Family::meta, key}) == "meta 0x" + digits(24) + "...");
}

TEST_CASE("a key sheet has a key, up to 1,024 of them, each id once, and nothing else", "[bytes]") {
  const OpenCipher cipher;
  const auto made = [&](std::uint32_t first, std::size_t count, bool converting = false) {
    KeySheet sheet;
    sheet.cipher_id = 128;
    sheet.converting = converting;
    KeyList keys;
    for (std::size_t i = 0; i < count; ++i) {
      sheet.key_ids.push_back(static_cast<KeyId>(first + i));
      keys.emplace_back(sheet.key_ids.back(), SecretKey());
    }
    return value_of(encode_key_sheet(sheet, keys, cipher));
  };
  const auto code = [](const std::string& bytes) -> std::optional<ErrorCode> {
    const auto read = decode_key_sheet(bytes);
    return read ? std::nullopt : std::optional(read.error().code());
  };
  CHECK(code(made(1, 0)) == ErrorCode::corruption);
  CHECK_FALSE(code(made(1, 1)));
  CHECK_FALSE(code(made(1, kKeysMax)));
  CHECK(code(made(1, kKeysMax + 1)) == ErrorCode::corruption);
  CHECK(code(made(0, 1)) == ErrorCode::corruption);
  CHECK(value_of(decode_key_sheet(made(1, 1, true))).converting);
  CHECK_FALSE(value_of(decode_key_sheet(made(1, 1, false))).converting);

  const std::string two = made(3, 2);
  const auto with = [&](std::size_t at, char byte) {
    std::string other = two;
    other[at] = byte;
    return code(seal_end(other));
  };
  CHECK_FALSE(with(0, two[0]));
  CHECK(with(0, 'X') == ErrorCode::corruption);
  CHECK(with(4, 0) == ErrorCode::corruption);
  CHECK(with(4, 2) == ErrorCode::unsupported_format);
  CHECK_FALSE(with(6, 1));
  CHECK(with(6, 2) == ErrorCode::corruption);
  for (const std::size_t at : {7U, 36U, 39U, 44U, 47U, 92U, 95U})
    CHECK(with(at, 1) == ErrorCode::corruption);
  CHECK(with(32, 1) == ErrorCode::corruption);
  CHECK(with(32, 3) == ErrorCode::corruption);
  CHECK(with(40 + 48, 3) == ErrorCode::corruption);  // the first one's id
  CHECK_FALSE(with(40 + 48, 2));
  CHECK(code(two.substr(0, two.size() - 1)) == ErrorCode::corruption);
  for (std::size_t size = 0; size < 48; ++size)
    CHECK(code(two.substr(0, size)) == ErrorCode::corruption);
}

TEST_CASE("a key sheet is neither written nor checked without each of its keys", "[bytes]") {
  const OpenCipher cipher;
  KeySheet sheet;
  sheet.cipher_id = 128;
  sheet.key_ids = {3, 4};
  const KeyList both = {{4, SecretKey()}, {3, SecretKey()}};
  const auto bytes = value_of(encode_key_sheet(sheet, both, cipher));
  CHECK(check_key_sheet(bytes, both, cipher));
  CHECK(check_key_sheet(bytes, {{3, SecretKey()}}, cipher).error().code() == ErrorCode::wrong_key);
  CHECK(encode_key_sheet(sheet, {{3, SecretKey()}}, cipher).error().code() == ErrorCode::internal);
}

}  // namespace caveat::test
