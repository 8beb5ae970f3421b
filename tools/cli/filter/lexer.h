// A filter's text as words, strings, literals and symbols.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/filter/filter.h"

namespace caveat::cli {

struct Token {
  enum class Kind { end, word, string, literal, symbol };
  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::string text;  // of a string: without quotes and escapes

  [[nodiscard]] bool is(std::string_view symbol) const {
    return kind == Kind::symbol && text == symbol;
  }
  // Keywords in any case; `keyword` in lower case.
  [[nodiscard]] bool is_word(std::string_view keyword) const;
};

// The last token is the end. A literal begins with a digit or a sign: 62, 0x3e, -1.5e3,
// 2022-01-31T12:00:00+02:00. It is the field that says what it has to be.
[[nodiscard]] tl::expected<std::vector<Token>, FilterError> tokens_of(std::string_view text);

}  // namespace caveat::cli
