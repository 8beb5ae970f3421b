#include "adapters/sqlite/planner.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "adapters/sqlite/scan_plan.h"

namespace caveat::sqlite {
namespace {

using Constraint = sqlite3_index_info::sqlite3_index_constraint;

constexpr int kOmitMax = 16;  // SQLite heeds `omit` of so many

std::optional<Comparison> comparison_of(unsigned char op) noexcept {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return Comparison::equal;
    case SQLITE_INDEX_CONSTRAINT_LT:
      return Comparison::less;
    case SQLITE_INDEX_CONSTRAINT_LE:
      return Comparison::at_most;
    case SQLITE_INDEX_CONSTRAINT_GT:
      return Comparison::greater;
    case SQLITE_INDEX_CONSTRAINT_GE:
      return Comparison::at_least;
    default:
      return std::nullopt;
  }
}

bool takes_ranges(Column column) noexcept {
  switch (column) {
    case Column::node:
    case Column::property_hash:
    case Column::created_at:
    case Column::created_at_ns:
    case Column::confidence:
    case Column::key:
      return true;
    default:
      return false;
  }
}
bool takes_equality(Column column) noexcept {
  return takes_ranges(column) || column == Column::property || column == Column::source;
}
bool takes_lists(Column column) noexcept {
  return column == Column::node || column == Column::property || column == Column::property_hash ||
         column == Column::source || column == Column::key || column == Column::created_at;
}

// Whether SQLite need not look again: where the scan compares as SQL does, whatever the value.
// Names and times are compared with numbers in one of two ways, which the scan cannot tell apart; a
// literal that is text leaves no doubt.
bool is_certain(Column column, sqlite3_index_info& info, int constraint) {
#ifdef CAVEAT_SQLITE_PLANTED_FAULT
  return true;  // the tests of SQL have to find this
#endif
  if (column != Column::property && column != Column::created_at) return true;
  sqlite3_value* value = nullptr;
  return sqlite3_vtab_rhs_value(&info, constraint, &value) == SQLITE_OK && value != nullptr &&
         sqlite3_value_type(value) == SQLITE_TEXT;
}

// What each condition leaves of the records, roughly: for the choice between plans.
class Estimate {
 public:
  explicit Estimate(SharedStore::Size size) noexcept : size_(size) {}

  void add(Column column, Comparison comparison) noexcept {
    const bool list = comparison == Comparison::in;
    const bool equal = list || comparison == Comparison::equal;
    double share = equal ? share_of_equal(column) : kShareOfRange;
    if (list) share *= kListLength;
    share = std::min(share, 1.0);
    all_ *= share;
    const bool indexed = column != Column::property_hash || equal;
    if (indexed && share < best_) {
      best_ = share;
      leading_ = index_of(column);
    }
    point_ = point_ || column == Column::key || (column == Column::node && equal);
  }
  [[nodiscard]] std::string leading() const { return std::string(point_ ? "primary" : leading_); }
  [[nodiscard]] double rows() const noexcept { return std::max(1.0, all_ * size_.records); }
  // In steps of a B-tree, as SQLite counts; rows that lie scattered cost more than a scan's.
  [[nodiscard]] double cost() const noexcept {
    const double visited = std::max(1.0, best_ * size_.records);
    return (point_ ? kCostOfPoint : kCostOfQuery) + visited + rows();
  }

 private:
  static constexpr double kShareOfRange = 0.25;
  static constexpr double kShareOfConfidence = 0.05;
  static constexpr double kShareOfSource = 0.2;
  static constexpr double kRecordsOfNode = 6;
  static constexpr double kRecordsOfTime = 4;
  static constexpr double kPropertiesMin = 20;
  static constexpr double kListLength = 8;
  static constexpr double kCostOfPoint = 2;
  static constexpr double kCostOfQuery = 20;

  [[nodiscard]] double share_of_equal(Column column) const noexcept {
    const double records = std::max(1.0, size_.records);
    switch (column) {
      case Column::key:
        return 1 / records;
      case Column::node:
        return kRecordsOfNode / records;
      case Column::property:
      case Column::property_hash:
        return 1 / std::max(size_.properties, kPropertiesMin);
      case Column::created_at:
      case Column::created_at_ns:
        return kRecordsOfTime / records;
      case Column::confidence:
        return kShareOfConfidence;
      default:
        return kShareOfSource;
    }
  }
  static std::string_view index_of(Column column) noexcept {
    switch (column) {
      case Column::property:
      case Column::property_hash:
        return "property";
      case Column::source:
        return "source";
      case Column::confidence:
        return "confidence";
      case Column::created_at:
      case Column::created_at_ns:
        return "temporal";
      default:
        return "primary";
    }
  }

