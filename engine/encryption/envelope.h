// The envelope: one value, or one operand of an append, encrypted.
//
//    0  u32 magic "CVEV"          16  u8[16] random
//    4  u8  version (1)           32  u64 number, never given twice
//    5  u8  1 put, 2 append       40  the plain bytes, encrypted
//    6  u8[2] zero                ..  u8[16] tag
//    8  u32 key id
//   12  u32 plain bytes
//
// Random and number are the nonce. Authenticated with it: the 16 bytes before it, the store's id,
// the family and the backend's key, so that nothing opens anywhere but where it was written. A
// stored value is what the backend joined: a put and appends, or appends alone, with rising
// numbers. docs/format/encryption.md.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "caveat/encryption.h"
#include "caveat/kv_backend.h"

namespace caveat {

inline constexpr std::size_t kEnvelopeHeaderBytes = 40;
inline constexpr std::size_t kEnvelopeBytes = kEnvelopeHeaderBytes + kTagBytes;
inline constexpr std::size_t kStoreIdBytes = 16;
inline constexpr std::size_t kRandomBytes = 16;

using StoreId = std::array<char, kStoreIdBytes>;

enum class EnvelopeKind : std::uint8_t { put = 1, append = 2 };

// Where a value lies.
struct Place {
  const StoreId& store;
  Family family;
  std::string_view key;
};
// "primary 0x0011...", shortened.
[[nodiscard]] std::string text_of(const Place& place);

struct EnvelopeHeader {
  EnvelopeKind kind = EnvelopeKind::put;
  KeyId key_id = 0;
  std::uint32_t plain_bytes = 0;
  std::uint64_t number = 0;

  [[nodiscard]] std::size_t envelope_bytes() const noexcept { return kEnvelopeBytes + plain_bytes; }
};

// Of the first envelope of `bytes`, which holds all of it. Says nothing of whether it opens.
[[nodiscard]] Result<EnvelopeHeader> read_envelope_header(std::string_view bytes);

// Appends an envelope around `plain`. limit_exceeded from 4 GiB on.
[[nodiscard]] Result<void> append_envelope(const Cipher& cipher, const SecretKey& key,
                                           const EnvelopeHeader& header, std::string_view random,
                                           const Place& place, std::string_view plain,
                                           std::string& out);

// The key of that id; null where there is none.
using FindKey = std::function<const SecretKey*(KeyId)>;

// All envelopes of a stored value, opened in place; the plain bytes are joined. On an error (of
// code corruption, naming the place) the value is unspecified.
[[nodiscard]] Result<void> open_envelopes(const Cipher& cipher, const FindKey& find_key,
                                          const Place& place, std::string& value);

}  // namespace caveat
