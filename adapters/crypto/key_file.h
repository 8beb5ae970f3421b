// Keys in a file, for ways in that take the name of one.
#pragma once

#include <memory>
#include <string>

#include "caveat/encryption.h"

namespace caveat {

// The keys in the file (KeyRing::parse), or, where the name is empty, in the one that the
// environment's CAVEAT_KEY_FILE names; null where there is neither. not_found, or
// invalid_argument naming the line.
[[nodiscard]] Result<std::shared_ptr<const KeyProvider>> keys_in_file(std::string path);

}  // namespace caveat
