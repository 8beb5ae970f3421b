// caveat_options as the engine's options.
#pragma once

#include "caveat/c.h"
#include "caveat/options.h"

namespace caveat::c {

// Null: the defaults. Codecs and callbacks are wrapped; the options own the wrappers.
[[nodiscard]] Result<Options> options_of(const caveat_options* given);

// As far as the caller's header and this one both know them.
[[nodiscard]] Result<caveat_options> read_options(const caveat_options* given);

// CAVEAT_DURABILITY_...
[[nodiscard]] Result<WriteOptions> write_options(std::int32_t durability);

}  // namespace caveat::c
