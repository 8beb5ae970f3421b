// StorageOptimizer::open(path): the engine on RocksDB.
#include "adapters/rocksdb/rocksdb_backend.h"
#include "caveat/storage_optimizer.h"
#include "engine/store/engine.h"

namespace caveat {

Result<StorageOptimizer> StorageOptimizer::open(const std::filesystem::path& path,
                                                const Options& options) {
  // Before anything is made on disk.
  if (path.empty()) {
    return fail(ErrorCode::invalid_argument, "the path of the store is empty; name a directory");
  }
  CAVEAT_TRY(Engine::check(options));
  const MemoryPlan memory = MemoryPlan::of(options);
  RocksdbBackendOptions backend_options;
  backend_options.create_if_missing = options.create_if_missing;
  backend_options.error_if_exists = options.error_if_exists;
  backend_options.block_cache_bytes = memory.backend_cache;
  backend_options.write_buffer_bytes = memory.backend_buffers;
  CAVEAT_ASSIGN(auto backend, open_rocksdb_backend(path, backend_options));
  return open(std::move(backend), options);
}

}  // namespace caveat
