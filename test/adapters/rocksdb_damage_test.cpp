// Damage in one file: the rest of the store goes on.
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include "test/adapters/harness.h"

#ifndef CAVEAT_TEST_TSAN

using namespace caveat;
using namespace caveat::test;

namespace {

namespace fs = std::filesystem;

class Listener final : public KvObserver {
 public:
  void on_background_error(const StorageError& error) noexcept override {
    const std::lock_guard lock(mutex_);
    errors_.push_back(error);
  }
  [[nodiscard]] std::vector<StorageError> errors() const {
    const std::lock_guard lock(mutex_);
    return errors_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<StorageError> errors_;
};

// Bytes that do not compress.
std::string noise(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

fs::path largest_table(const fs::path& directory) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  return largest;
}

void flip_bit(const fs::path& file, std::uint64_t offset) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(offset));
  stream.put(byte);
}

}  // namespace

TEST_CASE("a damaged table file stops no writes, for as many files as come after it") {
  RocksdbKind kind;
  kind.options.write_buffer_bytes = 1 << 20;
  kind.reopen();
  std::mt19937 random(3);
  for (std::uint64_t i = 0; i < 500; ++i) {
    put(*kind.backend, Family::primary, key_of(i * 1000), noise(random, 4000));
  }
  must(kind.backend->compact(Family::primary, {}));
  must(kind.backend->close());
  const fs::path table = largest_table(kind.path());
  flip_bit(table, fs::file_size(table) / 2);
  kind.backend = kind.open();
  Listener listener;
  kind.backend->set_observer(&listener);
  // Enough for level 0 to reach the number of files at which RocksDB stops writes for good.
  std::uint64_t stored = 0;
  for (std::uint64_t i = 0; i < 12'000; ++i) {
    KvBatch batch;
    batch.put(Family::primary, key_of((i * 7919) % 500'000 + 1), noise(random, 2000));
    must(kind.backend->write(batch, Durability::none));
    ++stored;
  }
  const auto errors = listener.errors();
  REQUIRE(errors.size() == 1);
  INFO(errors[0].message());
  CHECK(errors[0].code() == ErrorCode::corruption);
  CHECK(errors[0].message().find("compaction of primary") == 0);
  CHECK(errors[0].message().find(table.filename().string()) != std::string::npos);
  CHECK(stored == 12'000);
  // What is damaged says so, the rest can be read.
  std::size_t lost = 0;
  std::string value;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto got = kind.backend->get(Family::primary, key_of(i * 1000), nullptr, value);
    if (got) continue;
    CHECK(got.error().code() == ErrorCode::corruption);
    CHECK(got.error().message().find(table.filename().string()) != std::string::npos);
    ++lost;
  }
  CHECK(lost >= 1);
  CHECK(lost <= 3);
  must(kind.backend->flush());
  kind.backend->set_observer(nullptr);
  must(kind.backend->close());
  kind.backend = kind.open();
  put(*kind.backend, Family::primary, "more", "v");
  CHECK(read(*kind.backend, Family::primary, "more") == "v");
  CHECK(must_fail(kind.backend->compact(Family::primary, {})).code() == ErrorCode::corruption);
  put(*kind.backend, Family::primary, "more", "w");
  must(kind.backend->close());
}

#endif  // CAVEAT_TEST_TSAN
