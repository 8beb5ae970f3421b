#include "adapters/sqlite/time_text.h"

#include <chrono>

namespace caveat::sqlite {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::size_t kIntegerDigitsMax = 19;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Takes pieces off the front of a text; after a piece that is not there everything fails.
class Pieces {
 public:
  explicit Pieces(std::string_view text) noexcept : rest_(text) {}

  int number(std::size_t width, int max) noexcept {
    int value = 0;
    good_ = good_ && rest_.size() >= width;
    for (std::size_t i = 0; good_ && i < width; ++i) {
      good_ = is_digit(rest_[i]);
      value = value * 10 + (rest_[i] - '0');
    }
    good_ = good_ && value <= max;
    if (good_) rest_.remove_prefix(width);
    return value;
  }
  bool maybe(std::string_view any_of) noexcept {
    if (!good_ || rest_.empty() || any_of.find(rest_[0]) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void must(char c) noexcept { good_ = maybe(std::string_view(&c, 1)) && good_; }
  // Of the digits behind a point.
  std::int64_t fraction() noexcept {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; digits < 9 && !rest_.empty() && is_digit(rest_[0]); ++digits) {
      value = value * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    good_ = good_ && digits > 0;
    for (; digits < 9; ++digits) value *= 10;
    return value;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool ended() const noexcept { return good_ && rest_.empty(); }
  [[nodiscard]] char next() const noexcept { return rest_.empty() ? '\0' : rest_[0]; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<Nanoseconds> integer_of(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kIntegerDigitsMax) return std::nullopt;
  Nanoseconds value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return negative ? -value : value;
}

// Days since 1970-01-01, or nothing for the 30th of February.
std::optional<std::int64_t> days_of(int year, int month, int day) noexcept {
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

}  // namespace

std::optional<Nanoseconds> time_of(std::string_view text) noexcept {
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return integer_of(text);
  Pieces pieces(text);
  const int year = pieces.number(4, 9999);
  pieces.must('-');
  const int month = pieces.number(2, 12);
  pieces.must('-');
  const int day = pieces.number(2, 31);
  if (!pieces.good()) return std::nullopt;
  const auto days = days_of(year, month, day);
  if (!days) return std::nullopt;
  std::int64_t seconds = 0;
  std::int64_t fraction = 0;
  if (!pieces.ended()) {
    if (!pieces.maybe("Tt ")) return std::nullopt;
    seconds = std::int64_t{pieces.number(2, 23)} * 3600;
    pieces.must(':');
    seconds += std::int64_t{pieces.number(2, 59)} * 60;
    if (pieces.maybe(":")) {
      seconds += pieces.number(2, 59);
      if (pieces.maybe(".")) fraction = pieces.fraction();
    }
    const bool west = pieces.next() == '-';
    if (!pieces.maybe("Zz") && pieces.maybe("+-")) {
      std::int64_t offset = std::int64_t{pieces.number(2, 23)} * 3600;
      pieces.must(':');
      offset += std::int64_t{pieces.number(2, 59)} * 60;
      seconds -= west ? -offset : offset;
    }
    if (!pieces.ended()) return std::nullopt;
  }
  return (Nanoseconds{*days} * 86'400 + seconds) * kNsPerSecond + fraction;
}

int compare_times(std::string_view a, std::string_view b) noexcept {
  if (a == b) return 0;
  const auto left = time_of(a);
  const auto right = time_of(b);
  if (left && right) return *left < *right ? -1 : *left > *right ? 1 : 0;
  if (left) return -1;
  if (right) return 1;
  return a.compare(b);
}

}  // namespace caveat::sqlite
