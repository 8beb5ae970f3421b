// StorageOptimizer(initial_capacity): the engine on the in-memory backend.
#include <algorithm>

#include "adapters/memory/memory_backend.h"
#include "caveat/storage_optimizer.h"
#include "engine/store/engine.h"

namespace caveat {

namespace {

// The plain bytes of a typical record: what a hint in records means in delta memory.
constexpr std::size_t kTypicalRecordBytes = 256;

}  // namespace

StorageOptimizer::StorageOptimizer(std::size_t initial_capacity, Options options) {
  options.encryption = {};  // nothing of it is on disk
  if (!Engine::check(options)) {
    // A constructor cannot refuse; what it promises instead is the defaults.
    auto listener = std::move(options.on_background_error);
    options = Options{};
    options.on_background_error = std::move(listener);
  }
  if (options.delta_bytes == 0 && initial_capacity != 0) {
    // A small store need not set aside what a large one would.
    const std::size_t records = std::min(initial_capacity, kMemoryBudgetMax / kTypicalRecordBytes);
    options.delta_bytes =
        std::clamp(records * kTypicalRecordBytes, kMiB, MemoryPlan::of(options).delta);
    // A hint is nothing to fail for: the host's caches may have taken all that can be given.
    if (!Engine::check(options)) options.delta_bytes = 0;
  }
  auto engine = Engine::open(make_memory_backend(), options);
  // Nothing on an empty backend in memory can fail but memory itself.
  if (!engine) throw std::bad_alloc();
  engine_ = std::move(*engine);
}

}  // namespace caveat
