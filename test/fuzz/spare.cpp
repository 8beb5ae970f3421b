// caveat.spare: what a salvage takes from it can be written and read again.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = spare_format();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
