// What goes wrong below SQL: one of SQLite's result codes, and our sentence.
#pragma once

#include <string>
#include <utility>

#include "caveat/error.h"

namespace caveat::sqlite {

struct [[nodiscard]] SqlError {
  SqlError(int sqlite_code, std::string sentence)
      : code(sqlite_code), message(std::move(sentence)) {}
  SqlError(const StorageError& error);  // docs/sql.md lists which code becomes which

  int code;
  std::string message;
};

template <class T>
using SqlResult = tl::expected<T, SqlError>;

[[nodiscard]] inline tl::unexpected<SqlError> sql_fail(int code, std::string message) {
  return tl::make_unexpected(SqlError(code, std::move(message)));
}
// SQLITE_CONSTRAINT: what INSERT OR IGNORE and its like heed.
[[nodiscard]] tl::unexpected<SqlError> violates(std::string message);

}  // namespace caveat::sqlite
