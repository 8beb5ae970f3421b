// Bulk loads: records are checked and encoded by all threads, and committed a chunk at a time.
#pragma once

#include <cstddef>
#include <span>

#include "caveat/storage_optimizer.h"

namespace caveat {

class Engine;

// As StorageOptimizer::bulk_store.
[[nodiscard]] Result<std::size_t> bulk_store_records(Engine& engine,
                                                     std::span<const ExceptionRecord> records,
                                                     const WriteOptions& options);
[[nodiscard]] Result<std::size_t> bulk_store_records(Engine& engine,
                                                     std::span<const ExceptionView> records,
                                                     const WriteOptions& options);

}  // namespace caveat
