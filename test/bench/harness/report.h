// Results as text.
#pragma once

#include <string>

#include "test/bench/harness/machine.h"

namespace peers {

std::string table(const json& res, const std::string& baseline);
// What each peer answered to each kind of query, and which peers agree.
std::string checksums(const json& res);

}  // namespace peers
