// Blocks: both ways to read agree, and what is read can be written and read again.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = block_format();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
