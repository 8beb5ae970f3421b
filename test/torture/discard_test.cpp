// To remove a directory may take memory, and a destructor that does it may not throw.
#include <filesystem>
#include <fstream>

#include "adapters/rocksdb/discard.h"
#include "test/support/stores.h"
#include "test/torture/failing_heap.h"

namespace caveat::test {

namespace fs = std::filesystem;

// It ended the process: a restore over a store, whose last step removes the old one.
TEST_CASE("what cannot be removed for want of memory ends no process", "[alloc][regression]") {
  const fs::path path = fs::temp_directory_path() / "caveat-test-discard";
  const auto make = [&] {
    fs::create_directories(path / "a name that is too long to lie in the string itself");
    std::ofstream(path / "a file") << "x";
  };
  for (const AllocFault fault : {AllocFault::once, AllocFault::sticky}) {
    bool struck = true;
    for (std::uint64_t point = 0; struck; ++point) {
      make();
      arm_heap(fault, AllocThreads::mine, point);
      detail::discard(path);
      disarm_heap();
      struck = heap_struck() != 0;
      if (!struck) CHECK_FALSE(fs::exists(path));
    }
  }
  fs::remove_all(path);
}

}  // namespace caveat::test
