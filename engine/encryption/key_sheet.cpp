#include "engine/encryption/key_sheet.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x534B5643;  // "CVKS"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadBytes = 40;
constexpr std::size_t kEntryBytes = 48;
constexpr std::size_t kEntryNonce = 8;
constexpr std::size_t kEntryTag = kEntryNonce + kNonceBytes;
constexpr std::size_t kChecksumBytes = 8;
static_assert(kEntryTag + kTagBytes == kEntryBytes);
// No value has it, so that no tag of a sheet shares a nonce with one.
constexpr std::uint64_t kSheetNumber = ~std::uint64_t{0};

std::string associated_with(std::string_view bytes, std::size_t keys) {
  std::string associated(bytes.substr(0, kHeadBytes));
  for (std::size_t i = 0; i < keys; ++i) {
    associated.append(bytes.substr(kHeadBytes + i * kEntryBytes, sizeof(KeyId)));
  }
  return associated;
}

const SecretKey* find(const KeyList& keys, KeyId id) noexcept {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.first == id; });
  return found == keys.end() ? nullptr : &found->second;
}

}  // namespace

Result<std::string> encode_key_sheet(const KeySheet& sheet, const KeyList& keys,
                                     const Cipher& cipher) {
  std::string out;
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, sheet.cipher_id);
  put_fixed(out, static_cast<std::uint8_t>(sheet.converting ? 1 : 0));
  put_fixed(out, std::uint8_t{0});
  out.append(sheet.store_id.data(), sheet.store_id.size());
  put_fixed(out, sheet.numbers_end);
  put_fixed(out, static_cast<std::uint32_t>(sheet.key_ids.size()));
  put_fixed(out, std::uint32_t{0});
  for (const KeyId id : sheet.key_ids) {
    put_fixed(out, id);
    put_fixed(out, std::uint32_t{0});
    std::array<char, kRandomBytes> random{};
    CAVEAT_TRY(cipher.random(random));
    out.append(random.data(), random.size());
    put_fixed(out, kSheetNumber);
    out.append(kTagBytes, '\0');
  }
  const std::string associated = associated_with(out, sheet.key_ids.size());
  for (std::size_t i = 0; i < sheet.key_ids.size(); ++i) {
    const SecretKey* const key = find(keys, sheet.key_ids[i]);
    if (key == nullptr) return fail(ErrorCode::internal, "key sheet: a key is not at hand");
    char* const entry = out.data() + kHeadBytes + i * kEntryBytes;
    cipher.encrypt(*key, std::span<const char, kNonceBytes>(entry + kEntryNonce, kNonceBytes),
                   associated, {}, entry + kEntryTag);
  }
  put_fixed(out, std::uint64_t{XXH3_64bits(out.data(), out.size())});
  return out;
}

Result<KeySheet> decode_key_sheet(std::string_view bytes) {
  const auto wrong = [](std::string_view field) {
    return fail(ErrorCode::corruption, fmt::format("key sheet: wrong {}", field));
  };
  if (bytes.size() < kHeadBytes + kChecksumBytes) return wrong("length");
  if (get_fixed<std::uint32_t>(bytes, 0) != kMagic) return wrong("magic");
  const auto version = static_cast<std::uint8_t>(bytes[4]);
  if (version > kVersion) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("key sheet: version {}; this caveat knows {}", version, kVersion));
  }
  const std::size_t end = bytes.size() - kChecksumBytes;
  if (get_fixed<std::uint64_t>(bytes, end) != XXH3_64bits(bytes.data(), end)) {
    return wrong("checksum");
  }
  const auto keys = get_fixed<std::uint32_t>(bytes, 32);
  const auto state = static_cast<std::uint8_t>(bytes[6]);
  if (version == 0 || state > 1 || bytes[7] != 0 || get_fixed<std::uint32_t>(bytes, 36) != 0 ||
      keys == 0 || keys > kKeysMax || end != kHeadBytes + keys * kEntryBytes) {
    return wrong("head");
  }
  KeySheet sheet;
  sheet.cipher_id = static_cast<std::uint8_t>(bytes[5]);
  sheet.converting = state == 1;
  std::copy_n(bytes.begin() + 8, kStoreIdBytes, sheet.store_id.begin());
  sheet.numbers_end = get_fixed<std::uint64_t>(bytes, 24);
  for (std::size_t i = 0; i < keys; ++i) {
    const std::size_t entry = kHeadBytes + i * kEntryBytes;
    const auto id = get_fixed<std::uint32_t>(bytes, entry);
    const bool known =
        std::find(sheet.key_ids.begin(), sheet.key_ids.end(), id) != sheet.key_ids.end();
    if (id == 0 || known || get_fixed<std::uint32_t>(bytes, entry + 4) != 0) return wrong("key id");
    sheet.key_ids.push_back(id);
  }
  return sheet;
}

Result<void> check_key_sheet(std::string_view bytes, const KeyList& keys, const Cipher& cipher) {
  CAVEAT_ASSIGN(const auto sheet, decode_key_sheet(bytes));
  const std::string associated = associated_with(bytes, sheet.key_ids.size());
  for (std::size_t i = 0; i < sheet.key_ids.size(); ++i) {
    const char* const entry = bytes.data() + kHeadBytes + i * kEntryBytes;
    const SecretKey* const key = find(keys, sheet.key_ids[i]);
    std::array<char, kTagBytes> nothing{};
    if (key == nullptr ||
        !cipher.decrypt(*key, std::span<const char, kNonceBytes>(entry + kEntryNonce, kNonceBytes),
                        associated, {entry + kEntryTag, kTagBytes}, nothing.data())) {
      return fail(ErrorCode::wrong_key,
                  fmt::format("key {} is not the one that this store was encrypted with, or the "
                              "store's list of keys was changed by someone without it",
                              sheet.key_ids[i]));
    }
  }
  return {};
}

}  // namespace caveat
