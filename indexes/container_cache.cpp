#include "indexes/container_cache.h"

#include <algorithm>
#include <limits>
#include <new>

#include "engine/model/bytes.h"
#include "indexes/posting_container.h"

namespace caveat::posting {

std::optional<ContainerStamp> stamp_of(std::string_view container) noexcept {
  ContainerStamp stamp{0, container.size()};
  while (!container.empty()) {
    const auto header = peek_segment(container);
    if (!header) return std::nullopt;
    stamp.content =
        (stamp.content ^ segment_checksum(container)) * 0xFF51AFD7ED558CCDULL;  // odd: no loss
    stamp.content ^= stamp.content >> 29;
    container.remove_prefix(header->total_bytes());
  }
  return stamp;
}

std::shared_ptr<const DecodedContainer> DecodedContainer::make(std::span<const PostingPair> pairs) {
  auto made = std::make_shared<DecodedContainer>();
  if (!pairs.empty()) {
    const auto by_partition = [](const PostingPair& a, const PostingPair& b) {
      return a.partition < b.partition;
    };
    const auto [least, most] = std::minmax_element(pairs.begin(), pairs.end(), by_partition);
    made->first_ = least->partition;
    if (most->partition - least->partition > std::numeric_limits<std::uint32_t>::max()) {
      return nullptr;
    }
  }
  std::size_t terms = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    terms += i == 0 || pairs[i].term != pairs[i - 1].term ? 1U : 0U;
  }
  made->terms_.reserve(terms);
  made->starts_.reserve(terms + 1);
  made->partitions_.reserve(pairs.size());
  for (const auto& pair : pairs) {
    if (made->terms_.empty() || made->terms_.back() != pair.term) {
      made->terms_.push_back(pair.term);
      made->starts_.push_back(static_cast<std::uint32_t>(made->partitions_.size()));
    }
    made->partitions_.push_back(static_cast<std::uint32_t>(pair.partition - made->first_));
  }
  made->starts_.push_back(static_cast<std::uint32_t>(made->partitions_.size()));
  return made;
}

void DecodedContainer::append(std::uint64_t lo, std::uint64_t hi,
                              std::vector<PostingPair>& out) const {
  const auto from = std::lower_bound(terms_.begin(), terms_.end(), lo);
  const auto to = lo == hi ? from + (from != terms_.end() && *from == lo ? 1 : 0)
                           : std::upper_bound(from, terms_.end(), hi);
  const auto first = static_cast<std::size_t>(from - terms_.begin());
  const auto last = static_cast<std::size_t>(to - terms_.begin());
  out.reserve(out.size() + starts_[last] - starts_[first]);
  for (std::size_t t = first; t < last; ++t) {
    for (std::uint32_t i = starts_[t]; i < starts_[t + 1]; ++i) {
      out.push_back({terms_[t], first_ + partitions_[i]});
    }
  }
}

std::size_t DecodedContainer::memory_bytes() const noexcept {
  constexpr std::size_t kHeapOverhead = 16;
  return sizeof(*this) + terms_.capacity() * sizeof(std::uint64_t) +
         (starts_.capacity() + partitions_.capacity()) * sizeof(std::uint32_t) + 4 * kHeapOverhead;
}

Result<void> read_cached(ContainerCache* cache, std::string_view container, std::uint64_t lo,
                         std::uint64_t hi, bool ordered, std::vector<PostingPair>& out) {
  const auto stamp = cache != nullptr ? stamp_of(container) : std::nullopt;
  if (!stamp) return read_container(container, lo, hi, ordered, out);
  if (const auto cached = cache->find(*stamp)) {
    cached->append(lo, hi, out);
    return {};
  }
  if (!cache->wants(*stamp)) return read_container(container, lo, hi, ordered, out);
  std::vector<PostingPair> pairs;
  CAVEAT_TRY(read_container(container, 0, std::numeric_limits<std::uint64_t>::max(), true, pairs));
  auto decoded = DecodedContainer::make(pairs);
  if (decoded == nullptr) return read_container(container, lo, hi, ordered, out);
  decoded->append(lo, hi, out);
  cache->keep(*stamp, std::move(decoded));
  return {};
}

}  // namespace caveat::posting
