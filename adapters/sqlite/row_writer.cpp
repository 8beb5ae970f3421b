#include "adapters/sqlite/row_writer.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/columns.h"
#include "adapters/sqlite/selection.h"
#include "adapters/sqlite/sqlite_api.h"
#include "adapters/sqlite/time_text.h"
#include "caveat/ports.h"

namespace caveat::sqlite {
namespace {

bool is_null(sqlite3_value* value) {
  return sqlite3_value_type(value) == SQLITE_NULL;
}
bool is_bytes(sqlite3_value* value) {
  return sqlite3_value_type(value) == SQLITE_TEXT || sqlite3_value_type(value) == SQLITE_BLOB;
}

SqlResult<std::int64_t> integer_from(sqlite3_value* value, Column column) {
  if (const auto integer = integer_of(value)) return *integer;
  return violates(fmt::format("{}: it holds integers of 64 bits", name_of(column)));
}

SqlResult<float> confidence_from(sqlite3_value* value) {
  const int type = sqlite3_value_numeric_type(value);
  const double number = sqlite3_value_double(value);
  if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !(number >= 0.0 && number <= 1.0)) {
    return violates("confidence: it is a number from 0 to 1");
  }
  return static_cast<float>(number) + 0.0F;
}

SqlResult<ExceptionSource> source_from(sqlite3_value* value) {
  const auto found = is_bytes(value) ? source_from_string(bytes_of(value)) : std::nullopt;
  if (found) return *found;
  return violates("source: it is Explicit, Detected, Promoted, Conflict or Imported");
}

SqlResult<std::int64_t> time_from(sqlite3_value* value) {
  const int type = sqlite3_value_type(value);
  if (type == SQLITE_INTEGER) return sqlite3_value_int64(value);
  const auto found = type == SQLITE_TEXT ? time_of(bytes_of(value)) : std::nullopt;
  if (!found) {
    return violates("created_at: it is RFC 3339 text such as 2022-01-31T12:00:00Z, or nanoseconds");
  }
  const auto nanoseconds = static_cast<std::int64_t>(*found);
  if (nanoseconds != *found) {
    return violates("created_at: times lie between 1677-09-21 and 2262-04-11");
  }
  return nanoseconds;
}

SqlResult<std::string> text_from(sqlite3_value* value, Column column) {
  // As a column of text keeps numbers.
  if (!is_null(value)) return std::string(bytes_of(value));
  return violates(fmt::format("{}: it may not be NULL", name_of(column)));
}

SqlResult<ExceptionKey> key_from(sqlite3_value* value) {
  if (sqlite3_value_type(value) == SQLITE_BLOB) {
    if (const auto found = key_of_bytes(bytes_of(value))) return *found;
  }
  return violates("key: it is a blob of 16 bytes");
}

// The columns of one write. `before` is what an UPDATE finds.
class Columns {
 public:
  Columns(std::span<sqlite3_value*> values, Session& session,
          const std::optional<ExceptionRecord>& before)
      : values_(values),
        session_(session),
        before_(before),
        copied_(before.has_value() && std::none_of(values.begin(), values.end(), [](auto* value) {
                  return sqlite3_value_nochange(value) != 0;
                })) {}

  [[nodiscard]] SqlResult<ExceptionKey> key_of_row();
  [[nodiscard]] SqlResult<PendingRowPtr> row();

 private:
  [[nodiscard]] sqlite3_value* at(Column column) const {
    return values_[static_cast<std::size_t>(column)];
  }
  // Of an INSERT: that says nothing, so the default holds.
  [[nodiscard]] bool left_out(Column column) const {
    return before_ ? sqlite3_value_nochange(at(column)) != 0 : is_null(at(column));
  }
  [[nodiscard]] SqlResult<StoredValue> value(Column column, Column type,
                                             const PropertyValue& before) const;
  [[nodiscard]] SqlResult<std::int64_t> created_at() const;
  [[nodiscard]] SqlResult<PropertyHash> property();

