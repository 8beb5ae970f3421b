// Encryption at rest: the keys that a host gives, and the cipher that uses them.
//
// With Options::encryption every value that caveat hands to its backend is encrypted and
// authenticated: records, indexes, names, dictionaries, the log of recent writes. What a backend
// orders by stays visible; docs/format/encryption.md says exactly what that is, and against whom
// this protects. Without it nothing of this file costs anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "caveat/error.h"

namespace caveat {

class ProgressSink;  // caveat/ports.h

// Names a key for ever: an id is never given to another key. 0 is no key.
using KeyId = std::uint32_t;

inline constexpr std::size_t kKeyBytes = 32;    // of a key
inline constexpr std::size_t kNonceBytes = 24;  // of a nonce, one for each value
inline constexpr std::size_t kTagBytes = 16;    // of what authenticates a value

// 32 bytes from a good source of randomness (no password). Wiped when destroyed.
class SecretKey {
 public:
  SecretKey() = default;
  explicit SecretKey(std::span<const std::uint8_t, kKeyBytes> bytes) noexcept;  // copies them
  SecretKey(const SecretKey&) = default;             // each copy is wiped by itself
  SecretKey& operator=(const SecretKey&) = default;  // the same
  ~SecretKey();

  // 64 hexadecimal digits, or invalid_argument. The message does not repeat them.
  [[nodiscard]] static Result<SecretKey> from_hex(std::string_view digits);

  // For ciphers alone: never to be logged or stored.
  [[nodiscard]] const std::array<std::uint8_t, kKeyBytes>& bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, kKeyBytes> bytes_{};
};

// Where keys come from: a file, a vault, an HSM. Asked while a store opens and not later, from the
// thread that opens it. Must not throw.
class KeyProvider {
 public:
  virtual ~KeyProvider() = default;

  // The key for all values written from now on. Another one than at the last open begins a
  // rotation: optimize_storage ends it.
  [[nodiscard]] virtual KeyId current() const = 0;

  // Asked for the current key, and for each older one that values may still be under. Errors:
  // key_missing, or the provider's own; opening fails with it.
  [[nodiscard]] virtual Result<SecretKey> key(KeyId id) const = 0;
};

// Keys that the host has in memory. Filled before it is given away.
class KeyRing final : public KeyProvider {
 public:
  // One key a line, "id:64 hexadecimal digits"; the last is the current one. Empty lines and
  // lines that begin with # count for nothing. invalid_argument names the line.
  [[nodiscard]] static Result<KeyRing> parse(std::string_view text);

  // It becomes the current one. Id 0 is invalid_argument, one that is there already_exists.
  [[nodiscard]] Result<void> add(KeyId id, const SecretKey& key);

  [[nodiscard]] KeyId current() const override { return current_; }
  [[nodiscard]] Result<SecretKey> key(KeyId id) const override;

 private:
  std::map<KeyId, SecretKey> keys_;
  KeyId current_ = 0;
};

// The cipher port: authenticated encryption with associated data, 32-byte keys, 24-byte nonces,
// 16-byte tags. Called from several threads at once. Must not throw and must not call the store.
class Cipher {
 public:
  virtual ~Cipher() = default;

  // On disk: a store is opened with the cipher that it was made with. 1 is the built-in one; a
  // host's own begin at 128.
  [[nodiscard]] virtual std::uint8_t id() const noexcept = 0;

  // For people.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // Writes plain.size() + kTagBytes bytes to `out`, which overlaps nothing.
  virtual void encrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
                       std::string_view associated, std::string_view plain,
                       char* out) const noexcept = 0;

  // The opposite: `sealed` is what encrypt() wrote, `out` has room for all but the tag and may be
  // sealed.data(). False, and `out` holds nothing of the plain bytes, where key, nonce, associated
  // data or any bit differs.
  [[nodiscard]] virtual bool decrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
                                     std::string_view associated, std::string_view sealed,
                                     char* out) const noexcept = 0;

  // Fills `out` with bytes nobody can guess. io_error where the system has none.
  [[nodiscard]] virtual Result<void> random(std::span<char> out) const = 0;
};

// XChaCha20-Poly1305 by libsodium; lives for ever. Null in a build without it
// (-DCAVEAT_ENCRYPTION=OFF).
[[nodiscard]] std::shared_ptr<const Cipher> built_in_cipher();

// Options::encryption.
struct Encryption {
  // Null: no encryption. A store that was made with a key does not open without (key_missing).
  std::shared_ptr<const KeyProvider> keys;

  // Null: the built-in one.
  std::shared_ptr<const Cipher> cipher;

  // What to do with a store that holds plain values. Default false: refuse it (invalid_argument),
  // for whoever can write to the directory could have put it there. True: encrypt all of it while
  // opening, which takes about as long as compact_storage, and rewrite the files without the plain
  // values; a crash on the way is no harm, the next open with the key goes on.
  bool encrypt_existing = false;

  // Told of encrypt_existing, with the values done so far; null: nobody. Where it says to stop the
  // open is cancelled, as a crash would: the store needs the key, and the next open goes on.
  ProgressSink* progress = nullptr;

  // A store is encrypted if there are keys.
  [[nodiscard]] bool wanted() const noexcept { return keys != nullptr; }
};

// How much lies under one key: StorageOptimizer::key_usage(). Of each key that opening the store
// takes, be there no value left under it: more than one while a rotation has not ended.
struct KeyUsage {
  KeyId key_id = 0;          // 0: not encrypted
  bool current = false;      // new values are written under it
  std::uint64_t values = 0;  // of all families
  std::uint64_t bytes = 0;   // of values as stored
};

}  // namespace caveat
