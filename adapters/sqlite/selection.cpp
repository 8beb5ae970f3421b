#include "adapters/sqlite/selection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <memory>
#include <new>

#include "adapters/sqlite/sqlite_api.h"
#include "adapters/sqlite/time_text.h"

namespace caveat::sqlite {
namespace {

constexpr std::size_t kKeyBytes = 16;
constexpr double kTwoTo63 = 9223372036854775808.0;

bool is_upper(Comparison comparison) noexcept {
  return comparison == Comparison::less || comparison == Comparison::at_most;
}

template <class T>
void intersect(std::optional<std::vector<T>>& list, std::vector<T> with) {
  std::sort(with.begin(), with.end());
  with.erase(std::unique(with.begin(), with.end()), with.end());
  if (list) {
    std::vector<T> both;
    std::set_intersection(list->begin(), list->end(), with.begin(), with.end(),
                          std::back_inserter(both));
    with = std::move(both);
  }
  list = std::move(with);
}

template <class T>
bool list_holds(const std::optional<std::vector<T>>& list, const T& value) {
  return !list || std::binary_search(list->begin(), list->end(), value);
}

ExceptionKey key_of(std::string_view bytes) noexcept {
  std::uint64_t halves[2] = {};
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    const auto byte = i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
    halves[i / 8] = halves[i / 8] << 8 | byte;
  }
  return {halves[0], halves[1]};
}

void raise_above(const ExceptionKey& key, KeyRange& range, bool& impossible) noexcept {
  if (key == kLastKey) {
    impossible = true;
    return;
  }
  auto next = key;
  if (++next.property_hash == 0) ++next.node_id;
  range.first = std::max(range.first, next);
}

void lower_below(const ExceptionKey& key, KeyRange& range, bool& impossible) noexcept {
  if (key == kFirstKey) {
    impossible = true;
    return;
  }
  auto previous = key;
  if (previous.property_hash-- == 0) --previous.node_id;
  range.last = std::min(range.last, previous);
}

struct FreeValue {
  void operator()(sqlite3_value* value) const noexcept { sqlite3_value_free(value); }
};
using OwnedValue = std::unique_ptr<sqlite3_value, FreeValue>;

void restrict(IntegerRange& range, Comparison comparison, sqlite3_value* value) {
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
      return range.restrict(comparison, std::int64_t{sqlite3_value_int64(value)});
    case SQLITE_FLOAT:
      return range.restrict(comparison, sqlite3_value_double(value));
    default:  // a number comes before every text and blob
      if (!is_upper(comparison)) range.clear();
  }
}

}  // namespace

std::string bytes_of_key(const ExceptionKey& key) {
  std::string bytes(kKeyBytes, '\0');
  for (std::size_t i = 0; i < kKeyBytes; ++i) {
    const auto half = i < 8 ? key.node_id : key.property_hash;
    bytes[i] = static_cast<char>(half >> (8 * (7 - i % 8)));
  }
  return bytes;
}

std::optional<ExceptionKey> key_of_bytes(std::string_view bytes) {
  if (bytes.size() != kKeyBytes) return std::nullopt;
  return key_of(bytes);
}

void IntegerRange::restrict(Comparison comparison, std::int64_t value) noexcept {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  switch (comparison) {
    case Comparison::less:
      if (value == kMin) return clear();
      hi = std::min(hi, value - 1);
      break;
    case Comparison::at_most:
      hi = std::min(hi, value);
      break;
    case Comparison::greater:
      if (value == kMax) return clear();
      lo = std::max(lo, value + 1);
      break;
    case Comparison::at_least:
      lo = std::max(lo, value);
      break;
    default:
      lo = std::max(lo, value);
      hi = std::min(hi, value);
  }
}

