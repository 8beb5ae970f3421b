// A planted bug: a property that sound bytes break. The replay must end with a failure.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto format = superblock_format();
  const auto inner = format.write_again;
  format.write_again = [inner](std::string_view bytes) -> caveat::Result<std::string> {
    auto out = inner(bytes);
    if (out && out->size() > 40) out->at(40) = static_cast<char>(out->at(40) + 1);
    return out;
  };
  check_any_bytes(format, as_text(data, size));
  return 0;
}
