// Blocks of meta's tables hold keys of one first letter, that is of one kind of entry: damage to a
// block of directory pages is then no damage to anything that cannot be made anew.
#pragma once

#include <rocksdb/flush_block_policy.h>
#include <rocksdb/slice.h>
#include <memory>

namespace caveat::detail {

class LetterBlockPolicyFactory final : public rocksdb::FlushBlockPolicyFactory {
 public:
  const char* Name() const override { return "caveat.LetterBlocks"; }
  rocksdb::FlushBlockPolicy* NewFlushBlockPolicy(
      const rocksdb::BlockBasedTableOptions& options,
      const rocksdb::BlockBuilder& builder) const override {
    return new Policy(
        std::unique_ptr<rocksdb::FlushBlockPolicy>(by_size_.NewFlushBlockPolicy(options, builder)));
  }

 private:
  class Policy final : public rocksdb::FlushBlockPolicy {
   public:
    explicit Policy(std::unique_ptr<rocksdb::FlushBlockPolicy> by_size)
        : by_size_(std::move(by_size)) {}
    bool Update(const rocksdb::Slice& key, const rocksdb::Slice& value) override {
      const char letter = key.empty() ? '\0' : key[0];
      const bool other = begun_ && letter != letter_;  // never of an empty block: RocksDB asserts
      begun_ = true;
      letter_ = letter;
      return by_size_->Update(key, value) || other;
    }

   private:
    std::unique_ptr<rocksdb::FlushBlockPolicy> by_size_;
    bool begun_ = false;
    char letter_ = '\0';
  };

  rocksdb::FlushBlockBySizePolicyFactory by_size_;
};

}  // namespace caveat::detail
