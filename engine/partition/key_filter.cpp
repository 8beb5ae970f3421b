#include "engine/partition/key_filter.h"

#include <algorithm>

#include "engine/model/bytes.h"

namespace caveat {

namespace {
constexpr std::uint32_t kFilterBlocksMax = 1U << 22;  // 256 MiB: far beyond any partition
}

KeyFilter::KeyFilter(std::size_t expected)
    : capacity_(static_cast<std::uint32_t>(std::max<std::size_t>(expected, 1))) {
  const std::size_t bits_per_block = kWordsPerBlock * 64;
  // An even number, so that it can be halved.
  const std::size_t bits_of_pair = bits_per_block * 2;
  const std::size_t pairs = (capacity_ * kBitsPerKey + bits_of_pair - 1) / bits_of_pair;
  words_.assign(std::min<std::size_t>(pairs * 2, kFilterBlocksMax) * kWordsPerBlock, 0);
}

bool KeyFilter::can_be_halved() const noexcept {
  const std::size_t blocks = words_.size() / kWordsPerBlock;
  // Every key was added with its node, so at least half of what was added are hashes of their own.
  const std::size_t hashes = std::max(capacity_, count_ / 2);
  return blocks % 2 == 0 && blocks * kWordsPerBlock * 64 >= hashes * kBitsToHalve;
}

// Of twice the blocks, blocks 2 i and 2 i + 1 are where hashes of block i would be.
KeyFilter KeyFilter::halved() const {
  KeyFilter half;
  half.count_ = count_;
  half.capacity_ = capacity_;
  half.words_.resize(words_.size() / 2);
  for (std::size_t i = 0; i < half.words_.size(); ++i) {
    const std::size_t left = i / kWordsPerBlock * 2 * kWordsPerBlock + i % kWordsPerBlock;
    half.words_[i] = words_[left] | words_[left + kWordsPerBlock];
  }
  return half;
}

void KeyFilter::append_words(std::string& out) const {
  out.append(reinterpret_cast<const char*>(words_.data()), words_.size() * sizeof(std::uint64_t));
}

Result<KeyFilter> KeyFilter::from_words(const Size& size, std::string_view& bytes) {
  if (size.blocks == 0 || size.blocks > kFilterBlocksMax || size.capacity == 0 ||
      bytes.size() < size.words_bytes()) {
    return fail(ErrorCode::corruption, "key filter: impossible size");
  }
  KeyFilter filter;
  filter.count_ = size.added;
  filter.capacity_ = size.capacity;
  filter.words_.resize(std::size_t{size.blocks} * kWordsPerBlock);
  std::memcpy(filter.words_.data(), bytes.data(), size.words_bytes());
  bytes.remove_prefix(size.words_bytes());
  return filter;
}

void KeyFilter::encode(std::string& out) const {
  const Size numbers = size();
  put_fixed(out, numbers.added);
  put_fixed(out, numbers.capacity);
  put_fixed(out, numbers.blocks);
  append_words(out);
}

Result<KeyFilter> KeyFilter::decode(std::string_view& bytes) {
  Size size;
  if (!take_fixed(bytes, size.added) || !take_fixed(bytes, size.capacity) ||
      !take_fixed(bytes, size.blocks)) {
    return fail(ErrorCode::corruption, "key filter: ends inside its header");
  }
  return from_words(size, bytes);
}

}  // namespace caveat
