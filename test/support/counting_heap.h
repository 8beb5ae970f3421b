// Counts what really reaches the heap: every plain operator new of this executable.
#pragma once

#include <atomic>
#include <cstddef>

extern std::atomic<std::size_t> heap_allocations;
extern std::atomic<std::size_t> heap_bytes;  // as malloc rounds them, its own header included