  SharedStore::Size size_;
  double all_ = 1;
  double best_ = 1.01;  // a condition that leaves everything leads all the same
  bool point_ = false;
  std::string_view leading_ = "scan";
};

class Planner {
 public:
  Planner(sqlite3_index_info& info, SharedStore::Size size) : info_(info), estimate_(size) {}

  int run() {
    for (int i = 0; i < info_.nConstraint; ++i) take_condition(i);
    take_order();
    take_limit();
    plan_.count_only = info_.colUsed == 0 && info_.nConstraint == 0 && info_.nOrderBy == 0;
    plan_.leading = estimate_.leading();
    if (plan_.leading == "scan") plan_.leading = index_of_order();

    const double rows = estimate_.rows();
    info_.estimatedRows = static_cast<sqlite3_int64>(rows);
    info_.estimatedCost = estimate_.cost();
    if (unique()) info_.idxFlags |= SQLITE_INDEX_SCAN_UNIQUE;
    return hand_over();
  }

 private:
  void take_condition(int i) {
    const Constraint& constraint = info_.aConstraint[i];
    if (is_limit(constraint)) {
      return;
    }
    // Where SQLite leaves rows out, the limit says nothing of how many are needed.
    if (!take_comparison(constraint, i)) all_taken_ = false;
  }

  bool take_comparison(const Constraint& constraint, int i) {
    if (constraint.iColumn < 0 || !constraint.usable) return false;
    const auto column = static_cast<Column>(constraint.iColumn);
    // Only a property may be NULL; SQLite looks again, and finds nothing to leave out.
    if (constraint.op == SQLITE_INDEX_CONSTRAINT_ISNOTNULL) {
      return takes_equality(column) && column != Column::property;
    }
    const bool is = constraint.op == SQLITE_INDEX_CONSTRAINT_IS;
    auto comparison = is ? Comparison::equal : comparison_of(constraint.op);
    if (!comparison || (is && column == Column::property)) return false;
    const bool equal = *comparison == Comparison::equal;
    if (equal ? !takes_equality(column) : !takes_ranges(column)) return false;
    const char* collation = sqlite3_vtab_collation(&info_, i);
    const char* ours = column == Column::created_at ? kTimeCollation : "BINARY";
    if (collation == nullptr || sqlite3_stricmp(collation, ours) != 0) return false;
    if (equal && takes_lists(column) && sqlite3_vtab_in(&info_, i, -1) != 0) {
      sqlite3_vtab_in(&info_, i, 1);
      comparison = Comparison::in;
    }
    plan_.conditions.push_back({column, *comparison});
    auto& usage = info_.aConstraintUsage[i];
    usage.argvIndex = static_cast<int>(plan_.conditions.size());
    usage.omit = i < kOmitMax && is_certain(column, info_, i) ? 1 : 0;
    estimate_.add(column, *comparison);
    if (*comparison == Comparison::equal) fixed_[static_cast<std::size_t>(column)] = true;
    return true;
  }

  // --- Order -----------------------------------------------------------------------------------

  struct Term {
    Column column;
    bool descending;
  };

  void take_order() {
    std::vector<Term> terms;
    for (int i = 0; i < info_.nOrderBy; ++i) {
      const auto& term = info_.aOrderBy[i];
      if (term.iColumn < 0) return;
      const auto column = static_cast<Column>(term.iColumn);
      // What is the same in all rows orders nothing.
      if (!is_fixed(column)) terms.push_back({column, term.desc != 0});
    }
    if (info_.nOrderBy == 0) return;
    // For GROUP BY and DISTINCT too: sqlite3_vtab_distinct would allow less than an order, but
    // SQLite 3.40 makes no use of it, and allows it where an ORDER BY like the GROUP BY needs the
    // order.
    bool consumed = sorts(terms);
    if (consumed && by_value() && looked_up()) consumed = give_up();
    info_.orderByConsumed = consumed ? 1 : 0;
  }

  [[nodiscard]] bool is_fixed(Column column) const noexcept {
    const auto held = [&](Column c) { return fixed_[static_cast<std::size_t>(c)]; };
    if (column == Column::created_at || column == Column::created_at_ns) {
      return held(Column::created_at) || held(Column::created_at_ns);
    }
    return column != Column::property && held(column);
  }

