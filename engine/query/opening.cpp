#include "engine/query/opening.h"

#include <algorithm>

#include "engine/query/window.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kRowsTypical = 256;  // of a partition
// Where no other condition narrows the partitions down, windows pay much sooner: their first ones
// are exactly the partitions with the first results.
constexpr std::size_t kWholeMaxAlone = 16;

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

bool uses_windows(const Opening& opening, const Version& version, QueryOrder order,
                  std::size_t gather_max) {
  if (opening.conditions.node) return false;
  const Plan& plan = opening.plan;
  const bool all =
      !plan.positions.is_list() && plan.positions.size() == version.directory->partition_count();
  const bool alone = all || plan.sole_index == index_slot(family_of(order));
  const std::size_t whole = gather_max / kRowsTypical;
  if (plan.positions.size() <= (alone ? std::min(whole, kWholeMaxAlone) : whole)) return false;
  return version.index_complete[static_cast<std::size_t>(family_of(order))];
}

}  // namespace caveat::detail
