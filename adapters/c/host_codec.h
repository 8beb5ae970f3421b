// A codec whose functions are in C, behind the codec port.
#pragma once

#include <memory>

#include "caveat/c.h"
#include "caveat/codec.h"

namespace caveat::c {

[[nodiscard]] Result<std::shared_ptr<const CustomCompressor>> host_codec(const caveat_codec& given);

// From here on the host's release is called when the codec goes: the store that needs it is open.
// `codec` is one that host_codec has made.
void take_over(const CustomCompressor& codec) noexcept;

}  // namespace caveat::c
