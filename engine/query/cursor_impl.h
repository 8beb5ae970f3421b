// What a cursor is made of.
#pragma once

#include <memory>
#include <optional>

#include "engine/query/key_stream.h"
#include "engine/query/opening.h"
#include "engine/query/query_engine.h"
#include "engine/query/value_stream.h"

namespace caveat {

class Cursor::Impl {
 public:
  // Reads indexes, no partitions. `gather_max` as in ValueStream.
  [[nodiscard]] static Result<std::unique_ptr<Impl>> open(
      const QueryContext& context, std::shared_ptr<const ReadView> view, const Query& query,
      std::size_t gather_max = detail::kGatherMax);

  [[nodiscard]] Result<const ExceptionView*> next();
  [[nodiscard]] bool skip_damage();
  [[nodiscard]] std::string resume_token() const;

 private:
  Impl(const QueryContext& context, std::shared_ptr<const ReadView> view, const Query& query,
       std::size_t gather_max);

  // Makes the stream of the results behind position().
  [[nodiscard]] Result<void> start(detail::Opening opening);
  [[nodiscard]] Result<void> start_values(detail::Opening& opening);
  [[nodiscard]] Result<void> start_again();
  // Of the stream; makes it again where the last call had no memory.
  [[nodiscard]] Result<bool> stream_next(ExceptionView& out);
  // The last result, or where the query's own token says; nothing: before all results.
  [[nodiscard]] std::optional<detail::SortPosition> position() const;

  QueryContext context_;
  std::shared_ptr<const ReadView> view_;
  Query query_;  // without its token: that is start_
  std::size_t gather_max_;
  std::uint64_t fingerprint_ = 0;
  std::optional<detail::SortPosition> start_;
  std::size_t left_;  // of the limit
  // One of the two. Neither once std::bad_alloc has left one of them half way.
  std::unique_ptr<detail::KeyStream> keys_;
  std::unique_ptr<detail::ValueStream> values_;

  // The last result stays whole while the next one is made, so that an error leaves the position.
  ExceptionView results_[2];
  int current_ = 0;
  bool shown_ = false;
  bool ended_ = false;
  std::optional<StorageError> error_;
};

}  // namespace caveat
