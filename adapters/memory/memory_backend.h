// The KvBackend of volatile stores: ordered maps in this process, with versions for snapshots.
//
// A full implementation of the port. Writers are serial; readers never wait for more than one
// batch's changes to one family. What is erased or superseded goes as soon as no snapshot sees it.
// Every durability means the same here, flush() has nothing to do, and close() forgets everything.
#pragma once

#include <memory>

#include "caveat/kv_backend.h"

namespace caveat {

struct MemoryBackendOptions {
  // Keys reported at most by one on_rewrite_candidates.
  std::size_t candidates_max = 1024;
};

[[nodiscard]] std::unique_ptr<KvBackend> make_memory_backend(MemoryBackendOptions options = {});

}  // namespace caveat