  std::span<sqlite3_value*> values_;
  Session& session_;
  const std::optional<ExceptionRecord>& before_;
  bool copied_;  // UPDATE ... FROM gives every column, changed or not
};

SqlResult<PropertyHash> Columns::property() {
  std::optional<PropertyHash> by_hash;
  std::optional<PropertyHash> by_name;
  if (!left_out(Column::property_hash)) {
    CAVEAT_ASSIGN(const auto hash, integer_from(at(Column::property_hash), Column::property_hash));
    by_hash = static_cast<PropertyHash>(hash);
  }
  if (!left_out(Column::property)) {
    if (!is_null(at(Column::property))) {
      CAVEAT_ASSIGN(by_name, session_.use_property(bytes_of(at(Column::property))));
    } else if (session_.property_name(before_->key.property_hash) != nullptr) {
      return violates("property: a name cannot be taken away");
    }
  }
  if (before_) {
    // What is given as it was does not change; so the other one counts.
    const auto old = before_->key.property_hash;
    if (by_name && *by_name != old && by_hash == old) by_hash.reset();
    if (by_hash && *by_hash != old && by_name == old) by_name.reset();
  }
  if (by_hash && by_name && *by_hash != *by_name) {
    return violates("property_hash: it is not that of the property's name");
  }
  if (by_name) return *by_name;
  if (by_hash) return *by_hash;
  if (before_) return before_->key.property_hash;
  return violates("property: it may not be NULL, unless property_hash is given");
}

SqlResult<ExceptionKey> Columns::key_of_row() {
  std::optional<ExceptionKey> given;
  if (!left_out(Column::key)) {
    CAVEAT_ASSIGN(given, key_from(at(Column::key)));
    if (before_ && *given == before_->key) given.reset();
  }
  ExceptionKey made;
  const bool no_parts =
      left_out(Column::node) && left_out(Column::property) && left_out(Column::property_hash);
  if (given && no_parts) return *given;
  if (left_out(Column::node)) {
    if (!before_) return violates("node: it may not be NULL");
    made.node_id = before_->key.node_id;
  } else {
    CAVEAT_ASSIGN(const auto node, integer_from(at(Column::node), Column::node));
    made.node_id = static_cast<NodeId>(node);
  }
  CAVEAT_ASSIGN(made.property_hash, property());
  if (given && *given != made) return violates("key: it is not that of node and property");
  return made;
}

SqlResult<StoredValue> Columns::value(Column column, Column type,
                                      const PropertyValue& before) const {
  StoredValue old{before.kind(), {}};
  encode_payload(before, old.payload);
  auto* named = left_out(type) ? nullptr : at(type);
  // A value that is there by way of a copy, as in UPDATE ... FROM, has the type that shows.
  const bool same = !before_ ? false : left_out(column) ? true : shows_as(old.view(), at(column));
  if (same && (named == nullptr || bytes_of(named) == type_name(old.kind))) return old;
  if (copied_ && named != nullptr && bytes_of(named) == type_name(old.kind)) {
    // The type that was there, if the new value can be of it.
    if (auto made = stored_value(at(column), named, name_of(column))) return made;
    named = nullptr;
  }
  if (!left_out(column) || !before_) return stored_value(at(column), named, name_of(column));
  // Only the type changes.
  return violates(
      fmt::format("{}: to change its type, set {} as well", name_of(type), name_of(column)));
}

SqlResult<std::int64_t> Columns::created_at() const {
  std::optional<std::int64_t> by_text;
  std::optional<std::int64_t> by_number;
  if (!left_out(Column::created_at)) {
    CAVEAT_ASSIGN(by_text, time_from(at(Column::created_at)));
  }
  if (!left_out(Column::created_at_ns)) {
    CAVEAT_ASSIGN(by_number, integer_from(at(Column::created_at_ns), Column::created_at_ns));
  }
  if (before_) {
    const auto old = before_->exception.created_at;
    if (by_text == old) by_text.reset();
    if (by_number == old) by_number.reset();
  }
  if (by_text && by_number && *by_text != *by_number) {
    return violates("created_at_ns: it is not the time of created_at");
  }
  if (by_text) return *by_text;
  if (by_number) return *by_number;
  return before_ ? before_->exception.created_at : system_clock().now_ns();
}

SqlResult<PendingRowPtr> Columns::row() {
  static const Exception kDefaults;
  const Exception& before = before_ ? before_->exception : kDefaults;
  auto made = std::make_shared<PendingRow>();
  CAVEAT_ASSIGN(made->inherited,
                value(Column::inherited, Column::inherited_type, before.inherited_value));
  CAVEAT_ASSIGN(made->actual, value(Column::actual, Column::actual_type, before.actual_value));
  CAVEAT_ASSIGN(made->created_at, created_at());
  made->reason = before.reason;
  if (!left_out(Column::reason)) {
    CAVEAT_ASSIGN(made->reason, text_from(at(Column::reason), Column::reason));
  }
  made->source = before.source;
  if (!left_out(Column::source)) {
    CAVEAT_ASSIGN(made->source, source_from(at(Column::source)));
  }
  made->confidence = before.confidence;
  if (!left_out(Column::confidence)) {
    CAVEAT_ASSIGN(made->confidence, confidence_from(at(Column::confidence)));
  }
  return PendingRowPtr(std::move(made));
}

Conflict conflict_of(int on_conflict, Conflict plain) noexcept {
  switch (on_conflict) {
    case SQLITE_REPLACE:
      return Conflict::replace;
    case SQLITE_IGNORE:
      return Conflict::ignore;
    case SQLITE_FAIL:
    case SQLITE_ROLLBACK:
      return Conflict::fail;
    default:
      return plain;
  }
}

tl::unexpected<SqlError> taken(const ExceptionKey& key) {
  return violates(fmt::format("key: there is an exception of node {} and property_hash {} already",
                              static_cast<std::int64_t>(key.node_id),
                              static_cast<std::int64_t>(key.property_hash)));
}

}  // namespace

