// Values: one content has one encoding, as a view and owned.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = value_format();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
