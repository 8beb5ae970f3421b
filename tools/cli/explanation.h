// How a store is laid out and why, as text and as JSON. Apart from the command, so that tests need
// no store.
#pragma once

#include <string>

#include "caveat/tuning.h"

namespace caveat::cli {

[[nodiscard]] std::string explanation_text(const TuningExplanation& explained);
[[nodiscard]] std::string explanation_json(const TuningExplanation& explained);

}  // namespace caveat::cli
