// INSERT, UPDATE and DELETE: SQL values made into a record, and the rules of keys.
#pragma once

#include <span>

#include "adapters/sqlite/session.h"

namespace caveat::sqlite {

// What SQLite does with a row whose key is there already.
enum class Conflict : unsigned char { replace, ignore, fail };

class RowWriter {
 public:
  // `plain`: of writes that say nothing of conflicts.
  RowWriter(Session& session, Conflict plain) : session_(session), plain_(plain) {}

  // `columns`: one for each column. SQLITE_CONSTRAINT, and nothing is written, where a value is
  // missing or not what its column holds, or the key is there and that is not allowed.
  [[nodiscard]] SqlResult<void> insert(std::span<sqlite3_value*> columns, int on_conflict);
  // What is not to change, SQLite marks; what is given as it shows does not change either.
  [[nodiscard]] SqlResult<void> update(sqlite3_value* old_key, std::span<sqlite3_value*> columns,
                                       int on_conflict);
  [[nodiscard]] SqlResult<void> remove(sqlite3_value* old_key);

 private:
  Session& session_;
  Conflict plain_;
};

}  // namespace caveat::sqlite
