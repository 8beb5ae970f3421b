#include "engine/query/opening.h"

#include "engine/query/window.h"

namespace caveat::detail {
namespace {

// Up to so many partitions are read as a whole: a few hundred records each.
constexpr std::size_t kWholeMax = 16;

}  // namespace

Result<Opening> open_query(const QueryContext& context, const ReadView& view, const Query& query) {
  Opening opening;
  CAVEAT_ASSIGN(opening.conditions, Conditions::of(query));
  opening.fingerprint = query_fingerprint(query);
  if (!query.resume_token.empty()) {
    CAVEAT_ASSIGN(opening.after, decode_resume_token(query.resume_token, opening.fingerprint));
  }
  CAVEAT_ASSIGN(opening.plan, make_plan(context, view, opening.conditions));
  return opening;
}

bool uses_windows(const Opening& opening, const Version& version, QueryOrder order) {
  if (order == QueryOrder::key || opening.conditions.node) return false;
  if (opening.plan.positions.size() <= kWholeMax) return false;
  return version.index_complete[static_cast<std::size_t>(family_of(order))];
}

}  // namespace caveat::detail
