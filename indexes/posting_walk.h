// Walks the containers of a range of terms, rising, and hands out the pairs of each.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"
#include "caveat/kv_backend.h"
#include "indexes/container_cache.h"
#include "indexes/posting_container.h"

namespace caveat::posting {

class PostingWalk {
 public:
  // Stands on the container that pairs from `lo` on begin in.
  // `cache` may be null.
  static Result<PostingWalk> start(Family family, KvBackend& backend, const KvSnapshot* snapshot,
                                   std::uint64_t lo, std::uint64_t hi, ContainerCache* cache);

  // False behind the last container of the range.
  [[nodiscard]] bool valid() const noexcept { return lower_.has_value(); }
  [[nodiscard]] std::string_view value() const { return iterator_->value(); }

  // Reads this container's pairs within its bounds and the range (replacing `pairs`) and moves on.
  // `ordered` as in read_container. On corruption of the value it moves on just the same.
  [[nodiscard]] Result<void> take(bool ordered, std::vector<PostingPair>& pairs);
  // Moves on without reading.
  [[nodiscard]] Result<void> skip();

 private:
  [[nodiscard]] Result<void> settle();

  Family family_ = Family::property;
  std::uint64_t lo_ = 0;
  std::uint64_t hi_ = 0;
  ContainerCache* cache_ = nullptr;
  std::unique_ptr<KvIterator> iterator_;
  std::optional<PostingPair> lower_;
};

// Removes what lies outside of [lower, upper).
void clip(std::vector<PostingPair>& pairs, const PostingPair& lower,
          const std::optional<PostingPair>& upper);

}  // namespace caveat::posting
