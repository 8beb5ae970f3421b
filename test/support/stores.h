// Stores to test on: volatile ones, and persistent ones in a directory of their own.
#pragma once

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adapters/memory/memory_backend.h"
#include "caveat/caveat.h"

namespace caveat::test {

// Sanitized code is many times slower: sweeps look at fewer places there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

// A directory that goes when the test ends.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "caveat-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Fails the test with the error's sentence where there is one.
template <class T>
T value_of(Result<T> result) {
  if (!result) FAIL(to_string(result.error().code()) << ": " << result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// One record of the property for each node of [from, to), in one call.
template <class MakeException>
void store_nodes(StorageOptimizer& store, PropertyHash property, NodeId from, NodeId to,
                 const MakeException& exception_of) {
  std::vector<ExceptionRecord> records;
  for (NodeId node = from; node < to; ++node) {
    records.push_back({{node, property}, exception_of(node)});
  }
  value_of(store.bulk_store(records));
}

enum class Backend { memory, rocksdb };
[[nodiscard]] inline std::string name_of(Backend backend) {
  return backend == Backend::memory ? "memory" : "rocksdb";
}

// With CAVEAT_TEST_ENCRYPTED in the environment every store of TestStore is encrypted: suites that
// know nothing of it run again.
[[nodiscard]] inline bool encrypted_by_environment() {
  return std::getenv("CAVEAT_TEST_ENCRYPTED") != nullptr;
}
inline void add_test_key(Options& options) {
  auto ring = std::make_shared<KeyRing>();
  value_of(ring->add(1, value_of(SecretKey::from_hex(std::string(64, '7')))));
  options.encryption.keys = ring;
}

// One store on either backend; reopen() closes and opens a persistent one, and does nothing to
// a volatile one.
class TestStore {
 public:
  explicit TestStore(Backend backend, Options options = {})
      : backend_(backend), options_(std::move(options)) {
    if (encrypted_by_environment()) add_test_key(options_);
    open();
  }

  void open() {
    if (backend_ == Backend::memory) {
      if (store_) return;
      store_ = encrypted_by_environment()
                   ? std::make_unique<StorageOptimizer>(
                         value_of(StorageOptimizer::open(make_memory_backend(), options_)))
                   : std::make_unique<StorageOptimizer>(0, options_);
    } else {
      store_ = std::make_unique<StorageOptimizer>(
          value_of(StorageOptimizer::open(directory_.path() / "store", options_)));
    }
  }
  void reopen() {
    if (backend_ == Backend::memory) return;
    value_of(store_->close());
    store_.reset();
    open();
  }
  [[nodiscard]] bool persistent() const { return backend_ == Backend::rocksdb; }
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "store"; }
  StorageOptimizer* operator->() { return store_.get(); }
  StorageOptimizer& operator*() { return *store_; }

 private:
  Backend backend_;
  Options options_;
  ScratchDirectory directory_;
  std::unique_ptr<StorageOptimizer> store_;
};

}  // namespace caveat::test
