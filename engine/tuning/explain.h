// What is in force and why, in sentences.
#pragma once

#include <vector>

#include "caveat/tuning.h"
#include "engine/tuning/tuning_in_force.h"

namespace caveat {

// The options of the layout. `records`: in the store now; `damage`: why a choice of before is lost.
[[nodiscard]] std::vector<TunedOption> explain_layout(const LayoutInForce& in_force,
                                                      const Options& options, std::uint64_t records,
                                                      const std::optional<StorageError>& damage);

// "112 KiB", "8 KiB", "1.5 MiB"; "none" for 0.
[[nodiscard]] std::string kib_text(std::uint64_t bytes);

}  // namespace caveat
