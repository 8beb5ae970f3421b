#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string>

#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

tl::unexpected<StorageError> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" {}", text, why));
}

}  // namespace

std::optional<float> parse_confidence(std::string_view text) {
  double value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (stop != end || text.empty()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too small for a double, or too large: which, a C function says.
    value = std::strtod(std::string(text).c_str(), nullptr);
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  if (!(value >= 0.0 && value <= 1.0)) return std::nullopt;
  return static_cast<float>(value) + 0.0F;  // -0.0 is stored as 0.0
}

Result<Query::ConfidenceRange> parse_confidence_range(std::string_view text) {
  Query::ConfidenceRange range;
  const auto dots = text.find("..");
  const auto lower = text.substr(0, dots);
  const auto upper = dots == std::string_view::npos ? text : text.substr(dots + 2);
  if (lower.empty() && upper.empty()) return bad(text, "is no confidence such as 0.5..0.7");
  if (!lower.empty()) {
    const auto value = parse_confidence(lower);
    if (!value) return bad(lower, "is no number from 0 to 1");
    range.min = *value;
  }
  if (!upper.empty()) {
    const auto value = parse_confidence(upper);
    if (!value) return bad(upper, "is no number from 0 to 1");
    range.max = *value;
  }
  if (range.min > range.max) return bad(text, "ends before it begins");
  return range;
}

}  // namespace caveat::cli
