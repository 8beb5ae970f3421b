// Clears that wait to be applied, written down.
//
//   meta key 'T' kind u8 (3 node, 4 property) term u64 BE     value u64 sequence
//
// docs/format/superblock.md.
#pragma once

#include "caveat/kv_backend.h"
#include "engine/partition/clear_list.h"

namespace caveat {

[[nodiscard]] Result<ClearList> load_clears(KvBackend& backend);

// What turns `before` on disk into `after`.
void persist_clears(const ClearList& before, const ClearList& after, KvBatch& batch);

}  // namespace caveat
