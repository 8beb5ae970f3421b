// verify: everything read, everything compared.
#pragma once

#include "caveat/statistics.h"
#include "engine/store/core.h"

namespace caveat {

// Works on one version; the store may be in use. Each partition's checksums, order, bounds and
// values; each index against the partitions both ways; the directory's counts. Errors are listed,
// not returned: what is returned is `cancelled`, or a backend that cannot be read at all.
[[nodiscard]] Result<VerificationResults> verify_store(const Core& core, const ReadView& view,
                                                       ProgressSink* progress);

}  // namespace caveat
