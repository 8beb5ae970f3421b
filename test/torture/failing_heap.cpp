#include "test/torture/failing_heap.h"

#include <link.h>
#include <unwind.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

namespace caveat::test {

namespace {

std::atomic<AllocFault> armed{AllocFault::none};
std::atomic<AllocThreads> counted_threads{AllocThreads::mine};
std::atomic<std::uint64_t> failing_point{0};
std::atomic<std::uint64_t> counted{0};
std::atomic<std::uint64_t> struck{0};
std::atomic<std::int64_t> living{0};
std::atomic<bool> skips_rocksdb{false};
thread_local bool armed_here = false;

// Where RocksDB's code lies.
struct CodeRange {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  [[nodiscard]] bool has(std::uintptr_t address) const { return address - begin < end - begin; }
};
int find_rocksdb(dl_phdr_info* library, std::size_t, void* to) {
  if (std::strstr(library->dlpi_name, "librocksdb") == nullptr) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& part = library->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = library->dlpi_addr + part.p_vaddr;
    *static_cast<CodeRange*>(to) = {begin, begin + part.p_memsz};
  }
  return 1;
}
const CodeRange& rocksdb_code() {
  static const CodeRange range = [] {
    CodeRange found;
    ::dl_iterate_phdr(find_rocksdb, &found);
    if (found.begin == found.end) std::abort();  // nothing would be left out
    return found;
  }();
  return range;
}

_Unwind_Reason_Code look_at(_Unwind_Context* frame, void* in_rocksdb) {
  if (!rocksdb_code().has(_Unwind_GetIP(frame))) return _URC_NO_REASON;
  *static_cast<bool*>(in_rocksdb) = true;
  return _URC_END_OF_STACK;
}
// RocksDB is among the callers.
bool within_rocksdb() {
  bool within = false;
  const Unwatched mine;
  _Unwind_Backtrace(look_at, &within);
  return within;
}

bool fails() noexcept {
  const AllocFault fault = armed.load(std::memory_order_relaxed);
  if (fault == AllocFault::none || Unwatched::here()) return false;
  const AllocThreads threads = counted_threads.load(std::memory_order_relaxed);
  if (threads == AllocThreads::mine && !armed_here) return false;
  if (threads == AllocThreads::others && armed_here) return false;
  if (skips_rocksdb.load(std::memory_order_relaxed) && within_rocksdb()) return false;
  const std::uint64_t here = counted.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t point = failing_point.load(std::memory_order_relaxed);
  if (fault == AllocFault::once ? here != point : here < point) return false;
  struck.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  if (fails()) return nullptr;
  if (size == 0) size = 1;
  void* memory = alignment == 0 ? std::malloc(size)
                                : std::aligned_alloc(
                                      alignment, (size + alignment - 1) / alignment * alignment);
  if (memory != nullptr) living.fetch_add(1, std::memory_order_relaxed);
  return memory;
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* memory = allocate(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void release(void* memory) noexcept {
  if (memory == nullptr) return;
  living.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}

}  // namespace

int& Unwatched::depth() noexcept {
  thread_local int depth = 0;
  return depth;
}

void arm_heap(AllocFault fault, AllocThreads threads, std::uint64_t point, AllocOwner owner) {
  if (owner == AllocOwner::caveat) static_cast<void>(rocksdb_code());
  armed_here = true;
  skips_rocksdb = owner == AllocOwner::caveat;
  counted_threads = threads;
  failing_point = point;
  counted = struck = 0;
  armed = fault;
}

void disarm_heap() {
  armed = AllocFault::none;
  armed_here = false;
}

std::uint64_t heap_counted() {
  return counted;
}

std::uint64_t heap_struck() {
  return struck;
}

std::int64_t heap_living() {
  return living;
}

}  // namespace caveat::test

using caveat::test::allocate;
using caveat::test::allocate_or_throw;
using caveat::test::release;

// All forms: sanitizers' own would not come through the plain one.
void* operator new(std::size_t size) {
  return allocate_or_throw(size, 0);
}
void* operator new[](std::size_t size) {
  return allocate_or_throw(size, 0);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, 0);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return allocate(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete[](void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}