  bool sorts(const std::vector<Term>& terms) {
    std::size_t at = 0;
    if (at < terms.size() && terms[at].column == Column::source) {
      plan_.source_descending = terms[at++].descending;
    }
    if (at == terms.size()) return true;
    const auto order = order_of(terms[at].column);
    if (!order) return give_up();
    plan_.order = *order;
    plan_.descending = terms[at++].descending;
    if (plan_.order == RowOrder::key || at == terms.size()) return true;
    if (terms[at].descending != plan_.descending) return give_up();
    // Equal values come in the order of keys, or of nodes and then of keys.
    if (terms[at].column == Column::key) return true;
    if (terms[at].column != Column::node) return give_up();
    plan_.node_behind = true;
    const bool by_key = at + 1 < terms.size() && terms[at + 1].column == Column::key &&
                        terms[at + 1].descending == plan_.descending;
    return at + 1 == terms.size() || by_key || give_up();
  }

  // Keys and nodes out of a list are looked up, in the order of keys.
  [[nodiscard]] bool looked_up() const noexcept {
    return std::any_of(plan_.conditions.begin(), plan_.conditions.end(), [](const Condition& c) {
      return c.comparison == Comparison::in &&
             (c.column == Column::node || c.column == Column::key);
    });
  }
  [[nodiscard]] bool by_value() const noexcept {
    return plan_.source_descending || is_by_value(plan_.order);
  }

  bool give_up() noexcept {
    plan_.source_descending.reset();
    plan_.order = RowOrder::any;
    plan_.descending = false;
    plan_.node_behind = false;
    return false;
  }

  static std::optional<RowOrder> order_of(Column column) noexcept {
    switch (column) {
      case Column::node:
        return RowOrder::node;
      case Column::key:
        return RowOrder::key;
      case Column::confidence:
        return RowOrder::confidence;
      case Column::created_at:
      case Column::created_at_ns:
        return RowOrder::time;
      default:
        return std::nullopt;
    }
  }

  // --- Limit -----------------------------------------------------------------------------------

  static bool is_limit(const Constraint& constraint) noexcept {
    return constraint.op == SQLITE_INDEX_CONSTRAINT_LIMIT ||
           constraint.op == SQLITE_INDEX_CONSTRAINT_OFFSET;
  }

  // SQLite counts for itself, and leaves out what the offset says. The scan learns how many rows
  // will probably do, and has to have more: SQLite 3.40 hands a limit over in spite of conditions
  // that it does not show, such as one between two columns of the table.
  void take_limit() {
    if (!all_taken_ || (info_.nOrderBy > 0 && !info_.orderByConsumed)) return;
    take_limit(SQLITE_INDEX_CONSTRAINT_LIMIT, plan_.limit);
    if (plan_.limit) take_limit(SQLITE_INDEX_CONSTRAINT_OFFSET, plan_.offset);
  }
  void take_limit(unsigned char op, bool& taken) {
    for (int i = 0; i < info_.nConstraint; ++i) {
      if (info_.aConstraint[i].op != op || !info_.aConstraint[i].usable) continue;
      const auto before = plan_.conditions.size() + (plan_.limit ? 1U : 0U);
      info_.aConstraintUsage[i].argvIndex = static_cast<int>(before) + 1;
      taken = true;
      return;
    }
  }

  [[nodiscard]] std::string index_of_order() const {
    if (plan_.source_descending) return "source";
    switch (plan_.order) {
      case RowOrder::any:
        return "scan";
      case RowOrder::confidence:
        return "confidence";
      case RowOrder::time:
        return "temporal";
      default:
        return "primary";
    }
  }

  [[nodiscard]] bool unique() const noexcept {
    const auto held = [&](Column c) { return fixed_[static_cast<std::size_t>(c)]; };
    return held(Column::key) || (held(Column::node) && held(Column::property_hash));
  }

  int hand_over() {
    const auto text = plan_.text();
    auto* copy = static_cast<char*>(sqlite3_malloc64(text.size() + 1));
    if (copy == nullptr) return SQLITE_NOMEM;
    std::memcpy(copy, text.c_str(), text.size() + 1);
    info_.idxStr = copy;
    info_.needToFreeIdxStr = 1;
    return SQLITE_OK;
  }

  sqlite3_index_info& info_;
  ScanPlan plan_;
  Estimate estimate_;
  std::array<bool, kColumnCount> fixed_{};  // columns with one value, by a condition of this plan
  bool all_taken_ = true;
};

}  // namespace

int plan_scan(sqlite3_index_info& info, SharedStore::Size size) {
  return Planner(info, size).run();
}

}  // namespace caveat::sqlite
