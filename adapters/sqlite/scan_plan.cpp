#include "adapters/sqlite/scan_plan.h"

#include <array>

namespace caveat::sqlite {
namespace {

// Longer signs first, for reading.
struct Sign {
  Comparison comparison;
  std::string_view text;
};
constexpr std::array<Sign, 6> kSigns = {{{Comparison::at_most, "<=?"},
                                         {Comparison::at_least, ">=?"},
                                         {Comparison::in, " IN ?"},
                                         {Comparison::equal, "=?"},
                                         {Comparison::less, "<?"},
                                         {Comparison::greater, ">?"}}};
constexpr std::string_view kAnd = " AND ";
constexpr std::string_view kOrderBy = " ORDER BY ";
constexpr std::string_view kCount = " COUNT";
constexpr std::string_view kLimit = " LIMIT ?";
constexpr std::string_view kOffset = " OFFSET ?";
constexpr std::string_view kDescending = " DESC";

constexpr std::array<std::string_view, 5> kOrderNames = {"", "node", "key", "confidence",
                                                         "created_at"};

std::string_view sign_of(Comparison comparison) noexcept {
  for (const auto& sign : kSigns) {
    if (sign.comparison == comparison) return sign.text;
  }
  return {};
}

bool take(std::string_view& rest, std::string_view prefix) noexcept {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

// The word up to the first of these characters.
std::string_view take_word(std::string_view& rest, std::string_view ends) noexcept {
  const auto word = rest.substr(0, rest.find_first_of(ends));
  rest.remove_prefix(word.size());
  return word;
}

void parse_conditions(std::string_view& rest, ScanPlan& plan) {
  if (!take(rest, " (")) return;
  do {
    const auto column = column_named(take_word(rest, " <>=)"));
    for (const auto& sign : kSigns) {
      if (!take(rest, sign.text)) continue;
      if (column) plan.conditions.push_back({*column, sign.comparison});
      break;
    }
  } while (take(rest, kAnd));
  take(rest, ")");
}

void parse_order(std::string_view& rest, ScanPlan& plan) {
  if (!take(rest, kOrderBy)) return;
  do {
    const auto name = take_word(rest, " ,");
    const bool descending = take(rest, kDescending);
    if (name == "source") plan.source_descending = descending;
    if (name == "node" && is_by_value(plan.order)) {
      plan.node_behind = true;
      continue;
    }
    for (std::size_t i = 1; i < kOrderNames.size(); ++i) {
      if (kOrderNames[i] != name) continue;
      plan.order = static_cast<RowOrder>(i);
      plan.descending = descending;
    }
  } while (take(rest, ", "));
}

}  // namespace

std::string ScanPlan::text() const {
  std::string out = leading;
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    out += i == 0 ? std::string_view(" (") : kAnd;
    out += name_of(conditions[i].column);
    out += sign_of(conditions[i].comparison);
  }
  if (!conditions.empty()) out += ')';
  if (source_descending) {
    out += kOrderBy;
    out += "source";
    if (*source_descending) out += kDescending;
  }
  if (order != RowOrder::any) {
    out += source_descending ? ", " : kOrderBy;
    out += kOrderNames[static_cast<std::size_t>(order)];
    if (descending) out += kDescending;
    if (node_behind) out += ", node";
    if (node_behind && descending) out += kDescending;
  }
  if (count_only) out += kCount;
  if (limit) out += kLimit;
  if (offset) out += kOffset;
  return out;
}

ScanPlan ScanPlan::parse(std::string_view text) {
  ScanPlan plan;
  plan.leading = take_word(text, " ");
  parse_conditions(text, plan);
  parse_order(text, plan);
  plan.count_only = take(text, kCount);
  plan.limit = take(text, kLimit);
  plan.offset = take(text, kOffset);
  return plan;
}

}  // namespace caveat::sqlite
