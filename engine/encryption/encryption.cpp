#include "engine/encryption/encryption.h"

#include <fmt/format.h>

#include <algorithm>

namespace caveat {

namespace {

Result<bool> holds_anything(KvBackend& backend) {
  for (const Family family : kFamilies) {
    CAVEAT_ASSIGN(auto it, backend.iterate(family, nullptr, false));
    it->seek_to_first();
    if (it->valid()) return true;
    CAVEAT_TRY(it->status());
  }
  return false;
}

std::shared_ptr<const Cipher> cipher_of(const Encryption& encryption) {
  return encryption.cipher ? encryption.cipher : built_in_cipher();
}

// The provider's key of each id in the sheet, in its order.
Result<KeyList> keys_of(const KeySheet& sheet, const KeyProvider& provider) {
  KeyList keys;
  for (const KeyId id : sheet.key_ids) {
    auto key = provider.key(id);
    if (!key) {
      return fail(key.error().within(
          fmt::format("meta 0x4b (key sheet): values of this store may be under key {}", id)));
    }
    keys.emplace_back(id, *key);
  }
  return keys;
}

// Of a store that holds nothing, or nothing but plain values.
Result<KeySheet> new_sheet(KvBackend& backend, const Encryption& encryption, const Cipher& cipher) {
  CAVEAT_ASSIGN(const bool plain, holds_anything(backend));
  if (plain && !encryption.encrypt_existing) {
    return fail(ErrorCode::invalid_argument,
                "the store is not encrypted, and keys were given: ask for it to be encrypted, or "
                "open it without keys");
  }
  if (const auto read_only = backend.read_only()) return fail(*read_only);
  KeySheet sheet;
  sheet.cipher_id = cipher.id();
  sheet.converting = plain;
  CAVEAT_TRY(cipher.random(sheet.store_id));
  return sheet;
}

// The current key becomes the first one.
void put_first(KeySheet& sheet, KeyId current) {
  std::erase(sheet.key_ids, current);
  sheet.key_ids.insert(sheet.key_ids.begin(), current);
}

Result<KeySheet> read_sheet(std::string_view bytes, const Encryption& encryption,
                            const Cipher& cipher) {
  CAVEAT_ASSIGN(KeySheet sheet, decode_key_sheet(bytes));
  if (sheet.cipher_id != cipher.id()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("the store was encrypted with cipher {}; the one given, {}, is {}",
                            sheet.cipher_id, cipher.name(), cipher.id()));
  }
  CAVEAT_ASSIGN(const KeyList keys, keys_of(sheet, *encryption.keys));
  CAVEAT_TRY(check_key_sheet(bytes, keys, cipher));
  return sheet;
}

}  // namespace

Result<void> check_encryption(const Encryption& encryption) {
  if (!encryption.wanted()) return {};
  if (cipher_of(encryption) == nullptr) {
    return fail(ErrorCode::invalid_argument,
                "Options::encryption: this caveat was built without a cipher "
                "(-DCAVEAT_ENCRYPTION=OFF); give one");
  }
  if (encryption.keys->current() == 0) {
    return fail(ErrorCode::invalid_argument, "Options::encryption: the current key has id 0");
  }
  return {};
}

Result<OpenedBackend> open_encryption(std::unique_ptr<KvBackend> backend,
                                      const Encryption& encryption) {
  std::string bytes;
  CAVEAT_ASSIGN(const bool encrypted, backend->get(Family::meta, kKeySheetKey, nullptr, bytes));
  if (!encryption.wanted()) {
    if (!encrypted) return OpenedBackend{std::move(backend), nullptr};
    CAVEAT_ASSIGN(const KeySheet sheet, decode_key_sheet(bytes));
    return fail(ErrorCode::key_missing, fmt::format("the store is encrypted: give key {}",
                                                    fmt::join(sheet.key_ids, " and ")));
  }
  const auto cipher = cipher_of(encryption);
  CAVEAT_ASSIGN(KeySheet sheet, encrypted ? read_sheet(bytes, encryption, *cipher)
                                          : new_sheet(*backend, encryption, *cipher));
  put_first(sheet, encryption.keys->current());
  if (sheet.key_ids.size() > kKeysMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("more than {} keys: run optimize_storage first", kKeysMax));
  }
  CAVEAT_ASSIGN(KeyList keys, keys_of(sheet, *encryption.keys));
  const bool read_only = backend->read_only().has_value();
  const bool converting = sheet.converting;
  auto made = std::make_unique<EncryptedBackend>(std::move(backend), cipher, std::move(sheet),
                                                 std::move(keys));
  if (!read_only) {
    const auto begun = made->begin_numbers();
    // A full disk stops writes, not reads: the first write that finds room takes its numbers then.
    const bool may_wait = encrypted && !converting;
    if (!begun && !(may_wait && begun.error().code() == ErrorCode::no_space)) {
      return fail(begun.error());
    }
  }
  if (!read_only && converting) CAVEAT_TRY(made->convert(encryption.progress));
  EncryptedBackend* const view = made.get();
  return OpenedBackend{std::move(made), view};
}

}  // namespace caveat
