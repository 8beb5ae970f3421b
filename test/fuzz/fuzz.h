// How fuzz targets say that a property does not hold: an exception that nobody catches ends the
// process, which libFuzzer and the replay both report with the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "test/support/formats/format.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace caveat::test {

[[nodiscard]] inline std::string_view as_text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace caveat::test
