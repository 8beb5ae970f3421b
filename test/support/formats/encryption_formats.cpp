// What lies around values in an encrypted store. All under one key, at one place.
#include "engine/encryption/envelope.h"
#include "engine/encryption/key_sheet.h"
#include "engine/model/bytes.h"
#include "test/support/formats/format.h"

namespace caveat::test {

namespace {

constexpr StoreId kStore = {'s', 't', 'o', 'r', 'e'};
constexpr KeyId kId = 3;

const SecretKey& key() {
  static const SecretKey instance = SecretKey::from_hex(std::string(64, '3')).value();
  return instance;
}

Place place() {
  return {kStore, Family::primary, "0123456789abcdef"};
}

struct Part {
  EnvelopeHeader header;
  std::string random;
  std::string plain;
};

Result<std::vector<Part>> parts_of(std::string_view bytes) {
  const FindKey find = [](KeyId id) { return id == kId ? &key() : nullptr; };
  // As a reader does it; then envelope by envelope.
  std::string whole(bytes);
  CAVEAT_TRY(open_envelopes(*built_in_cipher(), find, place(), whole));
  std::vector<Part> parts;
  for (std::string_view rest = bytes; !rest.empty();) {
    CAVEAT_ASSIGN(const auto header, read_envelope_header(rest));
    const auto envelope = rest.substr(0, header.envelope_bytes());
    Part part{header, std::string(envelope.substr(16, kRandomBytes)), std::string(envelope)};
    CAVEAT_TRY(open_envelopes(*built_in_cipher(), find, place(), part.plain));
    parts.push_back(std::move(part));
    rest.remove_prefix(envelope.size());
  }
  return parts;
}

void append_part(const Part& part, std::string& out) {
  must_hold(
      append_envelope(*built_in_cipher(), key(), part.header, part.random, place(), part.plain, out)
          .has_value(),
      "a small envelope is too large");
}

std::string sample(std::size_t appends) {
  std::string out;
  for (std::size_t i = 0; i <= appends; ++i) {
    Part part{{i == 0 ? EnvelopeKind::put : EnvelopeKind::append, kId, 0, 100 + i * i},
              std::string(kRandomBytes, static_cast<char>('a' + i)),
              std::string(i * 17, static_cast<char>('A' + i))};
    append_part(part, out);
  }
  return out;
}

std::vector<std::size_t> ends_of(std::string_view bytes) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at < bytes.size();) {
    at += read_envelope_header(bytes.substr(at)).value().envelope_bytes();
    ends.push_back(at);
  }
  return ends;
}

const KeyList& sheet_keys() {
  static const KeyList keys = {{kId, key()},
                               {9, SecretKey::from_hex(std::string(64, '9')).value()}};
  return keys;
}

Result<std::string> read_sheet(std::string_view bytes) {
  CAVEAT_ASSIGN(const KeySheet sheet, decode_key_sheet(bytes));
  CAVEAT_TRY(check_key_sheet(bytes, sheet_keys(), *built_in_cipher()));
  std::string out(sheet.store_id.data(), sheet.store_id.size());
  put_fixed(out, sheet.cipher_id);
  put_fixed(out, static_cast<std::uint8_t>(sheet.converting));
  put_fixed(out, sheet.numbers_end);
  for (const KeyId id : sheet.key_ids) put_fixed(out, id);
  return out;
}

}  // namespace

Format envelope_format() {
  Format format;
  format.name = "envelope";
  format.samples = {sample(0), sample(1), sample(4)};
  format.read = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(const auto parts, parts_of(bytes));
    std::string out;
    for (const Part& part : parts) {
      put_fixed(out, static_cast<std::uint8_t>(part.header.kind));
      put_fixed(out, part.header.number);
      out += part.random + part.plain;
    }
    return out;
  };
  format.write_again = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(const auto parts, parts_of(bytes));
    std::string out;
    for (const Part& part : parts) append_part(part, out);
    return out;
  };
  format.canonical = true;
  format.appendable = true;
  format.ends = ends_of;
  return format;
}

Format key_sheet_format() {
  Format format;
  format.name = "key_sheet";
  KeySheet sheet;
  sheet.cipher_id = 1;
  sheet.store_id = kStore;
  sheet.numbers_end = 77;
  for (const auto& ids : {std::vector<KeyId>{kId}, std::vector<KeyId>{9, kId}}) {
    sheet.key_ids = ids;
    sheet.converting = ids.size() > 1;
    format.samples.push_back(encode_key_sheet(sheet, sheet_keys(), *built_in_cipher()).value());
  }
  format.read = read_sheet;
  // With other nonces.
  format.write_again = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(const KeySheet again, decode_key_sheet(bytes));
    return encode_key_sheet(again, sheet_keys(), *built_in_cipher());
  };
  // No seal: under a right checksum it is refused all the same.
  return format;
}

}  // namespace caveat::test
