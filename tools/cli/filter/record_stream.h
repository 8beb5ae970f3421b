// The records of a selection, each once, in its order: cursors side by side, merged by the order
// and the key, and the condition asked of each record that they give.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/query/sort_position.h"
#include "tools/cli/filter/matcher.h"
#include "tools/cli/filter/selection.h"
#include "tools/cli/property_names.h"

namespace caveat::cli {

// All of it is of one snapshot; the store outlives it. Memory: that of the cursors, at most 16 or,
// where each is of one node, 64 at a time.
class RecordStream {
 public:
  // invalid_argument: the token is of another selection.
  [[nodiscard]] static Result<RecordStream> open(const StorageOptimizer& store,
                                                 const Selection& selection);
  [[nodiscard]] static Result<RecordStream> open(const StorageOptimizer& store,
                                                 const Selection& selection,
                                                 const Snapshot& snapshot,
                                                 const SelectionPlan& plan);

  // As of Cursor; after the selection's limit there is none.
  [[nodiscard]] Result<const ExceptionView*> next();
  // Goes on behind damage, as Cursor::skip_damage does; only where there is one query.
  [[nodiscard]] bool skip_damage();
  // To go on behind the last record that next() gave.
  [[nodiscard]] std::string resume_token() const;
  // Whether the limit was reached and there is more. To be asked last.
  [[nodiscard]] Result<bool> cut_off();

 private:
  struct Source {
    Branch branch;
    std::optional<Cursor> cursor;  // opened when its first record may be the next one
    const ExceptionView* head = nullptr;
    bool waits = true;  // to be asked for its head
  };

  RecordStream(const StorageOptimizer& store, const Selection& selection, const Snapshot& snapshot);
  [[nodiscard]] std::uint64_t fingerprint() const;
  [[nodiscard]] detail::SortPosition position_of(const ExceptionView& record) const;
  [[nodiscard]] bool may_be_next(const Source& source, const Source* best) const;
  [[nodiscard]] Result<void> open_cursor(Source& source);
  [[nodiscard]] Result<void> fetch(Source& source);
  [[nodiscard]] Result<Source*> first();
  [[nodiscard]] Result<const ExceptionView*> next_match();

  const StorageOptimizer* store_;
  Selection selection_;
  Snapshot snapshot_;
  std::unique_ptr<PropertyNames> names_;
  NameOf name_of_;
  bool recheck_ = false;
  std::vector<Source> sources_;  // in the order of their nodes where that is the order of keys
  std::optional<detail::SortPosition> after_;  // where a token said to go on
  std::optional<detail::SortPosition> seen_;   // of the last record that came up, shown or not
  std::optional<detail::SortPosition> shown_;
  std::size_t left_;
};

}  // namespace caveat::cli
