// The columns of a table of exceptions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace caveat::sqlite {

enum class Column : int {
  node,
  property,
  property_hash,
  inherited,
  actual,
  reason,
  source,
  created_at,
  confidence,
  // Hidden: there when they are named.
  created_at_ns,
  inherited_type,
  actual_type,
  key,
};
inline constexpr std::array<std::string_view, 13> kColumnNames = {
    "node",   "property",   "property_hash", "inherited",     "actual",         "reason",
    "source", "created_at", "confidence",    "created_at_ns", "inherited_type", "actual_type",
    "key"};
inline constexpr std::size_t kColumnCount = kColumnNames.size();

[[nodiscard]] constexpr std::string_view name_of(Column column) noexcept {
  return kColumnNames[static_cast<std::size_t>(column)];
}
[[nodiscard]] constexpr std::optional<Column> column_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    if (kColumnNames[i] == name) return static_cast<Column>(i);
  }
  return std::nullopt;
}

inline constexpr const char* kTimeCollation = "caveat_time";

// A key has 128 bits and a rowid 64, so the table has none. SQLite wants one column for the primary
// key of a table that can be written; the order of its bytes is the order of the store.
inline constexpr const char* kDeclaration =
    "CREATE TABLE exceptions("
    "node INTEGER NOT NULL, property TEXT, property_hash INTEGER NOT NULL, inherited, actual,"
    " reason TEXT NOT NULL, source TEXT NOT NULL, created_at TEXT NOT NULL COLLATE caveat_time,"
    " confidence REAL NOT NULL, created_at_ns INTEGER HIDDEN NOT NULL,"
    " inherited_type TEXT HIDDEN NOT NULL, actual_type TEXT HIDDEN NOT NULL,"
    " key BLOB HIDDEN NOT NULL PRIMARY KEY) WITHOUT ROWID";

}  // namespace caveat::sqlite
