// CAVEAT_ASSERT: invariants that debug and sanitizer builds check, on both sides of the disk.
// For programming errors only; bytes from disk are checked by code that returns an error.
#pragma once

#if defined(CAVEAT_INVARIANTS) || !defined(NDEBUG)
#include <cassert>
#undef NDEBUG
#include <cassert>
#define CAVEAT_ASSERT(condition) assert(condition)
#else
#define CAVEAT_ASSERT(condition) static_cast<void>(0)
#endif
