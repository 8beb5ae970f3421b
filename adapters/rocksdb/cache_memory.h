// Memory of the blocks in RocksDB's cache.
//
// They come and go one by one for as long as the store is open. In malloc's memory, between the
// pieces of folds and compactions, each would keep pages of what was freed around it resident
// (docs/decisions/0131); here they lie together with what else lives long.
#pragma once

#include <rocksdb/memory_allocator.h>

#include <cstddef>

namespace caveat::detail {

// Thread-safe.
class CacheMemory : public rocksdb::MemoryAllocator {
 public:
  [[nodiscard]] const char* Name() const override { return "caveat.cache"; }
  // Throws std::bad_alloc, as RocksDB's own does.
  void* Allocate(std::size_t bytes) override;
  void Deallocate(void* piece) override;
};

}  // namespace caveat::detail
