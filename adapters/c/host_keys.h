// Keys that a host gives, as text or by a function.
#pragma once

#include <memory>

#include "caveat/c.h"
#include "caveat/encryption.h"

namespace caveat::c {

// Of caveat_options.keys and .key_provider; null where neither is given.
[[nodiscard]] Result<std::shared_ptr<const KeyProvider>> host_keys(const caveat_options& given);

// The same of options of which nothing else counts, not even the rest of their size.
[[nodiscard]] Result<std::shared_ptr<const KeyProvider>> host_keys(const caveat_options* given);

}  // namespace caveat::c