void IntegerRange::restrict(Comparison comparison, double value) noexcept {
  const bool upper = is_upper(comparison);
  if (value >= kTwoTo63 || value < -kTwoTo63) {
    if (comparison == Comparison::equal || upper != (value > 0)) clear();
    return;
  }
  const bool down = comparison == Comparison::at_most || comparison == Comparison::greater;
  const double whole = down ? std::floor(value) : std::ceil(value);
  if (comparison == Comparison::equal && whole != value) return clear();
  restrict(comparison, static_cast<std::int64_t>(whole));
}

SqlResult<void> Selection::add(const Condition& condition, sqlite3_value* value, Session& session) {
  if (condition.comparison == Comparison::in) {
    std::vector<OwnedValue> copies;
    std::vector<sqlite3_value*> values;
    sqlite3_value* element = nullptr;
    int rc = sqlite3_vtab_in_first(value, &element);
    for (; rc == SQLITE_OK && element != nullptr; rc = sqlite3_vtab_in_next(value, &element)) {
      OwnedValue copy(sqlite3_value_dup(element));
      if (copy == nullptr) throw std::bad_alloc();
      copies.push_back(std::move(copy));
      values.push_back(copies.back().get());
    }
    if (rc != SQLITE_DONE && rc != SQLITE_OK) return sql_fail(rc, sqlite3_errstr(rc));
    add_equal(condition.column, values, session);
    return {};
  }
  if (sqlite3_value_type(value) == SQLITE_NULL) {
    impossible = true;  // NULL compares with nothing
    return {};
  }
  const bool listed = condition.column == Column::node || condition.column == Column::property ||
                      condition.column == Column::property_hash ||
                      condition.column == Column::source || condition.column == Column::key;
  if (condition.comparison == Comparison::equal && listed) {
    add_equal(condition.column, {value}, session);
  } else {
    add_one(condition, value);
  }
  return {};
}

void Selection::add_one(const Condition& condition, sqlite3_value* value) {
  switch (condition.column) {
    case Column::node:
      return restrict(node, condition.comparison, value);
    case Column::property_hash:
      return restrict(property, condition.comparison, value);
    case Column::created_at_ns:
      return restrict(time, condition.comparison, value);
    case Column::created_at:
      return add_time(condition.comparison, value);
    case Column::confidence:
      return add_confidence(condition.comparison, value);
    case Column::key:
      return add_key(condition.comparison, value);
    default:
      exact = false;
  }
}

void Selection::add_equal(Column column, const std::vector<sqlite3_value*>& values,
                          Session& session) {
  std::vector<std::uint64_t> numbers;
  std::vector<ExceptionKey> wanted;
  std::vector<std::int64_t> times;
  unsigned mask = 0;
  for (auto* value : values) {
    const int type = sqlite3_value_type(value);
    switch (column) {
      case Column::node:
      case Column::property_hash:
        if (const auto number = integer_of(value)) {
          numbers.push_back(static_cast<std::uint64_t>(*number));
        }
        break;
      case Column::created_at:
      case Column::property:
        if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
          // Compared as numbers or as text: that depends on where the number comes from.
          exact = false;
          return;
        }
        if (column == Column::created_at) {
          const auto parsed = type == SQLITE_TEXT ? time_of(bytes_of(value)) : std::nullopt;
          const auto stored = static_cast<std::int64_t>(parsed.value_or(0));
          if (parsed && stored == *parsed) times.push_back(stored);
          break;
        }
        if (type == SQLITE_TEXT) {
          const auto hash = hash_property(bytes_of(value));
          const auto* name = session.property_name(hash);
          if (name != nullptr && name->bytes == bytes_of(value)) numbers.push_back(hash);
        }
        break;
      case Column::source:
        if (const auto source = source_from_string(bytes_of(value));
            type == SQLITE_TEXT && source) {
          mask |= 1U << static_cast<unsigned>(*source);
        }
        break;
      default:
        if (type != SQLITE_BLOB) break;
        if (const auto key = key_of_bytes(bytes_of(value))) wanted.push_back(*key);
    }
  }
  if (column == Column::node) intersect(node_list, std::move(numbers));
  if (column == Column::property || column == Column::property_hash) {
    intersect(property_list, std::move(numbers));
  }
  if (column == Column::source) sources &= mask;
  if (column == Column::created_at) {
    intersect(time_list, std::move(times));
    if (time_list->empty()) return;
    time.restrict(Comparison::at_least, time_list->front());
    time.restrict(Comparison::at_most, time_list->back());
  }
  if (column == Column::key) intersect(key_list, std::move(wanted));
}

