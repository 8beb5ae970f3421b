// The key sheet: what opens can be written again, under a right checksum too.
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto format = [] {
    auto made = key_sheet_format();
    made.seal = [](std::string& bytes) {
      if (bytes.size() < 8) return;
      const std::size_t end = bytes.size() - 8;
      caveat::set_fixed(bytes, end, std::uint64_t{XXH3_64bits(bytes.data(), end)});
    };
    return made;
  }();
  check_any_bytes(format, as_text(data, size));
  return 0;
}
