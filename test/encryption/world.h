// Stores with keys, and ways to look at what lies under them.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "caveat/caveat.h"
#include "caveat/encryption.h"
#include "test/support/backend_double.h"
#include "test/support/store_files.h"
#include "test/support/stores.h"

namespace caveat::test {

[[nodiscard]] inline SecretKey key_numbered(std::uint8_t number) {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(number * 31 + i * 7);
  }
  return SecretKey(bytes);
}

// Key `id` is key_numbered(id); the last is current.
[[nodiscard]] inline Options with_keys(const std::vector<KeyId>& ids, Options options = {}) {
  auto ring = std::make_shared<KeyRing>();
  for (const KeyId id : ids) value_of(ring->add(id, key_numbered(static_cast<std::uint8_t>(id))));
  options.encryption.keys = ring;
  return options;
}

// Small enough that a few thousand records make many of everything.
[[nodiscard]] inline Options small_options() {
  Options options;
  options.partition_records = 64;
  options.memory_budget_bytes = kMemoryBudgetMin;
  options.delta_bytes = 256 << 10;
  options.background_maintenance = false;
  return options;
}

[[nodiscard]] inline Result<StorageOptimizer> open_on(const std::shared_ptr<KvBackend>& inner,
                                                      const Options& options) {
  return StorageOptimizer::open(std::make_unique<BackendDouble>(inner), options);
}

// Names, values and reasons that nothing else in the world contains.
inline constexpr std::string_view kSecretName = "Pr0pertyOfTheSecret";
inline constexpr std::string_view kSecretValue = "V4lueOfTheSecret";
inline constexpr std::string_view kSecretReason = "R34sonOfTheSecret";
inline constexpr NodeId kSecretNode = 0x0102A3B4C5D6E7F8;

[[nodiscard]] inline std::string secret_name(std::size_t i) {
  return std::string(kSecretName) + "/" + std::to_string(i);
}

[[nodiscard]] inline Exception secret_exception(std::size_t i) {
  Exception exception;
  exception.inherited_value = std::string(kSecretValue) + std::to_string(i);
  exception.actual_value = PropertyValue::List{std::string(kSecretValue), std::int64_t(i)};
  exception.reason = std::string(kSecretReason) + " number " + std::to_string(i);
  exception.source = static_cast<ExceptionSource>(i % kExceptionSourceCount);
  exception.confidence = static_cast<float>(i % 100) / 100;
  exception.created_at = 1'700'000'000'000'000'000 + static_cast<std::int64_t>(i) * 1'000'000'000;
  return exception;
}

[[nodiscard]] inline ExceptionKey secret_key(std::size_t i) {
  return {kSecretNode + i / 5, hash_property(secret_name(i % 5))};
}

inline void store_secrets(StorageOptimizer& store, std::size_t from, std::size_t to) {
  for (std::size_t i = 0; i < 5; ++i) value_of(store.register_property(secret_name(i)));
  std::vector<ExceptionRecord> records;
  for (std::size_t i = from; i < to; ++i) records.push_back({secret_key(i), secret_exception(i)});
  value_of(store.bulk_store(records));
}

inline void check_secrets(const StorageOptimizer& store, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    const auto found = value_of(store.retrieve_exception(secret_key(i)));
    REQUIRE(found.has_value());
    REQUIRE(*found == secret_exception(i));
  }
  CHECK(value_of(store.count({})) == count);
  CHECK(store.property_name(hash_property(secret_name(3))) == secret_name(3));
}

// What of the secrets can be read in the bytes: text, and numbers in the order that values use.
[[nodiscard]] inline std::vector<std::string> secrets_in(std::string_view bytes) {
  std::vector<std::string> found;
  const auto look = [&](std::string_view what, const char* name) {
    if (bytes.find(what) != std::string_view::npos) found.emplace_back(name);
  };
  look(kSecretName, "a name");
  look(kSecretValue, "a value");
  look(kSecretReason, "a reason");
  const NodeId node = kSecretNode;
  look({reinterpret_cast<const char*>(&node), sizeof(node)}, "a node, outside of a key");
  for (std::size_t i = 0; i < 5; ++i) {
    const PropertyHash hash = hash_property(secret_name(i));
    look({reinterpret_cast<const char*>(&hash), sizeof(hash)}, "a hash, outside of a key");
  }
  return found;
}

[[nodiscard]] inline std::vector<std::string> secrets_in_files(const std::filesystem::path& path) {
  std::vector<std::string> found;
  for (const auto& file : std::filesystem::recursive_directory_iterator(path)) {
    if (!file.is_regular_file()) continue;
    for (const auto& what : secrets_in(bytes_of(file.path()))) {
      found.push_back(file.path().filename().string() + ": " + what);
    }
  }
  return found;
}

// The built-in cipher, with what it is asked for written down.
class LedgerCipher : public Cipher {
 public:
  std::uint8_t id() const noexcept override { return inner_->id(); }
  std::string_view name() const noexcept override { return "ledger"; }
  void encrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
               std::string_view associated, std::string_view plain,
               char* out) const noexcept override {
    inner_->encrypt(key, nonce, associated, plain, out);
    std::string use(key.bytes().begin(), key.bytes().end());
    use.append(nonce.data(), nonce.size());
    const std::lock_guard lock(mutex_);
    ++uses_;
    if (!seen_.insert(use).second) ++repeats_;
  }
  bool decrypt(const SecretKey& key, std::span<const char, kNonceBytes> nonce,
               std::string_view associated, std::string_view sealed,
               char* out) const noexcept override {
    return inner_->decrypt(key, nonce, associated, sealed, out);
  }
  Result<void> random(std::span<char> out) const override {
    if (broken_random) {
      std::fill(out.begin(), out.end(), '\x55');
      return {};
    }
    return inner_->random(out);
  }

  bool broken_random = false;
  [[nodiscard]] std::uint64_t uses() const { return uses_; }
  [[nodiscard]] std::uint64_t repeats() const { return repeats_; }

 private:
  const std::shared_ptr<const Cipher> inner_ = built_in_cipher();
  mutable std::mutex mutex_;
  mutable std::set<std::string> seen_;
  mutable std::uint64_t uses_ = 0;
  mutable std::uint64_t repeats_ = 0;
};

// A planted bug: it does not encrypt.
class NoCipher final : public LedgerCipher {
 public:
  void encrypt(const SecretKey&, std::span<const char, kNonceBytes>, std::string_view,
               std::string_view plain, char* out) const noexcept override {
    std::copy(plain.begin(), plain.end(), out);
    std::fill_n(out + plain.size(), kTagBytes, '\0');
  }
  bool decrypt(const SecretKey&, std::span<const char, kNonceBytes>, std::string_view,
               std::string_view sealed, char* out) const noexcept override {
    std::memmove(out, sealed.data(), sealed.size() - kTagBytes);
    return true;
  }
};

}  // namespace caveat::test
