// Keys in memory.
#include <fmt/format.h>
#include <string.h>  // explicit_bzero

#include <algorithm>
#include <charconv>

#include "caveat/encryption.h"

namespace caveat {

namespace {

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string_view trimmed(std::string_view line) noexcept {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

SecretKey::SecretKey(std::span<const std::uint8_t, kKeyBytes> bytes) noexcept {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

SecretKey::~SecretKey() {
  ::explicit_bzero(bytes_.data(), bytes_.size());
}

Result<SecretKey> SecretKey::from_hex(std::string_view digits) {
  SecretKey key;
  bool whole = digits.size() == 2 * kKeyBytes;
  for (std::size_t i = 0; whole && i < kKeyBytes; ++i) {
    const int high = digit_of(digits[2 * i]);
    const int low = digit_of(digits[2 * i + 1]);
    whole = high >= 0 && low >= 0;
    if (whole) key.bytes_[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!whole) return fail(ErrorCode::invalid_argument, "a key is 64 hexadecimal digits");
  return key;
}

Result<KeyRing> KeyRing::parse(std::string_view text) {
  KeyRing ring;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const auto where = fmt::format("keys, line {}", number);
    const auto colon = std::min(line.find(':'), line.size());
    KeyId id = 0;
    const auto read = std::from_chars(line.data(), line.data() + colon, id);
    if (colon == line.size() || read.ec != std::errc() || read.ptr != line.data() + colon) {
      return fail(ErrorCode::invalid_argument,
                  where + ": a line is an id below 2^32, a colon and 64 hexadecimal digits");
    }
    const auto key = SecretKey::from_hex(line.substr(colon + 1));
    if (!key) return fail(key.error().within(where));
    if (auto added = ring.add(id, *key); !added) return fail(added.error().within(where));
  }
  if (ring.current_ == 0) return fail(ErrorCode::invalid_argument, "keys: there is none");
  return ring;
}

Result<void> KeyRing::add(KeyId id, const SecretKey& key) {
  if (id == 0) return fail(ErrorCode::invalid_argument, "key id 0 is no key");
  if (!keys_.emplace(id, key).second) {
    return fail(ErrorCode::already_exists, fmt::format("key {} is there twice", id));
  }
  current_ = id;
  return {};
}

Result<SecretKey> KeyRing::key(KeyId id) const {
  const auto found = keys_.find(id);
  if (found == keys_.end()) {
    return fail(ErrorCode::key_missing, fmt::format("key {} is not among those given", id));
  }
  return found->second;
}

}  // namespace caveat
