// PostingCursor: terms in order, either way, one container in memory at a time.
#include <algorithm>
#include <string>

#include "indexes/container_cache.h"
#include "indexes/posting_container.h"
#include "indexes/posting_reader.h"
#include "indexes/posting_walk.h"

namespace caveat {

using namespace posting;

class PostingCursor::Impl {
 public:
  Impl(Family family, std::uint64_t lo, std::uint64_t hi, bool descending,
       std::unique_ptr<KvIterator> iterator, ContainerCache* cache)
      : family_(family),
        lo_(lo),
        hi_(hi),
        descending_(descending),
        iterator_(std::move(iterator)),
        cache_(cache) {}

  Result<void> start() {
    iterator_->seek_for_prev(container_key({descending_ ? hi_ : lo_, kMaxPartitionId}));
    if (!descending_) iterator_->seek_for_prev(container_key({lo_, 0}));
    if (iterator_->valid()) return {};
    CAVEAT_TRY(iterator_->status());
    iterator_->seek_to_first();
    if (iterator_->valid())
      return damaged({ErrorCode::corruption, "the first posting container has not the key (0, 0)"});
    return iterator_->status();
  }

  Result<std::optional<Group>> next() {
    if (failed_) return fail(*failed_);
    auto group = gather();
    if (!group) failed_ = group.error();
    return group;
  }

 private:
  // The group of the next term; its partitions may go on in the next container.
  Result<std::optional<Group>> gather() {
    partitions_.clear();
    std::optional<std::uint64_t> term;
    while (true) {
      while (has_pair() && (!term || *term == peek().term)) {
        term = peek().term;
        partitions_.push_back(peek().partition);
        advance();
      }
      if (has_pair() || at_end_) break;
      CAVEAT_TRY(load());
    }
    if (!term) return std::optional<Group>();
    if (descending_) std::reverse(partitions_.begin(), partitions_.end());
    return std::optional<Group>(Group{*term, partitions_});
  }

  [[nodiscard]] bool has_pair() const noexcept { return used_ < pairs_.size(); }
  [[nodiscard]] const PostingPair& peek() const noexcept {
    return descending_ ? pairs_[pairs_.size() - 1 - used_] : pairs_[used_];
  }
  void advance() noexcept { ++used_; }

  // Reads the container the iterator stands on and moves the iterator.
  Result<void> load() {
    pairs_.clear();
    used_ = 0;
    if (!iterator_->valid()) {
      at_end_ = true;
      return iterator_->status();
    }
    const auto lower = parse_container_key(iterator_->key());
    if (!lower) return damaged({ErrorCode::corruption, "posting container: unexpected key"});
    if (lower->term > hi_) {
      at_end_ = true;
      return {};
    }
    if (auto read = read_cached(cache_, iterator_->value(), lo_, hi_, true, pairs_); !read)
      return damaged(read.error());
    if (descending_) {
      clip(pairs_, *lower, right_);
      right_ = *lower;
      if (lower->term < lo_) at_end_ = true;
      iterator_->prev();
    } else {
      iterator_->next();
      std::optional<PostingPair> upper;
      if (iterator_->valid()) {
        upper = parse_container_key(iterator_->key());
        if (!upper) return damaged({ErrorCode::corruption, "posting container: unexpected key"});
      }
      clip(pairs_, *lower, upper);
    }
    return iterator_->valid() ? Result<void>() : iterator_->status();
  }

  tl::unexpected<StorageError> damaged(const StorageError& error) const {
    return fail(at_container(family_, iterator_->key(), error));
  }

  Family family_;
  std::uint64_t lo_;
  std::uint64_t hi_;
  bool descending_;
  bool at_end_ = false;
  std::unique_ptr<KvIterator> iterator_;
  ContainerCache* cache_;
  std::optional<PostingPair> right_;  // descending: the bound of the container read before
  std::vector<PostingPair> pairs_;    // of the container at hand
  std::size_t used_ = 0;
  std::vector<PartitionId> partitions_;
  std::optional<StorageError> failed_;
};

PostingCursor::PostingCursor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PostingCursor::~PostingCursor() = default;

Result<std::optional<PostingCursor::Group>> PostingCursor::next() {
  return impl_->next();
}

Result<std::unique_ptr<PostingCursor>> PostingReader::cursor(std::uint64_t lo, std::uint64_t hi,
                                                             bool descending,
                                                             const KvSnapshot* snapshot) const {
  CAVEAT_ASSIGN(auto iterator, backend_.iterate(family_, snapshot, false));
  auto impl = std::make_unique<PostingCursor::Impl>(family_, lo, hi, descending,
                                                    std::move(iterator), cache_);
  CAVEAT_TRY(impl->start());
  return std::unique_ptr<PostingCursor>(new PostingCursor(std::move(impl)));
}

}  // namespace caveat
