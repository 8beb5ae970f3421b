// verify: everything read, everything compared.
#pragma once

#include "caveat/statistics.h"
#include "engine/store/core.h"

namespace caveat {

// Works on one version; the store may be in use. Each partition's checksums, order, bounds and
// values; each index against the partitions both ways; the directory's counts; recent writes in
// memory and in the log. Errors are listed, not returned: what is returned is `cancelled`. An index
// that cannot be read is marked, as by a query.
[[nodiscard]] Result<VerificationResults> verify_store(Core& core, const ReadView& view,
                                                       ProgressSink* progress);

}  // namespace caveat
