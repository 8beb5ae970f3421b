#include "adapters/json/time_text.h"

#include <fmt/format.h>

#include <chrono>
#include <iterator>

namespace caveat::json {

// By hand: floor<seconds> goes back to nanoseconds, and overflows near the smallest time.
SplitTime split_seconds(std::int64_t time) noexcept {
  const auto remainder = time % kNsPerSecond;
  return {time / kNsPerSecond - (remainder < 0 ? 1 : 0),
          remainder < 0 ? remainder + kNsPerSecond : remainder};
}

void append_fraction(std::int64_t fraction, std::string& out) {
  if (fraction == 0) return;
  fmt::format_to(std::back_inserter(out), ".{:09}", fraction);
  while (out.back() == '0') out.pop_back();
}

void append_time(std::int64_t time, std::string& out) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::seconds;
  using std::chrono::sys_seconds;
  using std::chrono::year_month_day;
  const auto [whole, fraction] = split_seconds(time);
  const sys_seconds second{seconds(whole)};
  const auto day = floor<days>(second);
  const year_month_day date(day);
  const auto of_day = (second - day).count();
  char text[] = "0000-00-00T00:00:00";
  const auto put = [&text](std::size_t at, int width, std::int64_t value) {
    for (int i = width - 1; i >= 0; --i, value /= 10) {
      text[at + static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    }
  };
  put(0, 4, static_cast<int>(date.year()));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, of_day / 3600);
  put(14, 2, of_day / 60 % 60);
  put(17, 2, of_day % 60);
  out.append(text, sizeof text - 1);
  append_fraction(fraction, out);
  out += 'Z';
}

}  // namespace caveat::json
