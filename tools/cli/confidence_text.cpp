#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

tl::unexpected<StorageError> bad(std::string_view text, std::string_view why) {
  return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" {}", text, why));
}

// As a float at once, since that is what is stored: 0.7 means the record whose confidence is 0.7.
std::optional<float> confidence(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(value >= 0.0F && value <= 1.0F)) return std::nullopt;
  return value;
}

}  // namespace

Result<Query::ConfidenceRange> parse_confidence_range(std::string_view text) {
  Query::ConfidenceRange range;
  const auto dots = text.find("..");
  const auto lower = text.substr(0, dots);
  const auto upper = dots == std::string_view::npos ? text : text.substr(dots + 2);
  if (lower.empty() && upper.empty()) return bad(text, "is no confidence such as 0.5..0.7");
  if (!lower.empty()) {
    const auto value = confidence(lower);
    if (!value) return bad(lower, "is no number from 0 to 1");
    range.min = *value;
  }
  if (!upper.empty()) {
    const auto value = confidence(upper);
    if (!value) return bad(upper, "is no number from 0 to 1");
    range.max = *value;
  }
  if (range.min > range.max) return bad(text, "ends before it begins");
  return range;
}

}  // namespace caveat::cli
