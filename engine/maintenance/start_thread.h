// Starts a thread of the store's own, where the system has one.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "caveat/error.h"

namespace caveat {

// limit_exceeded where there is no thread more; `what` it was for.
template <class Run>
[[nodiscard]] Result<void> start_thread(std::thread& thread, std::string_view what, Run&& run) {
  try {
    thread = std::thread(std::forward<Run>(run));
  } catch (const std::system_error& e) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("threads: the system has none for {}: {}", what, e.code().message()));
  }
  return {};
}

}  // namespace caveat
