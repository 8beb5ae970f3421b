#include "tools/cli/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {
namespace {

std::string& lines_to_show() {
  static std::string lines;
  return lines;
}

}  // namespace

void report_error(const StorageError& error) {
  auto message = error.message();
  std::replace(message.begin(), message.end(), '\n', ' ');
  const Style style(stderr);
  tell_user(fmt::format("{} {}\n{}", style.error("caveat:"), printable(message),
                        std::exchange(lines_to_show(), {})));
}

void show_with_error(std::string lines) {
  lines_to_show() = std::move(lines);
}

StorageError interrupted(const StorageError& error, const std::string& rest) {
  if (error.code() != ErrorCode::cancelled || !stop_requested()) return error;
  return {ErrorCode::cancelled, "interrupted: " + rest};
}

}  // namespace caveat::cli
