#include "indexes/posting_family.h"

#include <algorithm>
#include <memory>
#include <new>

#include "pool/invariant.h"

namespace caveat {

using namespace posting;

PostingFamily::Bound PostingFamily::describe(const PostingPair& lower,
                                             std::string_view value) noexcept {
  const auto summary = summarise(value);
  return {lower, static_cast<std::uint32_t>(summary.bytes),
          static_cast<std::uint32_t>(summary.change_bytes),
          static_cast<std::uint32_t>(summary.pairs),
          static_cast<std::uint32_t>(summary.adds + summary.removes)};
}

bool PostingFamily::wants_rewrite(const Bound& bound) const noexcept {
  ContainerSummary summary;
  summary.bytes = bound.bytes;
  summary.change_bytes = bound.change_bytes;
  summary.base_bytes = bound.bytes - std::min(bound.bytes, bound.change_bytes);
  return posting::wants_rewrite(summary);
}

Result<void> PostingFamily::load() {
  if (loaded_) return {};
  used_ = true;
  bounds_.clear();
  CAVEAT_ASSIGN(const auto iterator, backend_.iterate(family_, nullptr, true));
  for (iterator->seek_to_first(); iterator->valid(); iterator->next()) {
    const auto lower = parse_container_key(iterator->key());
    const bool in_place = lower && (!bounds_.empty() || *lower == PostingPair{});
    if (!in_place) {
      bounds_.clear();
      const StorageError error(ErrorCode::corruption, "posting container: unexpected key");
      return fail(at_container(family_, iterator->key(), error));
    }
    bounds_.push_back(describe(*lower, iterator->value()));
    if (wants_rewrite(bounds_.back())) queue_.insert(*lower);
  }
  CAVEAT_TRY(iterator->status());
  loaded_ = true;
  publish_statistics();
  return {};
}

Result<void> PostingFamily::begin_call() {
  if (staged_)
    return fail(ErrorCode::internal, "posting family: a batch is neither committed nor dropped");
  return load();
}

std::size_t PostingFamily::index_of(const std::vector<Bound>& bounds,
                                    const PostingPair& pair) noexcept {
  const auto after =
      std::upper_bound(bounds.begin(), bounds.end(), pair,
                       [](const PostingPair& a, const Bound& b) { return a < b.lower; });
  CAVEAT_ASSERT(after != bounds.begin());
  return static_cast<std::size_t>(after - bounds.begin()) - 1;
}

// The changes that lie in the last container which any of them does; taken off the end of `rest`.
PostingFamily::Part PostingFamily::take_last(const std::vector<Bound>& bounds,
                                             std::span<const PostingChange>& rest) noexcept {
  const auto index = index_of(bounds, rest.back().pair());
  const auto first =
      std::lower_bound(rest.begin(), rest.end(), bounds[index].lower,
                       [](const PostingChange& a, const PostingPair& b) { return a.pair() < b; });
  const auto mine = rest.subspan(static_cast<std::size_t>(first - rest.begin()));
  rest = rest.first(rest.size() - mine.size());
  return {index, mine};
}

Result<void> PostingFamily::apply(std::span<const PostingChange> changes, KvBatch& out) {
  CAVEAT_TRY(begin_call());
  if (changes.empty()) return {};
  // One change a pair, the last; and nothing that the format cannot hold.
  std::vector<PostingChange> distinct;
  distinct.reserve(changes.size());
  for (const auto& change : changes) {
    if (change.partition > kMaxPartitionId)
      return fail(ErrorCode::limit_exceeded, "posting change: partition id is above 2^62 - 1");
    CAVEAT_ASSERT(distinct.empty() || distinct.back().pair() <= change.pair());
    if (!distinct.empty() && distinct.back().pair() == change.pair()) {
      distinct.back() = change;
    } else {
      distinct.push_back(change);
    }
  }
  staged_ = bounds_;
  if (bounds_.empty()) {
    std::vector<PostingPair> pairs;
    merge_changes(pairs, distinct);
    replace({0, 0}, encode_containers(pairs, {}), out);
    return {};
  }
  // From the last container to the first, so that a split does not shift those still to come.
  for (auto rest = std::span<const PostingChange>(distinct); !rest.empty();) {
    const auto [index, mine] = take_last(bounds_, rest);
    auto& bound = (*staged_)[index];
    if (bound.change_bytes > kMaxPendingBytes || mine.size() > kMaxOperandChanges) {
      auto merged = merge_into(index, mine, out);
      if (merged) continue;
      if (merged.error().code() != ErrorCode::corruption) {
        staged_.reset();
        staged_queue_.clear();
        return merged;
      }
      damage_ = merged.error();
    }
    append_to(bound, mine, out);
  }
  return {};
}

void PostingFamily::remove_last(std::span<const PostingChange> removals, KvBatch& out) {
  if (removals.empty()) return;
  if (!staged_) staged_ = bounds_;
  if (staged_->empty()) return;  // there is nothing to remove
  while (!removals.empty()) {
    const auto [index, mine] = take_last(*staged_, removals);
    append_to((*staged_)[index], mine, out);
  }
}

void PostingFamily::append_to(Bound& bound, std::span<const PostingChange> changes, KvBatch& out) {
  const auto key = container_key(bound.lower);
  while (!changes.empty()) {
    const auto part = changes.first(std::min(changes.size(), kMaxOperandChanges));
    changes = changes.subspan(part.size());
    std::string operand;
    encode_changes(part, operand);
    out.append(family_, key, operand);
    bound.bytes += static_cast<std::uint32_t>(operand.size());
    bound.change_bytes += static_cast<std::uint32_t>(operand.size());
    bound.changes += static_cast<std::uint32_t>(part.size());
  }
  if (wants_rewrite(bound)) staged_queue_.push_back(bound.lower);
}

void PostingFamily::queue_rewrite(std::string_view key) {
  const auto lower = parse_container_key(key);
  if (lower) queue_.insert(*lower);
  published_.queue.store(queue_.size(), std::memory_order_relaxed);
}

Result<void> PostingFamily::queue_all() {
  CAVEAT_TRY(load());
  for (const auto& bound : bounds_)
    if (bound.change_bytes > 0 || bound.bytes < kJoinBelowBytes) queue_.insert(bound.lower);
  publish_statistics();
  return {};
}

void PostingFamily::committed() noexcept {
  if (!staged_) return;
  bounds_.swap(*staged_);
  staged_.reset();
  try {
    queue_.insert(staged_queue_.begin(), staged_queue_.end());
  } catch (const std::bad_alloc&) {  // queued after its next change
  }
  staged_queue_.clear();
  publish_statistics();
}

void PostingFamily::reset() noexcept {
  staged_.reset();
  staged_queue_.clear();
  damage_.reset();
  bounds_.clear();
  queue_.clear();
  loaded_ = false;
  publish_statistics();
}

void PostingFamily::publish_statistics() noexcept {
  std::uint64_t bytes = 0;
  std::uint64_t pairs = 0;
  std::uint64_t changes = 0;
  for (const auto& bound : bounds_) {
    bytes += bound.bytes + kContainerKeyBytes;
    pairs += bound.pairs;
    changes += bound.changes;
  }
  // Tree nodes of the queue: a pair, three pointers and a colour.
  const auto memory = bounds_.capacity() * sizeof(Bound) + queue_.size() * 56;
  published_.containers.store(bounds_.size(), std::memory_order_relaxed);
  published_.bytes.store(bytes, std::memory_order_relaxed);
  published_.pairs.store(pairs, std::memory_order_relaxed);
  published_.changes.store(changes, std::memory_order_relaxed);
  published_.memory.store(memory, std::memory_order_relaxed);
  published_.queue.store(queue_.size(), std::memory_order_relaxed);
}

PostingStatistics PostingFamily::known_statistics() const noexcept {
  PostingStatistics statistics;
  statistics.containers = published_.containers.load(std::memory_order_relaxed);
  statistics.bytes = published_.bytes.load(std::memory_order_relaxed);
  statistics.pairs = published_.pairs.load(std::memory_order_relaxed);
  statistics.pending_changes = published_.changes.load(std::memory_order_relaxed);
  statistics.memory_bytes = published_.memory.load(std::memory_order_relaxed);
  statistics.rewrite_queue = published_.queue.load(std::memory_order_relaxed);
  return statistics;
}

}  // namespace caveat
