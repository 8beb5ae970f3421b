// What can be read of a damaged store, into a new one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "caveat/storage_optimizer.h"

namespace caveat::cli {

// A stretch in which something could not be read. The last record before it and the first one
// behind it bound what may be missing; nothing: the store's begin or end.
struct Gap {
  std::vector<std::string> reasons;  // one for each partition
  std::optional<ExceptionKey> before;
  std::optional<ExceptionKey> behind;
};

struct Salvage {
  std::uint64_t records = 0;  // written to the new store
  std::vector<Gap> gaps;      // in key order
  bool stopped = false;       // by a signal
};

// Copies every record of `from` that can be read, with the names of its property, in key order.
// `on_progress` is told now and then; false stops. Errors are those of writing, and those of
// reading that nothing can be read behind.
[[nodiscard]] Result<Salvage> salvage(const StorageOptimizer& from, StorageOptimizer& to,
                                      const std::function<bool(std::uint64_t)>& on_progress);

}  // namespace caveat::cli
