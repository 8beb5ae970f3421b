// The rows of one scan, in the order that its plan promises.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "adapters/sqlite/row_stream.h"
#include "adapters/sqlite/scan_plan.h"
#include "adapters/sqlite/selection.h"
#include "adapters/sqlite/session.h"

namespace caveat::sqlite {

class Scan {
 public:
  // Reads nothing yet. `values`: of the plan's conditions, limit and offset. The session must
  // outlive it.
  [[nodiscard]] static SqlResult<std::unique_ptr<Scan>> open(const ScanPlan& plan,
                                                             std::span<sqlite3_value* const> values,
                                                             Session& session);
  ~Scan() { session_.end_read(); }
  Scan(const Scan&) = delete;
  Scan& operator=(const Scan&) = delete;

  // Goes to the first or next row; row() is null at the end.
  [[nodiscard]] SqlResult<void> next();
  [[nodiscard]] bool at_end() const noexcept { return ended_; }
  // Valid until the next call. A scan that only counted so far reads what it counted: SQLite says
  // of DELETE, too, that it uses no column.
  [[nodiscard]] SqlResult<const ExceptionView*> row();

 private:
  // Streams that are merged; a scan's stages come one after the other.
  using Stage = std::vector<StreamPart>;

  Scan(const ScanPlan& plan, Session& session)
      : plan_(plan), session_(session), view_(session.begin_read()) {}
  void choose();
  void choose_points();
  void choose_stages();
  [[nodiscard]] Query base_query() const;
  [[nodiscard]] std::vector<KeyRange> ranges() const;
  [[nodiscard]] std::vector<KeyRange> parts() const;
  void add_stages(const std::vector<Query>& queries);
  [[nodiscard]] std::vector<Query> by_source(const Query& query) const;
  void choose_nodes();
  void choose_properties();
  [[nodiscard]] SqlResult<bool> count();

  [[nodiscard]] SqlResult<const ExceptionView*> next_row();
  [[nodiscard]] SqlResult<const ExceptionView*> next_point();
  [[nodiscard]] SqlResult<const ExceptionView*> next_of_stage();
  [[nodiscard]] SqlResult<void> start_stage();

  const ScanPlan& plan_;
  Session& session_;
  Session::View view_;
  Selection selection_;
  std::uint64_t wanted_;  // rows that will probably do
  bool ended_ = false;
  const ExceptionView* row_ = nullptr;

  // Keys to be looked up; or stages; or a number of rows to be counted off.
  std::optional<std::vector<ExceptionKey>> points_;
  std::size_t point_ = 0;
  std::optional<PinnedException> pinned_;
  PendingRowPtr pending_row_;
  ExceptionView pending_view_;

  std::vector<Stage> stages_;
  bool check_lists_ = false;
  std::size_t stage_ = 0;
  struct Head {
    std::unique_ptr<RowStream> stream;
    const ExceptionView* row;
  };
  std::vector<Head> heads_;
  std::size_t shown_ = 0;  // the head that gave the last row
  bool stage_open_ = false;

  std::optional<std::uint64_t> counted_;  // rows to come
  std::uint64_t passed_ = 0;              // rows that were counted off
  ExceptionView nothing_;
};

}  // namespace caveat::sqlite
