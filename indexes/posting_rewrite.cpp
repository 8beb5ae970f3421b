// Rewriting containers: merge, split, join; and building a family anew.
#include <algorithm>
#include <iterator>

#include "indexes/posting_family.h"
#include "pool/invariant.h"

namespace caveat {

using namespace posting;

namespace {
constexpr std::uint64_t kAllTerms = ~std::uint64_t{0};
// A chunk that a batch sink gets: larger ones would stall concurrent writers.
constexpr std::size_t kBatchBytes = std::size_t{192} << 10;
}  // namespace

Result<std::vector<PostingPair>> PostingFamily::read_pairs(std::size_t index) {
  const auto key = container_key(bounds_[index].lower);
  std::string value;
  CAVEAT_ASSIGN(const bool found, backend_.get(family_, key, nullptr, value));
  if (!found)
    return fail(at_container(family_, key, {ErrorCode::corruption, "posting container is gone"}));
  std::vector<PostingPair> pairs;
  if (auto read = read_container(value, 0, kAllTerms, true, pairs); !read)
    return fail(at_container(family_, key, read.error()));
  // What lies outside is left over from a split or join that was cut short.
  const auto begin = std::lower_bound(pairs.begin(), pairs.end(), bounds_[index].lower);
  auto end = pairs.end();
  if (index + 1 < bounds_.size())
    end = std::lower_bound(begin, pairs.end(), bounds_[index + 1].lower);
  pairs.erase(end, pairs.end());
  pairs.erase(pairs.begin(), begin);
  return pairs;
}

void PostingFamily::replace(Range range, std::vector<EncodedContainer> containers, KvBatch& out) {
  // The right ones first, then the left, then the erasures: whatever prefix of this is applied,
  // every pair is in the container that its key leads to.
  std::vector<Bound> fresh;
  for (auto container = containers.rbegin(); container != containers.rend(); ++container) {
    out.put(family_, container_key(container->lower), container->value);
    fresh.push_back(describe(container->lower, container->value));
  }
  std::reverse(fresh.begin(), fresh.end());
  for (const auto& bound : fresh)
    if (wants_rewrite(bound)) staged_queue_.push_back(bound.lower);
  auto& staged = *staged_;
  for (auto index = range.begin; index < range.end; ++index) {
    const auto& lower = staged[index].lower;
    const bool kept = std::any_of(fresh.begin(), fresh.end(),
                                  [&](const Bound& bound) { return bound.lower == lower; });
    if (!kept) out.erase(family_, container_key(lower));
  }
  const auto begin = staged.begin() + static_cast<std::ptrdiff_t>(range.begin);
  const auto end = staged.begin() + static_cast<std::ptrdiff_t>(range.end);
  const auto at = staged.erase(begin, end);
  staged.insert(at, fresh.begin(), fresh.end());
}

Result<void> PostingFamily::merge_into(std::size_t index, std::span<const PostingChange> changes,
                                       KvBatch& out) {
  CAVEAT_ASSIGN(auto pairs, read_pairs(index));
  merge_changes(pairs, changes);
  replace({index, index + 1}, encode_containers(pairs, bounds_[index].lower), out);
  return {};
}

Result<std::optional<PostingFamily::Range>> PostingFamily::join_range(
    std::size_t index, std::vector<PostingPair>& pairs, std::size_t value_bytes) {
  if (bounds_.size() < 2) return std::optional<Range>();
  const auto fits = [&](std::size_t neighbour) {
    // An empty container goes wherever it can: it adds nothing.
    return pairs.empty() ||
           (bounds_[neighbour].bytes + value_bytes <= kJoinedBytes &&
            bounds_[neighbour].pairs + bounds_[neighbour].changes + pairs.size() <= kJoinedPairs);
  };
  if (index > 0 && fits(index - 1)) {
    CAVEAT_ASSIGN(auto left, read_pairs(index - 1));
    left.insert(left.end(), pairs.begin(), pairs.end());
    pairs.swap(left);
    return std::optional<Range>({index - 1, index + 1});
  }
  if (index + 1 < bounds_.size() && fits(index + 1)) {
    CAVEAT_ASSIGN(const auto right, read_pairs(index + 1));
    pairs.insert(pairs.end(), right.begin(), right.end());
    return std::optional<Range>({index, index + 2});
  }
  return std::optional<Range>();
}

Result<void> PostingFamily::rewrite_at(std::size_t index, KvBatch& out) {
  CAVEAT_ASSIGN(auto pairs, read_pairs(index));
  auto containers = encode_containers(pairs, bounds_[index].lower);
  Range range{index, index + 1};
  const auto bytes = containers.front().value.size();
  if (containers.size() == 1 && bytes < kJoinBelowBytes) {
    CAVEAT_ASSIGN(const auto joined, join_range(index, pairs, bytes));
    if (joined) {
      range = *joined;
      containers = encode_containers(pairs, bounds_[range.begin].lower);
    }
  }
  staged_ = bounds_;
  for (auto at = range.begin; at < range.end; ++at) queue_.erase(bounds_[at].lower);
  replace(range, std::move(containers), out);
  return {};
}

Result<void> PostingFamily::rewrite(std::string_view key, KvBatch& out) {
  CAVEAT_TRY(begin_call());
  const auto lower = parse_container_key(key);
  if (!lower || bounds_.empty()) return {};
  const auto index = index_of(bounds_, *lower);
  if (bounds_[index].lower != *lower) return {};  // joined to its neighbour meanwhile
  return rewrite_at(index, out);
}

Result<bool> PostingFamily::rewrite_next(KvBatch& out) {
  // Who looks for work must not read a whole family to find out that there is none, as each open
  // would. What was left unmerged when the store was closed is found by the first fold.
  if (!used_ && queue_.empty()) return false;
  CAVEAT_TRY(begin_call());
  while (!queue_.empty()) {
    const auto lower = *queue_.begin();
    // Off the queue first: a damaged container is reported once and left alone.
    queue_.erase(queue_.begin());
    published_.queue.store(queue_.size(), std::memory_order_relaxed);
    if (bounds_.empty()) continue;
    const auto index = index_of(bounds_, lower);
    const auto& bound = bounds_[index];
    const bool gains = bound.change_bytes > 0 || bound.bytes > kSplitBytes ||
                       (bound.bytes < kJoinBelowBytes && bounds_.size() > 1);
    if (bound.lower != lower || !gains) continue;
    CAVEAT_TRY(rewrite_at(index, out));
    return true;
  }
  return false;
}

Result<void> PostingFamily::erase_everything(const IndexManager::BatchSink& commit) {
  std::vector<std::string> keys;
  {
    CAVEAT_ASSIGN(const auto iterator, backend_.iterate(family_, nullptr, true));
    for (iterator->seek_to_first(); iterator->valid(); iterator->next())
      keys.emplace_back(iterator->key());
    CAVEAT_TRY(iterator->status());
  }
  KvBatch batch;
  // From the last to the first: whatever remains after a crash still begins with (0, 0).
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    batch.erase(family_, *key);
    if (batch.bytes() < kBatchBytes && std::next(key) != keys.rend()) continue;
    CAVEAT_TRY(commit(batch));
    batch.clear();
  }
  return {};
}

