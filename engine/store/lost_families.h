// Index families whose contents the backend had to give up.
//
// A backend that finds such a family damaged may empty it, since it can be derived. Before it does,
// it puts a key into meta: this prefix and the family's name. At its next recovery the engine marks
// the family incomplete, in the write that erases the key.
#pragma once

#include <string>

#include "caveat/kv_backend.h"

namespace caveat {

inline constexpr std::string_view kLostFamilyPrefix = "L";

[[nodiscard]] inline std::string lost_family_key(Family family) {
  return std::string(kLostFamilyPrefix) + std::string(to_string(family));
}

}  // namespace caveat
