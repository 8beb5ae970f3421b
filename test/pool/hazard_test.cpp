#include "pool/hazard.h"
#include <catch2/catch.hpp>
#include "pool/arena.h"
#include "pool/buffer_pool.h"
#include "pool/object_pool.h"
#include "pool/worker_pool.h"
TEST_CASE("smoke") { caveat::MemoryPool p; auto l = p.vectors<int>().acquire(); }
