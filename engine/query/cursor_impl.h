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
  Impl(const QueryContext& context, std::shared_ptr<const ReadView> view)
      : context_(context), view_(std::move(view)) {}
  [[nodiscard]] Result<void> start_values(detail::Opening& opening, const Query& query,
                                          std::size_t gather_max);

  QueryContext context_;
  std::shared_ptr<const ReadView> view_;
  QueryOrder order_ = QueryOrder::key;
  std::uint64_t fingerprint_ = 0;
  std::optional<detail::SortPosition> start_;  // of the query's own token
  std::size_t left_ = 0;
  // One of the two.
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
