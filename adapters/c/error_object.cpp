#include "adapters/c/error_object.h"

#include <fmt/format.h>

#include <utility>

// The codes of C are those of C++, and one more.
#define CAVEAT_SAME_CODE(c, cpp) static_assert((c) == static_cast<int>(caveat::ErrorCode::cpp))
CAVEAT_SAME_CODE(CAVEAT_INVALID_ARGUMENT, invalid_argument);
CAVEAT_SAME_CODE(CAVEAT_NOT_FOUND, not_found);
CAVEAT_SAME_CODE(CAVEAT_ALREADY_EXISTS, already_exists);
CAVEAT_SAME_CODE(CAVEAT_HASH_COLLISION, hash_collision);
CAVEAT_SAME_CODE(CAVEAT_LIMIT_EXCEEDED, limit_exceeded);
CAVEAT_SAME_CODE(CAVEAT_CORRUPTION, corruption);
CAVEAT_SAME_CODE(CAVEAT_CODEC_MISSING, codec_missing);
CAVEAT_SAME_CODE(CAVEAT_UNSUPPORTED_FORMAT, unsupported_format);
CAVEAT_SAME_CODE(CAVEAT_LOCKED, locked);
CAVEAT_SAME_CODE(CAVEAT_IO_ERROR, io_error);
CAVEAT_SAME_CODE(CAVEAT_NO_SPACE, no_space);
CAVEAT_SAME_CODE(CAVEAT_READ_ONLY, read_only);
CAVEAT_SAME_CODE(CAVEAT_BUSY, busy);
CAVEAT_SAME_CODE(CAVEAT_CANCELLED, cancelled);
CAVEAT_SAME_CODE(CAVEAT_CLOSED, closed);
CAVEAT_SAME_CODE(CAVEAT_INTERNAL, internal);
CAVEAT_SAME_CODE(CAVEAT_KEY_MISSING, key_missing);
CAVEAT_SAME_CODE(CAVEAT_WRONG_KEY, wrong_key);

namespace caveat::c {
namespace {

// The one error that needs no heap: its text is short enough to lie in the string itself. It is
// never destroyed, for a host may look at it while the process ends.
caveat_error& no_memory() noexcept {
  alignas(caveat_error) static unsigned char place[sizeof(caveat_error)];
  static caveat_error* const error =
      new (place) caveat_error{CAVEAT_OUT_OF_MEMORY, "no memory left"};
  return *error;
}

}  // namespace

caveat_code give_error(caveat_error** out, StorageError error) noexcept {
  const auto code = static_cast<caveat_code>(error.code());
  if (out == nullptr) return code;
  *out = new (std::nothrow) caveat_error{code, {}};
  if (*out == nullptr) return give_out_of_memory(out);
  try {
    (*out)->message = error.message();
  } catch (const std::bad_alloc&) {
    delete *out;
    return give_out_of_memory(out);
  }
  return code;
}

caveat_code give_out_of_memory(caveat_error** out) noexcept {
  if (out != nullptr) *out = &no_memory();
  return CAVEAT_OUT_OF_MEMORY;
}

caveat_code give_unexpected(caveat_error** out, const char* what) noexcept {
  try {
    return give_error(out, {ErrorCode::internal, what});
  } catch (const std::bad_alloc&) {
    return give_out_of_memory(out);
  }
}

Result<void> need(const void* argument, const char* name) {
  if (argument != nullptr) [[likely]]
    return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{} is NULL", name));
}

}  // namespace caveat::c

using namespace caveat;

caveat_code caveat_error_code(const caveat_error* error) {
  return error == nullptr ? CAVEAT_OK : error->code;
}

const char* caveat_error_message(const caveat_error* error) {
  return error == nullptr ? "" : error->message.c_str();
}

void caveat_error_free(caveat_error* error) {
  if (error != &c::no_memory()) delete error;
}

const char* caveat_code_name(caveat_code code) {
  if (code == CAVEAT_OK) return "ok";
  if (code == CAVEAT_OUT_OF_MEMORY) return "out_of_memory";
  if (code < CAVEAT_INVALID_ARGUMENT || code > CAVEAT_WRONG_KEY) return "unknown";
  // Literals, so a zero is behind them.
  return to_string(static_cast<ErrorCode>(code)).data();
}
