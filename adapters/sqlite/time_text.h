// Times as SQL sees them: RFC 3339 text, and a collation that compares it as time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/json/time_text.h"

namespace caveat::sqlite {

__extension__ using Nanoseconds =
    __int128;  // since the Unix epoch; holds every year that has a text

using json::append_time;

// A date (its first nanosecond), or a date and a time with "T" or a space between them, seconds and
// their fraction of at most nine digits optional, with Z, an offset or neither (then it is UTC, as
// in SQLite's own functions); or an integer of nanoseconds. Nothing for any other text.
[[nodiscard]] std::optional<Nanoseconds> time_of(std::string_view text) noexcept;

// Less than, equal to or greater than 0. Texts that are times compare as times, "2022-01-01" like
// "2022-01-01T01:00:00+01:00"; other texts come behind all times, and compare by their bytes.
[[nodiscard]] int compare_times(std::string_view a, std::string_view b) noexcept;

}  // namespace caveat::sqlite
