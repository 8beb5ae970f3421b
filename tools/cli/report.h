// What goes wrong, said on standard error.
#pragma once

#include <string>

#include "caveat/error.h"

namespace caveat::cli {

// One sentence, and the lines that show_with_error() left, if any.
void report_error(const StorageError& error);

// Lines that show where the next error is, as under a filter's text.
void show_with_error(std::string lines);

// Of what a signal has stopped, `rest` says what was done and what was not; all other errors stay.
[[nodiscard]] StorageError interrupted(const StorageError& error, const std::string& rest);

}  // namespace caveat::cli
