// The cipher port on libsodium: XChaCha20-Poly1305. Its 24-byte nonces may be drawn at random, and
// it runs in constant time on every processor.
#include <errno.h>
#include <sodium.h>
#include <sys/random.h>

#include "caveat/encryption.h"

namespace caveat {

namespace {

static_assert(kKeyBytes == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(kNonceBytes == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
static_assert(kTagBytes == crypto_aead_xchacha20poly1305_ietf_ABYTES);

const unsigned char* bytes_of(std::string_view bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

class SodiumCipher final : public Cipher {
 public:
  [[nodiscard]] std::uint8_t id() const noexcept override { return 1; }
  [[nodiscard]] std::string_view name() const noexcept override { return "XChaCha20-Poly1305"; }

  void encrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
               std::string_view associated, std::string_view plain,
               char* out) const noexcept override {
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        reinterpret_cast<unsigned char*>(out), nullptr, bytes_of(plain), plain.size(),
        bytes_of(associated), associated.size(), nullptr, bytes_of({nonce.data(), nonce.size()}),
        key.bytes().data());
  }

  [[nodiscard]] bool decrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
                             std::string_view associated, std::string_view sealed,
                             char* out) const noexcept override {
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               reinterpret_cast<unsigned char*>(out), nullptr, nullptr, bytes_of(sealed),
               sealed.size(), bytes_of(associated), associated.size(),
               bytes_of({nonce.data(), nonce.size()}), key.bytes().data()) == 0;
  }

  // Asked of the kernel each time: a process that was forked or copied gets others.
  [[nodiscard]] Result<void> random(std::span<char> out) const override {
    while (!out.empty()) {
      const ssize_t got = ::getrandom(out.data(), out.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return fail(ErrorCode::io_error, "the system gives no random bytes");
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }
};

}  // namespace

std::shared_ptr<const Cipher> built_in_cipher() {
  static const std::shared_ptr<const Cipher> instance =
      ::sodium_init() < 0 ? nullptr : std::make_shared<SodiumCipher>();
  return instance;
}

}  // namespace caveat