Result<void> PostingFamily::build(const IndexManager::PairSource& next,
                                  const IndexManager::BatchSink& commit,
                                  IndexManager::Erase erase) {
  if (staged_)
    return fail(ErrorCode::internal, "posting family: a batch is neither committed nor dropped");
  // Whatever comes of it, the bounds in memory are no longer those of the backend.
  reset();
  used_ = true;
  if (erase == IndexManager::Erase::blindly) {
    CAVEAT_TRY(backend_.clear(family_));
  } else {
    CAVEAT_TRY(erase_everything(commit));
  }
  std::vector<PostingPair> pairs;
  PostingPair lower;
  KvBatch batch;
  bool more = true;
  std::optional<PostingPair> last;
  while (more) {
    while (pairs.size() < 4 * kContainerPairs) {
      PostingPair pair;
      CAVEAT_ASSIGN(more, next(pair));
      if (!more) break;
      if (pair.partition > kMaxPartitionId || (last && !(*last < pair)))
        return fail(ErrorCode::invalid_argument, "posting build: pairs are not in rising order");
      last = pair;
      pairs.push_back(pair);
    }
    auto containers = encode_containers(pairs, lower);
    // The last one may grow: its pairs wait for those that follow.
    std::size_t taken = pairs.size();
    if (more) {  // so many pairs are several containers
      lower = containers.back().lower;
      taken -= containers.back().pairs;
      containers.pop_back();
    }
    for (const auto& container : containers) {
      batch.put(family_, container_key(container.lower), container.value);
      if (batch.bytes() < kBatchBytes) continue;
      CAVEAT_TRY(commit(batch));
      batch.clear();
    }
    pairs.erase(pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (!batch.empty()) CAVEAT_TRY(commit(batch));
  return {};
}

}  // namespace caveat
