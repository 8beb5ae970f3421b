// Queries: cursors, counts and plans.
#include <fmt/format.h>

#include "adapters/c/handles.h"
#include "adapters/c/json_out.h"
#include "adapters/c/record_in.h"
#include "adapters/c/sized.h"
#include "adapters/c/string_out.h"

using namespace caveat;
using namespace caveat::c;

namespace {

constexpr std::size_t kFirstQueryBytes =
    offsetof(caveat_query, resume_token) + sizeof(caveat_string);
constexpr std::uint32_t kAllFields = CAVEAT_QUERY_NODE | CAVEAT_QUERY_PROPERTY |
                                     CAVEAT_QUERY_SOURCE | CAVEAT_QUERY_CONFIDENCE |
                                     CAVEAT_QUERY_TIME | CAVEAT_QUERY_LIMIT | CAVEAT_QUERY_NODES;
constexpr std::size_t kNodesEnd = offsetof(caveat_query, node_last) + sizeof(std::uint64_t);

Result<Query> query_of(const caveat_query* pointer) {
  CAVEAT_ASSIGN(const auto given, read_sized(pointer, kFirstQueryBytes, "caveat_query"));
  const auto has = [&](std::uint32_t field) { return (given.fields & field) != 0; };
  const auto bad = [](const char* field, std::int64_t value) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("caveat_query.{}: {} is no value of it", field, value));
  };
  if (has(~kAllFields)) return bad("fields", given.fields);
  // A range that the caller's struct has no room for.
  if (has(CAVEAT_QUERY_NODES) && given.size < kNodesEnd) return bad("fields", given.fields);
  Query query;
  if (has(CAVEAT_QUERY_NODE)) query.node = given.node;
  if (has(CAVEAT_QUERY_PROPERTY)) query.property = given.property;
  if (has(CAVEAT_QUERY_SOURCE)) {
    if (given.source < CAVEAT_EXPLICIT || given.source > CAVEAT_IMPORTED) {
      return bad("source", given.source);
    }
    query.source = static_cast<ExceptionSource>(given.source);
  }
  if (has(CAVEAT_QUERY_CONFIDENCE)) {
    query.confidence = Query::ConfidenceRange{given.confidence_min, given.confidence_max};
  }
  if (has(CAVEAT_QUERY_TIME)) {
    query.time = Query::TimeRange{given.time_start_ns, given.time_end_ns};
  }
  if (has(CAVEAT_QUERY_NODES)) query.nodes = Query::NodeRange{given.node_first, given.node_last};
  if (has(CAVEAT_QUERY_LIMIT)) query.limit = given.limit;
  if (given.order < CAVEAT_ORDER_KEY || given.order > CAVEAT_ORDER_TIME) {
    return bad("order", given.order);
  }
  query.order = static_cast<QueryOrder>(given.order);
  query.descending = given.descending != 0;
  CAVEAT_ASSIGN(query.resume_token, text_of(given.resume_token.data, given.resume_token.size,
                                            "caveat_query.resume_token"));
  return query;
}

// Checks the three, and runs `ask` with them.
template <class Ask>
caveat_code with_query(const caveat_store* store, const caveat_snapshot* snapshot,
                       const caveat_query* query, caveat_error** error, Ask&& ask) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto* const at, snapshot_of(store, snapshot));
    CAVEAT_ASSIGN(const auto asked, query_of(query));
    return ask(*opened, asked, at);
  });
}

template <class Use>
caveat_code with_cursor(caveat_cursor* cursor, caveat_error** error, Use&& use) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(check(cursor, "cursor"));
    const OneThread::Turn turn(cursor->one_thread);
    if (!turn.mine()) return taken("cursor");
    return use(*cursor);
  });
}

}  // namespace

caveat_code caveat_cursor_open(const caveat_store* store, const caveat_snapshot* snapshot,
                               const caveat_query* query, caveat_cursor** cursor,
                               caveat_error** error) {
  if (cursor != nullptr) *cursor = nullptr;
  return with_query(store, snapshot, query, error,
                    [&](const auto& opened, const Query& asked, const auto* at) -> Result<void> {
                      CAVEAT_TRY(need(cursor, "cursor"));
                      CAVEAT_ASSIGN(auto made, opened.query(asked, at));
                      *cursor = new caveat_cursor(store->shared, std::move(made));
                      return {};
                    });
}

caveat_code caveat_cursor_next(caveat_cursor* cursor, const caveat_record** record,
                               caveat_error** error) {
  if (record != nullptr) *record = nullptr;
  return with_cursor(cursor, error, [&](caveat_cursor& own) -> Result<void> {
    CAVEAT_TRY(need(record, "record"));
    if (own.not_shown == nullptr) {
      CAVEAT_ASSIGN(own.not_shown, own.cursor.next());
      if (own.not_shown == nullptr) return {};
    }
    *record = own.record.show(*own.not_shown);
    own.not_shown = nullptr;
    return {};
  });
}

caveat_code caveat_cursor_skip_damage(caveat_cursor* cursor, int32_t* skipped,
                                      caveat_error** error) {
  return with_cursor(cursor, error, [&](caveat_cursor& own) -> Result<void> {
    CAVEAT_TRY(need(skipped, "skipped"));
    *skipped = own.cursor.skip_damage() ? 1 : 0;
    return {};
  });
}

caveat_code caveat_cursor_resume_token(caveat_cursor* cursor, caveat_string* token,
                                       caveat_error** error) {
  return with_cursor(cursor, error, [&](caveat_cursor& own) -> Result<void> {
    CAVEAT_TRY(need(token, "token"));
    if (own.not_shown != nullptr) {
      return fail(ErrorCode::busy,
                  "cursor: there was no memory to show the next record; ask for it again first");
    }
    *token = copy_of(own.cursor.resume_token());
    return {};
  });
}

void caveat_cursor_release(caveat_cursor* cursor) {
  release(cursor);
}

caveat_code caveat_count(const caveat_store* store, const caveat_snapshot* snapshot,
                         const caveat_query* query, uint64_t* count, caveat_error** error) {
  return with_query(store, snapshot, query, error,
                    [&](const auto& opened, const Query& asked, const auto* at) -> Result<void> {
                      CAVEAT_TRY(need(count, "count"));
                      CAVEAT_ASSIGN(*count, opened.count(asked, at));
                      return {};
                    });
}

caveat_code caveat_explain(const caveat_store* store, const caveat_snapshot* snapshot,
                           const caveat_query* query, caveat_string* text, caveat_error** error) {
  return with_query(store, snapshot, query, error,
                    [&](const auto& opened, const Query& asked, const auto* at) -> Result<void> {
                      CAVEAT_TRY(need(text, "text"));
                      CAVEAT_ASSIGN(const auto plan, opened.explain(asked, at));
                      *text = copy_of(plan.to_string());
                      return {};
                    });
}

caveat_code caveat_explain_json(const caveat_store* store, const caveat_snapshot* snapshot,
                                const caveat_query* query, caveat_string* json,
                                caveat_error** error) {
  return with_query(store, snapshot, query, error,
                    [&](const auto& opened, const Query& asked, const auto* at) -> Result<void> {
                      CAVEAT_TRY(need(json, "json"));
                      CAVEAT_ASSIGN(const auto plan, opened.explain(asked, at));
                      *json = object_of(plan);
                      return {};
                    });
}
