#include "tools/cli/time_text.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <iterator>
#include <limits>
#include <optional>

namespace caveat::cli {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

using json::kNsPerSecond;

tl::unexpected<StorageError> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" {}", text, why));
}

// Takes `width` digits off the front.
std::optional<int> take_digits(std::string_view& rest, std::size_t width) {
  if (rest.size() < width) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    if (rest[i] < '0' || rest[i] > '9') return std::nullopt;
    value = value * 10 + (rest[i] - '0');
  }
  rest.remove_prefix(width);
  return value;
}

bool take(std::string_view& rest, std::string_view any_of) {
  if (rest.empty() || any_of.find(rest[0]) == std::string_view::npos) return false;
  rest.remove_prefix(1);
  return true;
}

std::optional<sys_days> take_date(std::string_view& rest) {
  const auto y = take_digits(rest, 4);
  if (!y || !take(rest, "-")) return std::nullopt;
  const auto m = take_digits(rest, 2);
  if (!m || !take(rest, "-")) return std::nullopt;
  const auto d = take_digits(rest, 2);
  if (!d) return std::nullopt;
  const year_month_day date(std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*m)),
                            std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok()) return std::nullopt;
  return sys_days(date);
}

std::optional<int> take_clock(std::string_view& rest) {
  const auto h = take_digits(rest, 2);
  if (!h || *h > 23 || !take(rest, ":")) return std::nullopt;
  const auto m = take_digits(rest, 2);
  if (!m || *m > 59 || !take(rest, ":")) return std::nullopt;
  const auto s = take_digits(rest, 2);
  if (!s || *s > 59) return std::nullopt;
  return (*h * 60 + *m) * 60 + *s;
}

// Nanoseconds of ".123"; 0 where there is no point.
std::optional<std::int64_t> take_fraction(std::string_view& rest) {
  if (!take(rest, ".")) return 0;
  std::int64_t value = 0;
  std::size_t digits = 0;
  for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; ++digits) {
    if (digits == 9) return std::nullopt;
    value = value * 10 + (rest[0] - '0');
    rest.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return value;
}

// Seconds east of Greenwich.
std::optional<int> take_offset(std::string_view& rest) {
  if (take(rest, "Zz")) return 0;
  const bool west = !rest.empty() && rest[0] == '-';
  if (!take(rest, "+-")) return std::nullopt;
  const auto h = take_digits(rest, 2);
  if (!h || *h > 23 || !take(rest, ":")) return std::nullopt;
  const auto m = take_digits(rest, 2);
  if (!m || *m > 59) return std::nullopt;
  const int offset = (*h * 60 + *m) * 60;
  return west ? -offset : offset;
}

WideTime nanoseconds_of(std::int64_t whole_seconds, std::int64_t fraction) {
  return WideTime{whole_seconds} * kNsPerSecond + fraction;
}

constexpr WideTime kFirst = std::numeric_limits<std::int64_t>::min();
constexpr WideTime kLast = std::numeric_limits<std::int64_t>::max();

constexpr std::string_view kOutOfRange =
    "is out of range: times lie between 1677-09-21 and 2262-04-11";

Result<WideTime> parse_wide(std::string_view text) {
  auto rest = text;
  const auto date = take_date(rest);
  if (!date || !take(rest, "Tt")) return bad(text, "is no RFC 3339 time");
  const auto clock = take_clock(rest);
  if (!clock) return bad(text, "is no RFC 3339 time");
  const auto fraction = take_fraction(rest);
  if (!fraction) return bad(text, "has a fraction of no or more than nine digits");
  const auto offset = take_offset(rest);
  if (!offset || !rest.empty()) return bad(text, "is no RFC 3339 time with Z or an offset");
  const auto whole = sys_seconds(*date).time_since_epoch().count() + *clock - *offset;
  return nanoseconds_of(whole, *fraction);
}

}  // namespace

void append_local_time(std::int64_t time, std::string& out) {
  const auto [whole, fraction] = json::split_seconds(time);
  const auto clock = static_cast<std::time_t>(whole);
  std::tm local{};
  ::tzset();
  if (::localtime_r(&clock, &local) == nullptr) return append_time(time, out);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                 local.tm_year + 1900, local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min,
                 local.tm_sec);
  json::append_fraction(fraction, out);
  const auto offset = local.tm_gmtoff < 0 ? -local.tm_gmtoff : local.tm_gmtoff;
  fmt::format_to(std::back_inserter(out), "{}{:02}:{:02}", local.tm_gmtoff < 0 ? '-' : '+',
                 offset / 3600, offset / 60 % 60);
  // Before there were zones, every place had its own.
  if (offset % 60 != 0) fmt::format_to(std::back_inserter(out), ":{:02}", offset % 60);
}

Result<std::int64_t> parse_time(std::string_view text) {
  CAVEAT_ASSIGN(const auto time, parse_wide(text));
  if (time < kFirst || time > kLast) return bad(text, kOutOfRange);
  return static_cast<std::int64_t>(time);
}

Result<TimeSpan> parse_time_span(std::string_view text) {
  auto rest = text;
  const auto date = take_date(rest);
  if (date && rest.empty()) {
    const auto day = sys_seconds(*date).time_since_epoch().count();
    return TimeSpan{nanoseconds_of(day, 0), nanoseconds_of(day + 86'400, -1)};
  }
  if (text.size() == 10) return bad(text, "is no date such as 2022-01-31");
  CAVEAT_ASSIGN(const auto time, parse_wide(text));
  return TimeSpan{time, time};
}

Result<Query::TimeRange> parse_time_range(std::string_view text) {
  const auto dots = text.find("..");
  const auto lower = text.substr(0, dots);
  const auto upper = dots == std::string_view::npos ? text : text.substr(dots + 2);
  if (lower.empty() && upper.empty()) return bad(text, "is no time and no range of times");
  WideTime first = kFirst;
  WideTime last = kLast;
  if (!lower.empty()) {
    CAVEAT_ASSIGN(const auto span, parse_time_span(lower));
    first = span.first;
  }
  if (!upper.empty()) {
    CAVEAT_ASSIGN(const auto span, parse_time_span(upper));
    last = span.last;
  }
  if (first > kLast || last < kFirst) return bad(text, kOutOfRange);
  if (first > last) return bad(text, "ends before it begins");
  return Query::TimeRange{static_cast<std::int64_t>(std::max(first, kFirst)),
                          static_cast<std::int64_t>(std::min(last, kLast))};
}

}  // namespace caveat::cli
