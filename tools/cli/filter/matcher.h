// Does a record meet a condition? The exact answer, whatever an index has said.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "caveat/exception_view.h"
#include "tools/cli/filter/condition.h"

namespace caveat::cli {

// A property's name, if it has one. Called only for conditions on parts of names.
using NameOf = std::function<const std::optional<std::string>&(PropertyHash)>;

[[nodiscard]] bool matches(const Condition& condition, const ExceptionView& record,
                           const NameOf& name_of);

}  // namespace caveat::cli
