// Strings that a call hands out: on C's heap, with a zero behind them.
#pragma once

#include <string_view>

#include "caveat/c.h"

namespace caveat::c {

[[nodiscard]] caveat_string copy_of(std::string_view text);

}  // namespace caveat::c
