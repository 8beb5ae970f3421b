// The layouts, byte for byte: docs/format/encryption.md.
// To write the files anew after a change of format: CAVEAT_REGENERATE=1 ./test_encryption golden
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "engine/encryption/key_sheet.h"
#include "test/encryption/world.h"
#include "test/model/hex_dump.h"
#include "test/support/test_folder.h"

namespace caveat::test {

namespace {

constexpr StoreId kStore = {'t', 'h', 'e', ' ', 's', 't', 'o', 'r', 'e', '\'', 's', ' ', 'i', 'd'};

void compare(const std::string& name, const std::string& text) {
  const auto path = test_folder() / "golden" / name;
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  CHECK(text == bytes_of(path));
}

}  // namespace

TEST_CASE("an envelope is laid out as documented", "[golden]") {
  const std::string random = "sixteen randoms!";
  const Place place{kStore, Family::meta, "Xkey"};
  std::string bytes;
  HexDump dump;
  std::uint64_t number = 0x1122334455667788;
  for (const auto kind : {EnvelopeKind::put, EnvelopeKind::append}) {
    const std::size_t at = bytes.size();
    value_of(append_envelope(*built_in_cipher(), key_numbered(1), {kind, 1, 0, number++}, random,
                             place, kind == EnvelopeKind::put ? "can" : "_fly", bytes));
    dump.note(at,
              kind == EnvelopeKind::put ? "magic: the put of \"can\"" : "the append of \"_fly\"");
    dump.note(at + 4, "version, kind, zero");
    dump.note(at + 8, "key id");
    dump.note(at + 12, "plain bytes");
    dump.note(at + 16, "random");
    dump.note(at + 32, "number");
    dump.note(at + 40, "encrypted, tag");
  }
  compare("envelope.hex", dump.text(bytes));
  std::string value = bytes;
  const SecretKey key = key_numbered(1);
  value_of(open_envelopes(
      *built_in_cipher(), [&](KeyId) { return &key; }, place, value));
  CHECK(value == "can_fly");
}

TEST_CASE("a key sheet is laid out as documented", "[golden]") {
  LedgerCipher cipher;
  cipher.broken_random = true;
  KeySheet sheet;
  sheet.cipher_id = 1;
  sheet.store_id = kStore;
  sheet.numbers_end = 0x100000001;
  sheet.key_ids = {2, 1};
  const auto bytes =
      value_of(encode_key_sheet(sheet, {{1, key_numbered(1)}, {2, key_numbered(2)}}, cipher));
  HexDump dump;
  dump.note(0, "magic");
  dump.note(4, "version, cipher, state, zero");
  dump.note(8, "store id");
  dump.note(24, "numbers below this may have been given");
  dump.note(32, "keys, zero");
  dump.note(40, "key 2: id, zero");
  dump.note(48, "nonce");
  dump.note(72, "tag");
  dump.note(88, "key 1");
  dump.note(136, "checksum");
  compare("key_sheet.hex", dump.text(bytes));
}

}  // namespace caveat::test
