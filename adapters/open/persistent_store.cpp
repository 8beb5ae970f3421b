// StorageOptimizer::open(path): the engine on RocksDB.
#include <string>
#include <string_view>
#include <utility>

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
  // A store that does not open for damage can still be read, file by file.
  const auto advised = [](const StorageError& error) {
    constexpr std::string_view kWayOn = "caveat repair STORE NEW";
    if (error.code() != ErrorCode::corruption ||
        error.message().find(kWayOn) != std::string::npos) {
      return fail(error);
    }
    return fail(error.code(), error.message() + "; to write what can be read into a new store: " +
                                  std::string(kWayOn));
  };
  auto backend = open_rocksdb_backend(path, backend_options);
  if (!backend) return advised(backend.error());
  auto store = open(std::move(*backend), options);
  if (!store) return advised(store.error());
  return store;
}

}  // namespace caveat
