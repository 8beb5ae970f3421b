#include "adapters/sqlite/sql_error.h"

#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

int sqlite_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
      return SQLITE_CANTOPEN;
    case ErrorCode::hash_collision:
      return SQLITE_CONSTRAINT;
    case ErrorCode::limit_exceeded:
      return SQLITE_TOOBIG;
    case ErrorCode::corruption:
      return SQLITE_CORRUPT_VTAB;
    case ErrorCode::unsupported_format:
      return SQLITE_NOTADB;
    case ErrorCode::locked:
    case ErrorCode::busy:
      return SQLITE_BUSY;
    case ErrorCode::io_error:
      return SQLITE_IOERR;
    case ErrorCode::no_space:
      return SQLITE_FULL;
    case ErrorCode::read_only:
      return SQLITE_READONLY;
    case ErrorCode::cancelled:
      return SQLITE_INTERRUPT;
    case ErrorCode::key_missing:
    case ErrorCode::wrong_key:
      return SQLITE_AUTH;
    case ErrorCode::internal:
      return SQLITE_INTERNAL;
    case ErrorCode::invalid_argument:
    case ErrorCode::codec_missing:
    case ErrorCode::closed:
      break;
  }
  return SQLITE_ERROR;
}

}  // namespace

SqlError::SqlError(const StorageError& error)
    : code(sqlite_code(error.code())), message(error.message()) {}

tl::unexpected<SqlError> violates(std::string message) {
  return sql_fail(SQLITE_CONSTRAINT, std::move(message));
}

}  // namespace caveat::sqlite
