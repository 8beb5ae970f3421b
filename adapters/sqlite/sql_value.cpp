#include "adapters/sqlite/sql_value.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

#include "adapters/json/json_text.h"
#include "adapters/json/json_value.h"
#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

// How SQLite marks text that is JSON: its functions then nest it instead of quoting it.
constexpr unsigned kJsonSubtype = 'J';

constexpr double kTwoTo63 = 9223372036854775808.0;

constexpr std::array<std::string_view, 6> kTypeNames = {"null",  "boolean", "integer",
                                                        "float", "string",  "list"};

std::optional<ValueKind> kind_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<ValueKind>(i);
  }
  return std::nullopt;
}

std::string json_of(const ValueView& list) {
  std::string text;
  json::append_json_value(list, text);
  return text;
}

StoredValue encoded(const PropertyValue& value) {
  StoredValue stored{value.kind(), {}};
  encode_payload(value, stored.payload);
  return stored;
}

SqlResult<StoredValue> list_of(std::string_view text, std::string_view column) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(text);
  simdjson::dom::element element;
  if (parser.parse(padded).get(element) != simdjson::SUCCESS || !element.is_array()) {
    return violates(fmt::format("{}: a list is a JSON array", column));
  }
  std::string plain;
  if (const auto done = json::encode_json_value(element, 0, plain); !done) {
    return violates(fmt::format("{}: {}", column, done.error().message()));
  }
  std::string_view rest = plain;
  const auto view = decode_value(rest);
  if (!view) return violates(fmt::format("{}: {}", column, view.error().message()));
  return StoredValue{view->kind(), std::string(view->payload())};
}

ValueKind natural_kind(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return ValueKind::Integer;
    case SQLITE_FLOAT:
      return ValueKind::Float;
    case SQLITE_TEXT:
      if (sqlite3_value_subtype(value) == kJsonSubtype && bytes_of(value).starts_with('[')) {
        return ValueKind::List;
      }
      return ValueKind::String;
    case SQLITE_BLOB:
      return ValueKind::String;
    default:
      return ValueKind::Null;
  }
}

bool can_be(ValueKind kind, sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  switch (kind) {
    case ValueKind::Null:
      return type == SQLITE_NULL;
    case ValueKind::Boolean:
      return type == SQLITE_INTEGER &&
             (sqlite3_value_int64(value) == 0 || sqlite3_value_int64(value) == 1);
    case ValueKind::Integer:
      return type == SQLITE_INTEGER;
    case ValueKind::Float:  // SQL has no NaN: it shows as NULL
      return type == SQLITE_INTEGER || type == SQLITE_FLOAT || type == SQLITE_NULL;
    case ValueKind::String:
      return type == SQLITE_TEXT || type == SQLITE_BLOB;
    case ValueKind::List:
      return type == SQLITE_TEXT;
  }
  return false;
}

}  // namespace

std::string_view type_name(ValueKind kind) noexcept {
  return kTypeNames[static_cast<std::size_t>(kind)];
}

std::string_view bytes_of(sqlite3_value* value) {
  const void* bytes = sqlite3_value_type(value) == SQLITE_BLOB
                          ? sqlite3_value_blob(value)
                          : static_cast<const void*>(sqlite3_value_text(value));
  if (bytes == nullptr) return {};
  return {static_cast<const char*>(bytes), static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::optional<std::int64_t> integer_of(sqlite3_value* value) {
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
      return sqlite3_value_int64(value);
    case SQLITE_FLOAT: {
      const double number = sqlite3_value_double(value);
      if (number != std::floor(number) || number < -kTwoTo63 || number >= kTwoTo63)
        return std::nullopt;
      return static_cast<std::int64_t>(number);
    }
    default:
      return std::nullopt;
  }
}

void show_bytes(std::string_view bytes, sqlite3_context* context) {
  const char* data = bytes.empty() ? "" : bytes.data();
  if (json::is_utf8(bytes)) {
    sqlite3_result_text64(context, data, bytes.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  } else {
    sqlite3_result_blob64(context, data, bytes.size(), SQLITE_TRANSIENT);
  }
}

void show_value(const ValueView& value, sqlite3_context* context) {
  switch (value.kind()) {
    case ValueKind::Null:
      return sqlite3_result_null(context);
    case ValueKind::Boolean:
      return sqlite3_result_int(context, value.as_boolean() ? 1 : 0);
    case ValueKind::Integer:
      return sqlite3_result_int64(context, value.as_integer());
    case ValueKind::Float:
      return sqlite3_result_double(context, value.as_float());
    case ValueKind::String:
      return show_bytes(value.as_string(), context);
    case ValueKind::List: {
      const auto text = json_of(value);
      sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
      return sqlite3_result_subtype(context, kJsonSubtype);
    }
  }
}

bool shows_as(const ValueView& value, sqlite3_value* shown) {
  const int type = sqlite3_value_type(shown);
  switch (value.kind()) {
    case ValueKind::Null:
      return type == SQLITE_NULL;
    case ValueKind::Boolean:
      return type == SQLITE_INTEGER && sqlite3_value_int64(shown) == (value.as_boolean() ? 1 : 0);
    case ValueKind::Integer:
      return type == SQLITE_INTEGER && sqlite3_value_int64(shown) == value.as_integer();
    case ValueKind::Float:
      if (std::isnan(value.as_float())) return type == SQLITE_NULL;
      return type == SQLITE_FLOAT && sqlite3_value_double(shown) == value.as_float();
    case ValueKind::String:
      return (type == SQLITE_TEXT || type == SQLITE_BLOB) &&
             (type == SQLITE_TEXT) == json::is_utf8(value.as_string()) &&
             bytes_of(shown) == value.as_string();
    case ValueKind::List:
      return type == SQLITE_TEXT && bytes_of(shown) == json_of(value);
  }
  return false;
}

SqlResult<StoredValue> stored_value(sqlite3_value* value, sqlite3_value* type,
                                    std::string_view column) {
  auto kind = natural_kind(value);
  if (type != nullptr && sqlite3_value_type(type) != SQLITE_NULL) {
    const auto named = kind_named(bytes_of(type));
    if (!named) {
      return violates(
          fmt::format("{}_type: \"{}\" is not null, boolean, integer, float, string or list",
                      column, bytes_of(type)));
    }
    if (!can_be(*named, value)) {
      return violates(fmt::format("{}: this value is no {}", column, type_name(*named)));
    }
    kind = *named;
  }
  switch (kind) {
    case ValueKind::Null:
      return StoredValue{};
    case ValueKind::Boolean:
      return encoded(sqlite3_value_int64(value) != 0);
    case ValueKind::Integer:
      return encoded(std::int64_t{sqlite3_value_int64(value)});
    case ValueKind::Float:
      if (sqlite3_value_type(value) == SQLITE_NULL) {
        return encoded(std::numeric_limits<double>::quiet_NaN());
      }
      return encoded(sqlite3_value_double(value));
    case ValueKind::String:
      return encoded(bytes_of(value));
    case ValueKind::List:
      return list_of(bytes_of(value), column);
  }
  return StoredValue{};
}

}  // namespace caveat::sqlite
