// The border: what every call does about failure.
#pragma once

#include <new>
#include <string>

#include "caveat/c.h"
#include "caveat/error.h"

struct caveat_error {
  caveat_code code;
  std::string message;
};

namespace caveat::c {

// Each hands the error to the caller, if he wants it, and returns its code.
[[nodiscard]] caveat_code give_error(caveat_error** out, StorageError error) noexcept;
[[nodiscard]] caveat_code give_out_of_memory(caveat_error** out) noexcept;
// For what nothing of ours throws, but a library under it might.
[[nodiscard]] caveat_code give_unexpected(caveat_error** out, const char* what) noexcept;

// Runs the body of a call, which returns Result<void>. Nothing leaves but a code.
template <class Body>
[[nodiscard]] caveat_code guarded(caveat_error** error, Body&& body) noexcept {
  if (error != nullptr) *error = nullptr;
  try {
    Result<void> done = body();
    if (done) [[likely]]
      return CAVEAT_OK;
    return give_error(error, std::move(done).error());
  } catch (const std::bad_alloc&) {
    return give_out_of_memory(error);
  } catch (const std::exception& e) {
    return give_unexpected(error, e.what());
  } catch (...) {
    return give_unexpected(error, "an exception of an unknown kind");
  }
}

// CAVEAT_INVALID_ARGUMENT where the pointer is null.
[[nodiscard]] Result<void> need(const void* argument, const char* name);

}  // namespace caveat::c
