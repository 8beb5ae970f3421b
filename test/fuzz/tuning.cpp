// What a store has chosen for itself: one content has one encoding.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = tuning_format();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
