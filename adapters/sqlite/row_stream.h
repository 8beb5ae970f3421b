// One query of the engine, with the transaction's own writes merged in.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "adapters/sqlite/selection.h"
#include "adapters/sqlite/session.h"
#include "caveat/query.h"

namespace caveat::sqlite {

// What is left for the rows of one stream beside the selection's own conditions.
struct StreamPart {
  Query query;                // conditions that the engine narrows by; the order
  KeyRange range;             // which the engine does not know: heeded here
  bool signed_nodes = false;  // equal values come by node as SQL sees it; of one sign in a stream
};

class RowStream {
 public:
  // All must outlive it. `check_lists`: the part's query does not stand for the selection's lists.
  RowStream(const Session::View& view, const Selection& selection, StreamPart part,
            bool check_lists);

  // Opens the query. `wanted` rows will probably do; there are more if they are asked for.
  [[nodiscard]] SqlResult<void> start(SharedStore& store, std::uint64_t wanted);
  // Null at the end. Valid until the next call.
  [[nodiscard]] SqlResult<const ExceptionView*> next();

  // Whether a comes before b in the order of this stream.
  [[nodiscard]] bool before(const ExceptionView& a, const ExceptionView& b) const noexcept;

 private:
  struct Pending {
    ExceptionKey key;
    PendingRowPtr row;
  };
  void gather_pending();
  [[nodiscard]] bool selects(const ExceptionView& record) const noexcept;
  [[nodiscard]] SqlResult<void> advance_stored();
  [[nodiscard]] SqlResult<const ExceptionView*> next_stored();

  SharedStore* store_ = nullptr;
  const Session::View& view_;
  const Selection& selection_;
  StreamPart part_;
  bool check_lists_;

  std::optional<Cursor> cursor_;
  std::uint64_t cursor_left_ = 0;          // until its limit
  const ExceptionView* stored_ = nullptr;  // the engine's next, once looked at
  bool stored_ended_ = false;
  bool stored_ready_ = false;

  std::vector<Pending> pending_;  // in the stream's order
  std::size_t pending_at_ = 0;
  ExceptionView pending_view_;
};

}  // namespace caveat::sqlite
