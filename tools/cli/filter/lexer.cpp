#include "tools/cli/filter/lexer.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/json_text.h"

namespace caveat::cli {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto byte = [&out](std::uint32_t value) { out += static_cast<char>(value); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6);
    byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12);
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18);
    byte(0x80 | (code >> 12 & 0x3F));
    byte(0x80 | (code >> 6 & 0x3F));
    byte(0x80 | (code & 0x3F));
  }
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  tl::expected<std::vector<Token>, FilterError> run() {
    std::vector<Token> tokens;
    do {
      while (at_ < text_.size() && is_space(text_[at_])) ++at_;
      auto token = next();
      if (!token) return tl::make_unexpected(std::move(token.error()));
      tokens.push_back(std::move(*token));
    } while (tokens.back().kind != Token::Kind::end);
    return tokens;
  }

 private:
  using Step = tl::expected<Token, FilterError>;

  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }
  [[nodiscard]] Token made(Token::Kind kind, std::size_t from, std::string text) const {
    return {kind, from, at_ - from, std::move(text)};
  }
  [[nodiscard]] tl::unexpected<FilterError> wrong(std::string message, std::size_t from,
                                                  std::size_t length) const {
    return tl::make_unexpected(FilterError{std::move(message), from, length});
  }

  Step next() {
    const auto from = at_;
    if (at_ == text_.size()) return made(Token::Kind::end, from, "");
    const char first = peek();
    if (first == '"' || first == '\'') return string();
    const bool sign = (first == '-' || first == '+') && (is_digit(peek(1)) || peek(1) == '.');
    if (is_digit(first) || sign || (first == '.' && is_digit(peek(1)))) return literal();
    if (is_letter(first)) {
      while (is_letter(peek()) || is_digit(peek())) ++at_;
      return made(Token::Kind::word, from, std::string(text_.substr(from, at_ - from)));
    }
    return symbol();
  }

  Step literal() {
    const auto from = at_++;
    for (char c = peek();
         is_letter(c) || is_digit(c) || c == '.' || c == ':' || c == '+' || c == '-'; c = peek()) {
      ++at_;
    }
    return made(Token::Kind::literal, from, std::string(text_.substr(from, at_ - from)));
  }

  Step symbol() {
    const auto from = at_;
    for (const std::string_view two : {"!=", "<>", "<=", ">=", "=="}) {
      if (text_.substr(at_, 2) != two) continue;
      at_ += 2;
      return made(Token::Kind::symbol, from,
                  two == "<>"   ? "!="
                  : two == "==" ? "="
                                : std::string(two));
    }
    ++at_;
    const std::string_view one = text_.substr(from, 1);
    if (std::string_view("=<>(),[]").find(one) != std::string_view::npos) {
      return made(Token::Kind::symbol, from, std::string(one));
    }
    while (at_ < text_.size() && (text_[at_] & 0xC0) == 0x80) ++at_;  // a whole character
    return wrong(fmt::format("\"{}\" means nothing here", text_.substr(from, at_ - from)), from,
                 at_ - from);
  }

  Step string() {
    const auto from = at_;
    const char quote = text_[at_++];
    std::string out;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] != '\\') {
        out += text_[at_++];
        continue;
      }
      const auto begin = at_;
      if (!escape(out)) {
        return wrong(
            "no such escape; there are \\\" \\' \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX and \\xXX",
            begin, std::min<std::size_t>(2, text_.size() - begin));
      }
    }
    if (at_ == text_.size()) return wrong("the string does not end", from, at_ - from);
    ++at_;
    return made(Token::Kind::string, from, std::move(out));
  }

  bool escape(std::string& out) {
    constexpr std::string_view kNames = "\"'\\/bfnrt";
    constexpr std::string_view kMeant = "\"'\\/\b\f\n\r\t";
    const char name = peek(1);
    at_ += 2;
    if (name == 'x') {
      const auto byte = hex(2);
      if (byte) out += static_cast<char>(*byte);
      return byte.has_value();
    }
    if (name == 'u') return unicode(out);
    const auto found = name == '\0' ? std::string_view::npos : kNames.find(name);
    if (found != std::string_view::npos) out += kMeant[found];
    return found != std::string_view::npos;
  }

  std::optional<std::uint32_t> hex(std::size_t digits) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0) return std::nullopt;
      value = value << 4 | static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  bool unicode(std::string& out) {
    auto code = hex(4);
    if (!code) return false;
    if (*code >= 0xD800 && *code < 0xDC00) {
      if (peek() != '\\' || peek(1) != 'u') return false;
      at_ += 2;
      const auto low = hex(4);
      if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
      code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
    } else if (*code >= 0xDC00 && *code < 0xE000) {
      return false;
    }
    append_utf8(*code, out);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

bool Token::is_word(std::string_view keyword) const {
  return kind == Kind::word && text.size() == keyword.size() &&
         std::equal(text.begin(), text.end(), keyword.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

tl::expected<std::vector<Token>, FilterError> tokens_of(std::string_view text) {
  if (text.size() > kFilterBytesMax) {
    return tl::make_unexpected(FilterError{
        fmt::format("the filter is longer than {} bytes", kFilterBytesMax), kFilterBytesMax, 1});
  }
  return Lexer(text).run();
}

}  // namespace caveat::cli
