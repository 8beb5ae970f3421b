// A planted bug: a property that sound bytes break. The replay must end with a failure.
#include "test/fuzz/fuzz.h"

using namespace caveat::test;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto format = superblock_format();
  const auto inner = format.write_again;
  format.write_again = [inner](std::string_view bytes) -> caveat::Result<std::string> {
    CAVEAT_ASSIGN(auto out, inner(bytes));
    out[40] = static_cast<char>(out[40] + 1);
    return out;
  };
  check_any_bytes(format, as_text(data, size));
  return 0;
}
