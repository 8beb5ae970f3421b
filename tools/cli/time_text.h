// Times as text: RFC 3339, whole days, and ranges of both.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/json/time_text.h"
#include "caveat/error.h"
#include "caveat/query.h"

namespace caveat::cli {

using json::append_time;

// "2022-01-05 17:48:58+01:00": in the zone of TZ or of the machine. For people on a terminal.
void append_local_time(std::int64_t nanoseconds, std::string& out);

// RFC 3339 with any offset and at most nine digits of a fraction. Messages start with the text.
[[nodiscard]] Result<std::int64_t> parse_time(std::string_view text);

// Nanoseconds that may lie beyond what a record can have.
__extension__ using WideTime = __int128;
struct TimeSpan {
  WideTime first;
  WideTime last;
};
// A date, which is the whole day, or a time, in any year of four digits.
[[nodiscard]] Result<TimeSpan> parse_time_span(std::string_view text);

// "A..B", "A..", "..B" or "A", where A and B are dates (2022-01-31) or times. A date is the whole
// day: as an upper end it reaches to the day's last nanosecond. What lies beyond the times of
// records is cut off; a range of nothing else is an error.
[[nodiscard]] Result<Query::TimeRange> parse_time_range(std::string_view text);

// A number from 0 to 1, as the float that a record of it has: the nearest one, so 0.7 means the
// record whose confidence was given as 0.7, and 1e-50 is 0.
[[nodiscard]] std::optional<float> parse_confidence(std::string_view text);

// "0.5..0.7", "0.5..", "..0.7" or "0.7".
[[nodiscard]] Result<Query::ConfidenceRange> parse_confidence_range(std::string_view text);

}  // namespace caveat::cli
