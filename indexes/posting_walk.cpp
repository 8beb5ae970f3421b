#include "indexes/posting_walk.h"

#include <algorithm>

namespace caveat::posting {

void clip(std::vector<PostingPair>& pairs, const PostingPair& lower,
          const std::optional<PostingPair>& upper) {
  const auto outside = [&](const PostingPair& pair) {
    return pair < lower || (upper && !(pair < *upper));
  };
  pairs.erase(std::remove_if(pairs.begin(), pairs.end(), outside), pairs.end());
}

Result<PostingWalk> PostingWalk::start(Family family, KvBackend& backend,
                                       const KvSnapshot* snapshot, std::uint64_t lo,
                                       std::uint64_t hi, ContainerCache* cache) {
  PostingWalk walk;
  walk.family_ = family;
  walk.lo_ = lo;
  walk.hi_ = hi;
  walk.cache_ = cache;
  CAVEAT_ASSIGN(walk.iterator_, backend.iterate(family, snapshot, false));
  walk.iterator_->seek_for_prev(container_key({lo, 0}));
  if (!walk.iterator_->valid()) {
    CAVEAT_TRY(walk.iterator_->status());
    walk.iterator_->seek_to_first();
    if (walk.iterator_->valid())
      return fail(at_container(
          family, walk.iterator_->key(),
          {ErrorCode::corruption, "the first posting container has not the key (0, 0)"}));
  }
  CAVEAT_TRY(walk.settle());
  return walk;
}

Result<void> PostingWalk::settle() {
  lower_.reset();
  if (!iterator_->valid()) return iterator_->status();
  const auto lower = parse_container_key(iterator_->key());
  if (!lower)
    return fail(at_container(family_, iterator_->key(),
                             {ErrorCode::corruption, "posting container: unexpected key"}));
  if (lower->term <= hi_) lower_ = lower;
  return {};
}

Result<void> PostingWalk::skip() {
  iterator_->next();
  return settle();
}

Result<void> PostingWalk::take(bool ordered, std::vector<PostingPair>& pairs) {
  pairs.clear();
  const auto lower = *lower_;
  std::optional<StorageError> damage;
  const std::string_view value = iterator_->value();
  if (auto read = read_cached(cache_, value, lo_, hi_, ordered, pairs); !read)
    damage = at_container(family_, iterator_->key(), read.error());
  CAVEAT_TRY(skip());
  if (damage) return fail(std::move(*damage));
  // A bound above the range needs no clipping, as no pair of the range reaches it.
  clip(pairs, lower, lower_);
  return {};
}

}  // namespace caveat::posting
