#include "indexes/posting_container.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "engine/model/bytes.h"

namespace caveat::posting {
namespace {

// The newest change of each pair, from segments in the order they were appended.
class ChangeSet {
 public:
  void add_segment(std::span<const PostingPair> adds, std::span<const PostingPair> removes) {
    for (const auto& pair : adds) changes_.push_back({pair.term, pair.partition, true});
    for (const auto& pair : removes) changes_.push_back({pair.term, pair.partition, false});
  }
  // Sorted by pair, one a pair.
  std::span<const PostingChange> resolve() {
    std::stable_sort(changes_.begin(), changes_.end(),
                     [](const auto& a, const auto& b) { return a.pair() < b.pair(); });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      const bool superseded =
          i + 1 < changes_.size() && changes_[i].pair() == changes_[i + 1].pair();
      if (!superseded) changes_[kept++] = changes_[i];
    }
    changes_.resize(kept);
    return changes_;
  }

 private:
  std::vector<PostingChange> changes_;
};

}  // namespace

std::string container_key(const PostingPair& lower) {
  std::string key;
  put_big_endian(key, lower.term);
  put_big_endian(key, lower.partition);
  return key;
}

std::optional<PostingPair> parse_container_key(std::string_view key) noexcept {
  if (key.size() != kContainerKeyBytes) return std::nullopt;
  const PostingPair lower{get_big_endian(key, 0), get_big_endian(key, 8)};
  if (lower.partition > kMaxPartitionId) return std::nullopt;
  return lower;
}

StorageError at_container(Family family, std::string_view key, const StorageError& error) {
  std::string hex;
  for (const char byte : key) hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return error.within(fmt::format("{} 0x{}", to_string(family), hex));
}

ContainerSummary summarise(std::string_view container) noexcept {
  ContainerSummary summary;
  summary.bytes = container.size();
  for (auto rest = container; !rest.empty();) {
    const auto header = peek_segment(rest);
    if (!header || (header->kind == SegmentKind::base && rest.size() != container.size())) {
      summary.sound = false;
      break;
    }
    if (header->kind == SegmentKind::base) {
      summary.base_bytes = header->total_bytes();
      summary.pairs = header->adds;
    } else {
      summary.change_bytes += header->total_bytes();
      summary.adds += header->adds;
      summary.removes += header->removes;
    }
    rest.remove_prefix(header->total_bytes());
  }
  return summary;
}

bool wants_rewrite(const ContainerSummary& summary) noexcept {
  // A damaged container cannot be merged: asking for it again and again would help nobody.
  if (!summary.sound) return false;
  return summary.change_bytes > std::max<std::size_t>(1024, summary.base_bytes / 2) ||
         summary.bytes > 2 * kContainerBytes;
}

void merge_changes(std::vector<PostingPair>& pairs, std::span<const PostingChange> changes) {
  if (changes.empty()) return;
  std::vector<PostingPair> merged;
  merged.reserve(pairs.size() + changes.size());
  auto pair = pairs.begin();
  for (const auto& change : changes) {
    const auto at = std::lower_bound(pair, pairs.end(), change.pair());
    merged.insert(merged.end(), pair, at);
    pair = at != pairs.end() && *at == change.pair() ? std::next(at) : at;
    if (change.add) merged.push_back(change.pair());
  }
  merged.insert(merged.end(), pair, pairs.end());
  pairs.swap(merged);
}

Result<void> read_container(std::string_view container, std::uint64_t lo, std::uint64_t hi,
                            bool ordered, std::vector<PostingPair>& out) {
  if (container.size() > kMaxContainerBytes)
    return fail(ErrorCode::corruption, "posting container: larger than any that is written");
  std::vector<PostingPair> pairs;
  std::vector<PostingPair> adds;
  std::vector<PostingPair> removes;
  ChangeSet changes;
  auto rest = container;
  for (std::size_t index = 0; !rest.empty(); ++index) {
    CAVEAT_ASSIGN(const auto segment, take_segment(rest));
    const bool is_base = segment.header.kind == SegmentKind::base;
    if (is_base && index != 0)
      return fail(ErrorCode::corruption, "posting container: a base after other segments");
    if (is_base) {
      const bool alone = rest.empty();
      CAVEAT_TRY(decode_segment(segment, lo, hi, ordered || !alone, pairs, removes));
    } else {
      adds.clear();
      removes.clear();
      CAVEAT_TRY(decode_segment(segment, lo, hi, false, adds, removes));
      changes.add_segment(adds, removes);
    }
  }
  merge_changes(pairs, changes.resolve());
  if (out.empty()) {
    out.swap(pairs);
  } else {
    out.insert(out.end(), pairs.begin(), pairs.end());
  }
  return {};
}

std::vector<EncodedContainer> encode_containers(std::span<const PostingPair> pairs,
                                                const PostingPair& lower) {
  std::vector<EncodedContainer> result;
  const auto encode = [&result](std::span<const PostingPair> part, const PostingPair& bound) {
    EncodedContainer container{bound, part.size(), {}};
    encode_base(part, container.value);
    result.push_back(std::move(container));
  };
  std::size_t parts = 1;
  if (pairs.size() > kSplitPairs) {
    parts = (pairs.size() + kContainerPairs - 1) / kContainerPairs;
  } else {
    encode(pairs, lower);
    if (result.back().value.size() <= kSplitBytes) return result;  // as any of one pair is
    parts = (result.back().value.size() + kContainerBytes - 1) / kContainerBytes;
    result.clear();
  }
  for (std::size_t part = 0; part < parts; ++part) {
    const auto begin = pairs.size() * part / parts;
    const auto end = pairs.size() * (part + 1) / parts;
    const auto bound = part == 0 ? lower : pairs[begin];
    const auto piece = pairs.subspan(begin, end - begin);
    // By count they may still be too large by bytes: cut again.
    auto cut = encode_containers(piece, bound);
    std::move(cut.begin(), cut.end(), std::back_inserter(result));
  }
  return result;
}

}  // namespace caveat::posting
