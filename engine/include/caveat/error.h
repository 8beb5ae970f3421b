// What can go wrong, as values.
//
// Every call of caveat that can fail returns Result<T>. Nothing in the library prints, exits or
// aborts, and no exception crosses the API save std::bad_alloc. A Result that is not read is a
// warning, and warnings fail the build.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace caveat {

// Each code says what the caller can do next.
enum class ErrorCode : std::uint8_t {
  invalid_argument = 1,  // the call's arguments break a documented rule; correct them
  not_found,             // a thing named by the caller (path, property, codec) is not there
  already_exists,        // a thing to be made is there already
  hash_collision,        // two property names have one hash; rename one (the message names both)
  limit_exceeded,        // too long, too deep or too many; the message names the limit
  corruption,            // stored bytes fail a check; the message names family, key and field
  codec_missing,         // a block's codec id is not registered; register it and repeat
  unsupported_format,    // the store was written by a newer version, or is no caveat store
  locked,                // another process has the directory open; the message names its pid
  io_error,              // the file system said no; repeat after mending it
  no_space,              // the disk is full; reads go on, writes resume when there is room
  read_only,             // the store was opened read-only, or a fault made it so; reopen
  busy,                  // a conflicting write or a stall outlasted the wait; repeat
  cancelled,             // the ProgressSink asked to stop; what was committed stays
  closed,                // the store was closed
  internal,              // a bug in caveat; please report the message
  key_missing,           // the store is encrypted with a key that was not given; give it, reopen
  wrong_key,             // a key with the right id is another one; find the right one
};

// The code's name as written above, for logs and for JSON.
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

// A code and one sentence for people. The sentence names the file, line, block or field at fault.
class [[nodiscard]] StorageError {
 public:
  // The message is a sentence for people, without a full stop.
  StorageError(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] ErrorCode code() const noexcept { return code_; }  // what a program decides by
  // For people; may change between versions.
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

  // The same error with where it happened put in front, unless it says so already:
  // "primary 0x12: checksum ...".
  [[nodiscard]] StorageError within(std::string_view where) const {
    if (message_.starts_with(where)) return *this;
    return {code_, std::string(where) + ": " + message_};
  }

 private:
  ErrorCode code_;
  std::string message_;
};

// A value, or why there is none.
template <class T>
using Result = tl::expected<T, StorageError>;

// The failed Result, for `return fail(ErrorCode::corruption, "...")`.
[[nodiscard]] inline tl::unexpected<StorageError> fail(ErrorCode code, std::string message) {
  return tl::make_unexpected(StorageError(code, std::move(message)));
}
[[nodiscard]] inline tl::unexpected<StorageError> fail(StorageError error) {
  return tl::make_unexpected(std::move(error));
}

}  // namespace caveat

// Propagation, for functions that return Result themselves.
//   CAVEAT_TRY(expression);                 returns the error, drops the value
//   CAVEAT_ASSIGN(auto x, expression);      returns the error, or declares x
#define CAVEAT_CONCAT_IMPL(a, b) a##b
// One name of two.
#define CAVEAT_CONCAT(a, b) CAVEAT_CONCAT_IMPL(a, b)
// For CAVEAT_TRY.
#define CAVEAT_TRY_IMPL(name, expression)                  \
  do {                                                     \
    auto name = (expression);                              \
    if (!name) [[unlikely]]                                \
      return tl::make_unexpected(std::move(name).error()); \
  } while (false)
// Returns the error of a Result from the function around it, or drops the value.
#define CAVEAT_TRY(expression) CAVEAT_TRY_IMPL(CAVEAT_CONCAT(caveat_try_, __COUNTER__), expression)
// For CAVEAT_ASSIGN.
#define CAVEAT_ASSIGN_IMPL(name, declaration, expression) \
  auto name = (expression);                               \
  if (!name) [[unlikely]]                                 \
    return tl::make_unexpected(std::move(name).error());  \
  declaration = std::move(*name)
// Returns the error of a Result, or declares what has its value.
#define CAVEAT_ASSIGN(declaration, expression) \
  CAVEAT_ASSIGN_IMPL(CAVEAT_CONCAT(caveat_result_, __LINE__), declaration, expression)
