// What all adapter tests share: a backend of either kind, and short ways to ask it.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/memory/memory_backend.h"
#include "adapters/rocksdb/rocksdb_backend.h"
#include "caveat/kv_backend.h"
#include "engine/encryption/encryption.h"

// Encrypted kinds in a build with a cipher (test/CMakeLists.txt).
#ifdef CAVEAT_TEST_ENCRYPTED_KINDS
#define CAVEAT_ENCRYPTED(kind) , caveat::test::EncryptedKind<kind>
#else
#define CAVEAT_ENCRYPTED(kind)
#endif

// RocksDB itself is not instrumented, so ThreadSanitizer would report races that are none.
#if defined(__SANITIZE_THREAD__)
#define CAVEAT_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CAVEAT_TEST_TSAN 1
#endif
#endif
#ifdef CAVEAT_TEST_TSAN
#define CAVEAT_BACKENDS caveat::test::MemoryKind CAVEAT_ENCRYPTED(caveat::test::MemoryKind)
#else
#define CAVEAT_BACKENDS                                                                          \
  caveat::test::MemoryKind, caveat::test::RocksdbKind CAVEAT_ENCRYPTED(caveat::test::MemoryKind) \
                                CAVEAT_ENCRYPTED(caveat::test::RocksdbKind)
#endif

namespace caveat::test {

// A directory that is gone with the test.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "caveat-test-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path_ = name;
    REQUIRE(!path_.empty());
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

template <class T>
T must(Result<T> result) {
  INFO((result ? std::string() : result.error().message()));
  REQUIRE(result.has_value());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

template <class T>
StorageError must_fail(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

struct MemoryKind {
  static constexpr bool kPersistent = false;
  std::unique_ptr<KvBackend> backend = make_memory_backend();
};

struct RocksdbKind {
  static constexpr bool kPersistent = true;
  ScratchDirectory scratch;
  RocksdbBackendOptions options;
  std::unique_ptr<KvBackend> backend = open();

  [[nodiscard]] std::filesystem::path path() const { return scratch.path() / "store"; }
  [[nodiscard]] std::unique_ptr<KvBackend> open() const {
    return must(open_rocksdb_backend(path(), options));
  }
  void reopen() {
    must(backend->close());
    backend.reset();
    backend = open();
  }
};

// The same behind encryption, which has to keep the port's promises itself.
template <class Kind>
struct EncryptedKind : Kind {
  EncryptedKind() { wrap(); }
  void reopen() {
    Kind::reopen();
    wrap();
  }

 private:
  void wrap() {
    auto ring = std::make_shared<KeyRing>();
    must(ring->add(1, must(SecretKey::from_hex(std::string(2 * kKeyBytes, '5')))));
    Encryption encryption;
    encryption.keys = ring;
    this->backend = must(open_encryption(std::move(this->backend), encryption)).backend;
  }
};

inline std::optional<std::string> read(KvBackend& backend, Family family, std::string_view key,
                                       const KvSnapshot* snapshot = nullptr) {
  std::string value = "stale";
  if (must(backend.get(family, key, snapshot, value))) return value;
  return std::nullopt;
}

inline void put(KvBackend& backend, Family family, std::string_view key, std::string_view value,
                Durability durability = Durability::wal) {
  KvBatch batch;
  batch.put(family, key, value);
  must(backend.write(batch, durability));
}

inline void append(KvBackend& backend, Family family, std::string_view key,
                   std::string_view operand) {
  KvBatch batch;
  batch.append(family, key, operand);
  must(backend.write(batch, Durability::wal));
}

inline void erase(KvBackend& backend, Family family, std::string_view key) {
  KvBatch batch;
  batch.erase(family, key);
  must(backend.write(batch, Durability::wal));
}

inline void erase_range(KvBackend& backend, Family family, std::string_view first,
                        std::string_view last) {
  KvBatch batch;
  batch.erase_range(family, first, last);
  must(backend.write(batch, Durability::wal));
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline Pairs walk(KvIterator& iterator) {
  Pairs pairs;
  for (iterator.seek_to_first(); iterator.valid(); iterator.next()) {
    pairs.emplace_back(iterator.key(), iterator.value());
  }
  must(iterator.status());
  return pairs;
}

inline Pairs walk(KvBackend& backend, Family family, const KvSnapshot* snapshot = nullptr) {
  const auto iterator = must(backend.iterate(family, snapshot, false));
  return walk(*iterator);
}

// Big-endian, so that numbers sort as keys.
inline std::string key_of(std::uint64_t number) {
  std::string key(8, '\0');
  for (int i = 7; i >= 0; --i, number >>= 8) {
    key[static_cast<std::size_t>(i)] = static_cast<char>(number & 0xFF);
  }
  return key;
}

}  // namespace caveat::test
