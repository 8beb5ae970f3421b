// What stands behind a field's comparison, read as that field needs it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "tools/cli/filter/lexer.h"

namespace caveat::cli {

enum class Field : std::uint8_t {
  node,
  property,
  property_hash,
  source,
  confidence,
  created_at,
  inherited,
  actual,
  reason
};

[[nodiscard]] std::optional<Field> field_of(const Token& token);
[[nodiscard]] const std::vector<std::string>& field_names();

enum class Operator : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  contains
};

// A list's operand has entries; all others are one token.
struct Operand {
  Token token;
  std::optional<PropertyValue> list;
};

using Made = tl::expected<Condition, FilterError>;

// FIELD OPERATOR OPERAND
[[nodiscard]] Made comparison(Field field, const Token& name, Operator how, const Operand& operand);
// FIELD between LOW and HIGH
[[nodiscard]] Made between(Field field, const Token& name, const Operand& low, const Operand& high);

// The value that a token means where any kind of value may stand.
[[nodiscard]] tl::expected<PropertyValue, FilterError> value_of(const Token& token);

}  // namespace caveat::cli