SqlResult<void> RowWriter::insert(std::span<sqlite3_value*> columns, int on_conflict) {
  const std::optional<ExceptionRecord> nothing;
  Columns row(columns, session_, nothing);
  CAVEAT_ASSIGN(const auto key, row.key_of_row());
  CAVEAT_ASSIGN(auto made, row.row());
  if (conflict_of(on_conflict, plain_) != Conflict::replace) {
    CAVEAT_ASSIGN(const bool there, session_.contains(key));
    if (there) return taken(key);  // SQLite passes over it where it is to be ignored
  }
  return session_.store_row(key, std::move(made));
}

SqlResult<void> RowWriter::update(sqlite3_value* old_key, std::span<sqlite3_value*> columns,
                                  int on_conflict) {
  CAVEAT_ASSIGN(const auto was, key_from(old_key));
  CAVEAT_ASSIGN(const auto before, session_.find(was));
  if (!before) return {};
  Columns row(columns, session_, before);
  CAVEAT_ASSIGN(const auto key, row.key_of_row());
  CAVEAT_ASSIGN(auto made, row.row());
  if (key != was) {
    // Always looked up: rows that move over each other would be lost without a word.
    CAVEAT_ASSIGN(const bool there, session_.contains(key));
    if (there && conflict_of(on_conflict, Conflict::fail) != Conflict::replace) return taken(key);
    CAVEAT_TRY(session_.store_row(key, std::move(made)));
    return session_.remove_row(was);
  }
  return session_.store_row(key, std::move(made));
}

SqlResult<void> RowWriter::remove(sqlite3_value* old_key) {
  CAVEAT_ASSIGN(const auto was, key_from(old_key));
  return session_.remove_row(was);
}

}  // namespace caveat::sqlite
