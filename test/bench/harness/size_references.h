// What the records weigh in general-purpose compressors: what a store's size is held against.
#pragma once

#include "test/bench/data/dataset.h"
#include "test/bench/harness/config.h"
#include "test/bench/harness/machine.h"

namespace peers {

json size_refs(const Config& c, const Dataset& d);

}  // namespace peers
