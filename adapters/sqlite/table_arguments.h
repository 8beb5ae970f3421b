// What stands in the brackets of CREATE VIRTUAL TABLE e USING caveat('STORE', mode=ro, memory=64).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "adapters/sqlite/sql_error.h"
#include "caveat/options.h"

namespace caveat::sqlite {

enum class Access : unsigned char {
  read,    // ro: a copy, or the store as this process has it open
  write,   // rw: must be there
  create,  // rwc: made by CREATE VIRTUAL TABLE, if it is not there
};

struct TableArguments {
  std::string store;  // a path, or ":memory:" and perhaps a name
  Access access = Access::create;
  bool checked_inserts = false;           // inserts=checked
  std::optional<std::size_t> memory_mib;  // memory=64
  std::optional<Durability> durability;   // durability=fsync
  std::string key_file;                   // key_file='FILE'; empty: CAVEAT_KEY_FILE, if it is set

  [[nodiscard]] bool in_memory() const noexcept { return store.starts_with(":memory:"); }
};

// The arguments behind module, database and table name, as SQLite hands them in. The message names
// the argument at fault and what may stand there.
[[nodiscard]] SqlResult<TableArguments> parse_arguments(std::span<const char* const> arguments);

}  // namespace caveat::sqlite
