// A cipher that hides nothing and agrees with everybody: what stands behind a tag is seen without
// one, and there is one in each build.
#pragma once

#include <algorithm>

#include "caveat/encryption.h"

namespace caveat::test {

class OpenCipher final : public Cipher {
 public:
  [[nodiscard]] std::uint8_t id() const noexcept override { return 128; }
  [[nodiscard]] std::string_view name() const noexcept override { return "open"; }
  void encrypt(const SecretKey&, std::span<const char, kNonceBytes>, std::string_view,
               std::string_view plain, char* out) const noexcept override {
    std::copy(plain.begin(), plain.end(), out);
    std::fill_n(out + plain.size(), kTagBytes, 't');
  }
  [[nodiscard]] bool decrypt(const SecretKey&, std::span<const char, kNonceBytes>, std::string_view,
                             std::string_view sealed, char* out) const noexcept override {
    std::copy(sealed.begin(), sealed.end() - kTagBytes, out);
    return true;
  }
  [[nodiscard]] Result<void> random(std::span<char> out) const override {
    std::fill(out.begin(), out.end(), 'r');
    return {};
  }
};

}  // namespace caveat::test
