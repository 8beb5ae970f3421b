// The key filter: says "no exception here" with authority.
//
// A blocked Bloom filter (Putze, Sanders, Singler: "Cache-, Hash- and Space-Efficient Bloom
// Filters", 2007) for the keys and the nodes of one partition: a probe touches one cache line.
// Immutable once published; a fold that appends to the partition publishes a copy with more keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "caveat/types.h"
#include "pool/lasting_memory.h"

namespace caveat {

// The two things that are asked for. Mixed once, then used for block and bits.
[[nodiscard]] inline std::uint64_t filter_hash(const ExceptionKey& key) noexcept {
  std::uint64_t h = key.node_id * 0x9E3779B97F4A7C15ULL ^ key.property_hash;
  h = (h ^ (h >> 32)) * 0xD6E8FEB86659FD93ULL;
  return h ^ (h >> 32);
}
[[nodiscard]] inline std::uint64_t filter_hash(NodeId node) noexcept {
  std::uint64_t h = (node + 0x51ED270B0A1F39C1ULL) * 0xFF51AFD7ED558CCDULL;
  h = (h ^ (h >> 32)) * 0xC4CEB9FE1A85EC53ULL;
  return h ^ (h >> 32);
}

class KeyFilter {
 public:
  // Room for this many hashes at 9 bits each or more (1 % false answers).
  explicit KeyFilter(std::size_t expected);

  void add(std::uint64_t hash) noexcept {
    auto* block = &words_[block_of(hash) * kWordsPerBlock];
    std::uint64_t h = hash * kBitMultiplier;
    for (int i = 0; i < kProbes; ++i) {
      block[(h >> 61) & 7] |= std::uint64_t{1} << ((h >> 55) & 63);
      h = h << 9 | h >> 55;
    }
    ++count_;
  }
  void add(const ExceptionKey& key) noexcept {
    add(filter_hash(key));
    add(filter_hash(key.node_id));
  }

  // A filter's bits, without the object around them: for directories, which keep one less step
  // between a key and its answer. As long as the filter lives.
  class Bits {
   public:
    Bits() = default;  // none: says yes to everything
    // False: certainly not added. True: probably added.
    [[nodiscard]] bool may_contain(std::uint64_t hash) const noexcept {
      if (words_ == nullptr) return true;
      const auto* block = &words_[block_of(hash, blocks_) * kWordsPerBlock];
      std::uint64_t h = hash * kBitMultiplier;
      std::uint64_t all = 1;  // no branch a probe: which one says no cannot be predicted
      for (int i = 0; i < kProbes; ++i) {
        all &= block[(h >> 61) & 7] >> ((h >> 55) & 63);
        h = h << 9 | h >> 55;
      }
      return all != 0;
    }
    [[nodiscard]] bool is_there() const noexcept { return words_ != nullptr; }

   private:
    friend class KeyFilter;
    const std::uint64_t* words_ = nullptr;
    std::uint32_t blocks_ = 0;
  };
  [[nodiscard]] Bits bits() const noexcept {
    Bits bits;
    bits.words_ = words_.data();
    bits.blocks_ = static_cast<std::uint32_t>(words_.size() / kWordsPerBlock);
    return bits;
  }
  [[nodiscard]] bool may_contain(std::uint64_t hash) const noexcept {
    return bits().may_contain(hash);
  }

  // With half the bits a hash, and about 10 % false answers: for stores whose filters do not fit.
  // Not below 4 bits a hash, where it would say yes to nearly all.
  [[nodiscard]] bool can_be_halved() const noexcept;
  [[nodiscard]] KeyFilter halved() const;

  // So many more hashes than it was made for that a rewrite of the partition pays.
  [[nodiscard]] bool crowded() const noexcept { return count_ > capacity_ * 4; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return sizeof(*this) + words_.capacity() * sizeof(std::uint64_t);
  }

  // How a directory page holds it, which carries the checksum: three numbers, and apart from them
  // the words.
  struct Size {
    std::uint32_t added = 0;
    std::uint32_t capacity = 0;
    std::uint32_t blocks = 0;  // of 64 bytes
    [[nodiscard]] std::size_t words_bytes() const noexcept {
      return std::size_t{blocks} * kWordsPerBlock * sizeof(std::uint64_t);
    }
  };
  [[nodiscard]] Size size() const noexcept {
    return {count_, capacity_, static_cast<std::uint32_t>(words_.size() / kWordsPerBlock)};
  }
  void append_words(std::string& out) const;
  // Takes the words off the front of `bytes`; corruption where that cannot be.
  [[nodiscard]] static Result<KeyFilter> from_words(const Size& size, std::string_view& bytes);

  // The same in one: the numbers as u32, then the words. Pages of version 2 hold it so.
  void encode(std::string& out) const;
  [[nodiscard]] static Result<KeyFilter> decode(std::string_view& bytes);

 private:
  static constexpr std::size_t kWordsPerBlock = 8;  // 64 bytes: one cache line
  static constexpr std::size_t kBitsPerKey = 9;  // at least; 11 on average, as blocks come in pairs
  static constexpr std::size_t kBitsToHalve = 8;
  static constexpr int kProbes = 6;
  static constexpr std::uint64_t kBitMultiplier = 0x9FB21C651E98DF25ULL;

  KeyFilter() = default;
  [[nodiscard]] std::size_t block_of(std::uint64_t hash) const noexcept {
    return block_of(hash, words_.size() / kWordsPerBlock);
  }
  [[nodiscard]] static std::size_t block_of(std::uint64_t hash, std::size_t blocks) noexcept {
    return static_cast<std::size_t>((hash >> 32) * blocks >> 32);
  }

  LastingVector<std::uint64_t> words_;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace caveat
