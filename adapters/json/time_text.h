// Times as text: RFC 3339, as the tool and SQL write them. What they read differs, and is theirs.
#pragma once

#include <cstdint>
#include <string>

namespace caveat::json {

inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

// "2022-01-05T16:48:58Z": UTC, up to nine digits of a fraction, no trailing zeros. Every i64 of
// nanoseconds lies in the years 1677 to 2262, so there is a text for each.
void append_time(std::int64_t nanoseconds, std::string& out);

// ".5", or nothing for 0; of nanoseconds below a second.
void append_fraction(std::int64_t nanoseconds, std::string& out);

struct SplitTime {
  std::int64_t seconds;   // rounded down, also before 1970
  std::int64_t fraction;  // nanoseconds, 0 to 999,999,999
};
[[nodiscard]] SplitTime split_seconds(std::int64_t nanoseconds) noexcept;

}  // namespace caveat::json
