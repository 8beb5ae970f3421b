// The manifest of a backup: one content has one encoding, and its names lead nowhere else.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = backup_manifest_format();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
