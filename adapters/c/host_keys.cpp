#include "adapters/c/host_keys.h"

#include <fmt/format.h>
#include <string.h>  // explicit_bzero

#include <array>

#include "adapters/c/options_in.h"
#include "adapters/c/sized.h"

namespace caveat::c {
namespace {

static_assert(CAVEAT_KEY_BYTES == kKeyBytes);
constexpr std::size_t kFirstProviderBytes = sizeof(caveat_key_provider);
constexpr std::size_t kWhyBytes = 256;

// Of the stack, and gone with it.
struct KeyBuffer {
  KeyBuffer() = default;
  ~KeyBuffer() { ::explicit_bzero(bytes.data(), bytes.size()); }
  KeyBuffer(const KeyBuffer&) = delete;
  KeyBuffer& operator=(const KeyBuffer&) = delete;
  std::array<std::uint8_t, kKeyBytes> bytes{};
};

class HostKeys final : public KeyProvider {
 public:
  explicit HostKeys(const caveat_key_provider& given) : host_(given) {}

  [[nodiscard]] KeyId current() const override { return host_.current; }

  [[nodiscard]] Result<SecretKey> key(KeyId id) const override {
    KeyBuffer key;
    std::array<char, kWhyBytes> why{};
    caveat_code code = CAVEAT_OK;
    try {
      code = host_.key(host_.context, id, key.bytes.data(), why.data(), why.size() - 1);
    } catch (...) {  // a host's C++; its kind is the host's secret
      return fail(ErrorCode::key_missing, fmt::format("the key provider threw for key {}", id));
    }
    if (code == CAVEAT_OK) return SecretKey(key.bytes);
    if (code == CAVEAT_OUT_OF_MEMORY) throw std::bad_alloc();
    const bool known = code >= CAVEAT_INVALID_ARGUMENT && code <= CAVEAT_WRONG_KEY;
    why.back() = '\0';  // whatever was written
    std::string sentence = fmt::format("the key provider has no key {}", id);
    if (why.front() != '\0') sentence = why.data();
    if (!known) sentence += fmt::format(" (it returned {}, which is no code)", code);
    return fail(known ? static_cast<ErrorCode>(code) : ErrorCode::key_missing, sentence);
  }

 private:
  const caveat_key_provider host_;
};

}  // namespace

Result<std::shared_ptr<const KeyProvider>> host_keys(const caveat_options& given) {
  if (given.keys != nullptr && given.key_provider != nullptr) {
    return fail(ErrorCode::invalid_argument,
                "caveat_options: keys and key_provider are both given; give one");
  }
  if (given.keys != nullptr) {
    auto ring = KeyRing::parse(given.keys);
    if (!ring) return fail(ring.error().within("caveat_options.keys"));
    return std::make_shared<const KeyRing>(std::move(*ring));
  }
  if (given.key_provider == nullptr) return nullptr;
  constexpr const char* kName = "caveat_key_provider";
  CAVEAT_ASSIGN(const auto provider, read_sized(given.key_provider, kFirstProviderBytes, kName));
  if (provider.key == nullptr) {
    return fail(ErrorCode::invalid_argument, "caveat_key_provider.key is NULL");
  }
  if (provider.current == 0 || provider.zero != 0) {
    return fail(ErrorCode::invalid_argument, provider.current == 0
                                                 ? "caveat_key_provider.current: 0 is no key's id"
                                                 : "caveat_key_provider.zero: it is not 0");
  }
  return std::make_shared<const HostKeys>(provider);
}

Result<std::shared_ptr<const KeyProvider>> host_keys(const caveat_options* given) {
  if (given == nullptr) return nullptr;
  CAVEAT_ASSIGN(const auto options, read_options(given));
  return host_keys(options);
}

}  // namespace caveat::c