void Selection::add_key(Comparison comparison, sqlite3_value* value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) {  // numbers and texts come before every blob
    if (is_upper(comparison)) impossible = true;
    return;
  }
  const auto bytes = bytes_of(value);
  const auto bound = key_of(bytes);
  // A shorter blob comes before all that begin like it, a longer one behind.
  const bool shorter = bytes.size() < kKeyBytes;
  const bool longer = bytes.size() > kKeyBytes;
  const bool held = shorter ? !is_upper(comparison)
                    : longer
                        ? is_upper(comparison)
                        : comparison == Comparison::at_most || comparison == Comparison::at_least;
  if (is_upper(comparison)) {
    if (held) {
      keys.last = std::min(keys.last, bound);
    } else {
      lower_below(bound, keys, impossible);
    }
  } else if (held) {
    keys.first = std::max(keys.first, bound);
  } else {
    raise_above(bound, keys, impossible);
  }
}

void Selection::add_time(Comparison comparison, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
    // A literal is compared as text, and so as time; a column of numbers comes before all texts.
    exact = false;
    if (type == SQLITE_FLOAT || !is_upper(comparison)) return;
    return time.restrict(comparison, std::int64_t{sqlite3_value_int64(value)});
  }
  const auto bound = type == SQLITE_TEXT ? time_of(bytes_of(value)) : std::nullopt;
  if (!bound) {  // behind all times
    if (!is_upper(comparison)) impossible = true;
    return;
  }
  constexpr Nanoseconds kMin = std::numeric_limits<std::int64_t>::min();
  constexpr Nanoseconds kMax = std::numeric_limits<std::int64_t>::max();
  if (*bound < kMin || *bound > kMax) {
    const bool after_all = *bound > kMax;
    if (comparison == Comparison::equal || is_upper(comparison) != after_all) impossible = true;
    return;
  }
  time.restrict(comparison, static_cast<std::int64_t>(*bound));
}

void Selection::add_confidence(Comparison comparison, sqlite3_value* value) {
  const int type = sqlite3_value_numeric_type(value);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
    if (!is_upper(comparison)) impossible = true;
    return;
  }
  const double bound = sqlite3_value_double(value);
  if (!is_upper(comparison)) {
    raise_to(bound, comparison != Comparison::greater, confidence);
  }
  if (is_upper(comparison) || comparison == Comparison::equal) {
    lower_to(bound, comparison != Comparison::less, confidence);
  }
}

bool Selection::nothing() const noexcept {
  return impossible || node.empty() || property.empty() || time.empty() || keys.empty() ||
         sources == 0 || confidence.lo > confidence.hi || (node_list && node_list->empty()) ||
         (property_list && property_list->empty()) || (key_list && key_list->empty()) ||
         (time_list && time_list->empty());
}

bool Selection::matches(const ExceptionView& record) const noexcept {
  return (sources >> static_cast<unsigned>(record.source) & 1U) != 0 &&
         record.confidence >= confidence.lo && record.confidence <= confidence.hi &&
         time.holds(record.created_at) && list_holds(time_list, record.created_at) &&
         node.holds(static_cast<std::int64_t>(record.key.node_id)) &&
         property.holds(static_cast<std::int64_t>(record.key.property_hash)) &&
         keys.holds(record.key);
}

bool Selection::lists_hold(const ExceptionKey& key) const noexcept {
  return list_holds(node_list, key.node_id) && list_holds(property_list, key.property_hash) &&
         list_holds(key_list, key);
}

}  // namespace caveat::sqlite
