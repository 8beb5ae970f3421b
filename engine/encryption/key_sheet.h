// The key sheet: which keys the values of a store are under. Not encrypted, but authenticated.
//
//   meta key 'K':
//    0  u32 magic "CVKS"          24  u64 numbers below this may have been given
//    4  u8  version (1)           32  u32 keys (1 .. 1024)
//    5  u8  cipher id             36  u32 zero
//    6  u8  1: being encrypted    40  key*: u32 id, u32 zero, u8[24] nonce, u8[16] tag
//    7  u8  zero                  ..  u64 XXH3-64 of all bytes before
//    8  u8[16] store id
//
// The first key is the one for new values. Each tag is that of no bytes under its key, with the
// 40 bytes of the head and all key ids as associated data: whoever does not have every key can
// change nothing, and a wrong key is known at once. docs/format/encryption.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/encryption/envelope.h"

namespace caveat {

inline constexpr std::string_view kKeySheetKey = "K";
inline constexpr std::size_t kKeysMax = 1024;

struct KeySheet {
  std::uint8_t cipher_id = 0;
  bool converting = false;  // values may be plain still
  StoreId store_id{};
  std::uint64_t numbers_end = 1;
  std::vector<KeyId> key_ids;  // the current one first
};

using KeyList = std::vector<std::pair<KeyId, SecretKey>>;

// `keys` has each key of the sheet.
[[nodiscard]] Result<std::string> encode_key_sheet(const KeySheet& sheet, const KeyList& keys,
                                                   const Cipher& cipher);

// What it says, not yet authenticated. Errors: corruption, unsupported_format.
[[nodiscard]] Result<KeySheet> decode_key_sheet(std::string_view bytes);

// wrong_key, naming the first key whose tag differs. `bytes` was decoded.
[[nodiscard]] Result<void> check_key_sheet(std::string_view bytes, const KeyList& keys,
                                           const Cipher& cipher);

}  // namespace caveat
