// Where in a filter's text an error is.
#include <algorithm>

#include "tools/cli/filter/filter.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kColumnsMax = 72;    // of the excerpt
constexpr std::size_t kColumnsAhead = 40;  // of them before the error
constexpr std::string_view kCut = "...";

bool begins_character(char c) {
  return (c & 0xC0) != 0x80;
}

// Back to the begin of a character.
std::size_t whole(std::string_view text, std::size_t at) {
  while (at > 0 && at < text.size() && !begins_character(text[at])) --at;
  return at;
}

}  // namespace

std::size_t column_of(const FilterError& error, std::string_view text) {
  const auto before = text.substr(0, error.offset);
  return 1 +
         static_cast<std::size_t>(std::count_if(before.begin(), before.end(), begins_character));
}

std::string excerpt(const FilterError& error, std::string_view text) {
  const auto at = std::min(error.offset, text.size());
  const auto from = at > kColumnsAhead ? whole(text, at - kColumnsAhead) : 0;
  const auto to = text.size() - from > kColumnsMax ? whole(text, from + kColumnsMax) : text.size();
  const auto before = std::string(from > 0 ? kCut : "") + printable(text.substr(from, at - from));
  const auto marked = std::min(error.length, to - at);
  std::string out = "  " + before + printable(text.substr(at, to - at));
  if (to < text.size()) out += kCut;
  const auto carets = std::max<std::size_t>(1, display_width(printable(text.substr(at, marked))));
  out +=
      "\n  " + std::string(display_width(before), ' ') + '^' + std::string(carets - 1, '~') + "\n";
  return out;
}

}  // namespace caveat::cli
