// What somebody may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caveat::cli {

// Of the names the one that begins with the word, or is at most two letters off; empty if none.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& names);

}  // namespace caveat::cli
