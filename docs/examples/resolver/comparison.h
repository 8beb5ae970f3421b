// Holds the host's answers against the locale files.
#pragma once

#include <cstddef>
#include <iosfwd>

#include "host.h"
#include "locales.h"

namespace resolver {

// Asks every `every`th locale for every path that any locale states, and every exception that the
// files hold for what it says was inherited. Prints figures, and the first answers that are wrong.
// True if none is.
[[nodiscard]] bool compare(std::ostream& out, const Locales& locales,
                           caveat::StorageOptimizer& store, Host& host, std::size_t every);

// Prints each node that is asked for one value, and what it says.
void show_the_way(std::ostream& out, const Locales& locales, const caveat::StorageOptimizer& store,
                  Host& host, LocaleId locale, PathId path);

}  // namespace resolver
