// Values of properties as SQL values, and back. docs/sql.md has the table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/sqlite/sql_error.h"
#include "caveat/exception_view.h"

struct sqlite3_context;
struct sqlite3_value;

namespace caveat::sqlite {

// A value in the store's own encoding, without its tag.
struct StoredValue {
  ValueKind kind = ValueKind::Null;
  std::string payload;

  [[nodiscard]] ValueView view() const noexcept { return {kind, payload}; }
};

// "null", "boolean", "integer", "float", "string" or "list".
[[nodiscard]] std::string_view type_name(ValueKind kind) noexcept;

// Text where the bytes are UTF-8, else a blob.
void show_bytes(std::string_view bytes, sqlite3_context* context);
void show_value(const ValueView& value, sqlite3_context* context);

// Whether show_value(value) would give `shown`.
[[nodiscard]] bool shows_as(const ValueView& value, sqlite3_value* shown);

// Of TEXT or BLOB; valid as long as the value is left alone.
[[nodiscard]] std::string_view bytes_of(sqlite3_value* value);

// The integer that the value equals in SQL: 5, 5.0 and '5' are one. Nothing where there is none.
[[nodiscard]] std::optional<std::int64_t> integer_of(sqlite3_value* value);

// By the SQL type alone where `type` is null or NULL, else the type it names. SQLITE_CONSTRAINT,
// with the column's name in front, where that cannot be.
[[nodiscard]] SqlResult<StoredValue> stored_value(sqlite3_value* value, sqlite3_value* type,
                                                  std::string_view column);

}  // namespace caveat::sqlite
