// Iterators and snapshots of the RocksDB backend.
#pragma once

#include <rocksdb/db.h>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/rocksdb/status.h"
#include "caveat/kv_backend.h"

namespace caveat::detail {

[[nodiscard]] inline rocksdb::Slice slice(std::string_view bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

// How many iterators and snapshots are alive: the database cannot be closed under them.
class LiveCount {
 public:
  explicit LiveCount(std::atomic<std::size_t>& count) noexcept : count_(count) { ++count_; }
  ~LiveCount() { --count_; }
  LiveCount(const LiveCount&) = delete;
  LiveCount& operator=(const LiveCount&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

class RocksdbSnapshot final : public KvSnapshot {
 public:
  RocksdbSnapshot(rocksdb::DB& db, std::atomic<std::size_t>& live)
      : live_(live), db_(db), snapshot_(db.GetSnapshot()) {}
  ~RocksdbSnapshot() override { db_.ReleaseSnapshot(snapshot_); }
  RocksdbSnapshot(const RocksdbSnapshot&) = delete;
  RocksdbSnapshot& operator=(const RocksdbSnapshot&) = delete;
  [[nodiscard]] const rocksdb::Snapshot* get() const noexcept { return snapshot_; }

 private:
  LiveCount live_;
  rocksdb::DB& db_;
  const rocksdb::Snapshot* snapshot_;
};

// RocksDB keeps a pointer to the slice.
struct UpperBound {
  explicit UpperBound(std::string end) : key(std::move(end)), slice(key) {}
  UpperBound(const UpperBound&) = delete;
  UpperBound& operator=(const UpperBound&) = delete;

  const std::string key;
  const rocksdb::Slice slice;
};

class RocksdbIterator final : public KvIterator {
 public:
  // `bound` may be null.
  RocksdbIterator(Family family, std::unique_ptr<UpperBound> bound,
                  std::unique_ptr<rocksdb::Iterator> iterator, std::atomic<std::size_t>& live,
                  const StoreNames& names)
      : live_(live),
        family_(family),
        names_(names),
        bound_(std::move(bound)),
        iterator_(std::move(iterator)) {}

  void seek_to_first() override { iterator_->SeekToFirst(); }
  void seek(std::string_view key) override { iterator_->Seek({key.data(), key.size()}); }
  void seek_for_prev(std::string_view key) override {
    iterator_->SeekForPrev({key.data(), key.size()});
  }
  void next() override { iterator_->Next(); }
  void prev() override { iterator_->Prev(); }
  [[nodiscard]] bool valid() const override { return iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return iterator_->key().ToStringView(); }
  [[nodiscard]] std::string_view value() const override {
    return iterator_->value().ToStringView();
  }
  [[nodiscard]] Result<void> status() const override;

 private:
  LiveCount live_;  // destroyed last: the iterator is gone before the count says so
  Family family_;
  const StoreNames& names_;
  std::unique_ptr<UpperBound> bound_;  // outlives the iterator
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

}  // namespace caveat::detail
