#include "engine/encryption/envelope.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "engine/model/bytes.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x56455643;  // "CVEV"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNonceOffset = 16;
static_assert(kNonceOffset + kNonceBytes == kEnvelopeHeaderBytes);
static_assert(kRandomBytes + sizeof(std::uint64_t) == kNonceBytes);

std::string associated_with(const Place& place, std::string_view header) {
  std::string associated;
  associated.reserve(kNonceOffset + kStoreIdBytes + 1 + place.key.size());
  associated.append(header.substr(0, kNonceOffset));
  associated.append(place.store.data(), place.store.size());
  associated.push_back(static_cast<char>(place.family));
  associated.append(place.key);
  return associated;
}

std::span<const char, kNonceBytes> nonce_of(std::string_view header) noexcept {
  return std::span<const char, kNonceBytes>(header.data() + kNonceOffset, kNonceBytes);
}

}  // namespace

std::string text_of(const Place& place) {
  constexpr std::size_t kShownBytes = 24;
  std::string text(to_string(place.family));
  text += " 0x";
  for (const char c : place.key.substr(0, kShownBytes)) {
    text += fmt::format("{:02x}", static_cast<std::uint8_t>(c));
  }
  return place.key.size() > kShownBytes ? text + "..." : text;
}

Result<EnvelopeHeader> read_envelope_header(std::string_view bytes) {
  const auto wrong = [](std::string_view field) {
    return fail(ErrorCode::corruption, fmt::format("envelope: wrong {}", field));
  };
  if (bytes.size() < kEnvelopeBytes) return wrong("length");
  if (get_fixed<std::uint32_t>(bytes, 0) != kMagic) return wrong("magic");
  const auto version = static_cast<std::uint8_t>(bytes[4]);
  if (version > kVersion) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("envelope: version {}; this caveat knows {}", version, kVersion));
  }
  const auto kind = static_cast<std::uint8_t>(bytes[5]);
  if (version == 0 || kind < 1 || kind > 2 || bytes[6] != 0 || bytes[7] != 0)
    return wrong("header");
  EnvelopeHeader header;
  header.kind = static_cast<EnvelopeKind>(kind);
  header.key_id = get_fixed<std::uint32_t>(bytes, 8);
  header.plain_bytes = get_fixed<std::uint32_t>(bytes, 12);
  header.number = get_fixed<std::uint64_t>(bytes, kNonceOffset + kRandomBytes);
  if (header.key_id == 0) return wrong("key id");
  if (header.plain_bytes > bytes.size() - kEnvelopeBytes) return wrong("length");
  return header;
}

Result<void> append_envelope(const Cipher& cipher, const SecretKey& key,
                             const EnvelopeHeader& header, std::string_view random,
                             const Place& place, std::string_view plain, std::string& out) {
  if (plain.size() > std::numeric_limits<std::uint32_t>::max() - kEnvelopeBytes) {
    return fail(ErrorCode::limit_exceeded, text_of(place) + ": a value of 4 GiB or more");
  }
  const std::size_t start = out.size();
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  put_fixed(out, static_cast<std::uint8_t>(header.kind));
  put_fixed(out, std::uint16_t{0});
  put_fixed(out, header.key_id);
  put_fixed(out, static_cast<std::uint32_t>(plain.size()));
  out.append(random.substr(0, kRandomBytes));
  put_fixed(out, header.number);
  const std::string associated = associated_with(place, std::string_view(out).substr(start));
  out.resize(start + kEnvelopeBytes + plain.size());
  cipher.encrypt(key, nonce_of(std::string_view(out).substr(start)), associated, plain,
                 out.data() + start + kEnvelopeHeaderBytes);
  return {};
}

Result<void> open_envelopes(const Cipher& cipher, const FindKey& find_key, const Place& place,
                            std::string& value) {
  std::size_t at = 0;
  std::size_t plain_end = 0;
  std::uint64_t last_number = 0;
  do {
    const std::string_view rest = std::string_view(value).substr(at);
    const auto header = read_envelope_header(rest);
    if (!header) return fail(header.error().within(text_of(place)));
    const auto refuse = [&](std::string_view why) {
      return fail(ErrorCode::corruption, fmt::format("{}: envelope under key {}: {}",
                                                     text_of(place), header->key_id, why));
    };
    if (at != 0 && header->kind != EnvelopeKind::append) return refuse("a second begin");
    if (at != 0 && header->number <= last_number) return refuse("out of order");
    const SecretKey* const key = find_key(header->key_id);
    if (key == nullptr) return refuse("the store's list of keys does not have it");
    const std::string associated = associated_with(place, rest);
    char* const sealed = value.data() + at + kEnvelopeHeaderBytes;
    const std::size_t sealed_bytes = header->plain_bytes + kTagBytes;
    if (!cipher.decrypt(*key, nonce_of(rest), associated, {sealed, sealed_bytes}, sealed)) {
      return refuse("it does not authenticate: damaged, changed, or moved from another place");
    }
    std::memmove(value.data() + plain_end, sealed, header->plain_bytes);
    plain_end += header->plain_bytes;
    last_number = header->number;
    at += header->envelope_bytes();
  } while (at < value.size());
  value.resize(plain_end);
  return {};
}

}  // namespace caveat
