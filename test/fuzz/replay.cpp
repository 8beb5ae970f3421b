// The main of fuzz targets without libFuzzer: hands every file of the folders given to the target.
// A property that does not hold names its file and ends with 1; no file at all is a failure too.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>

#include "test/fuzz/fuzz.h"
#include "test/support/store_files.h"

int main(int count, char** arguments) {
  int files = 0, failures = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) {
      const auto bytes = caveat::test::bytes_of(entry.path());
      // A piece of memory of just this size, so that AddressSanitizer sees the first byte behind.
      const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
      std::copy(bytes.begin(), bytes.end(), exact.get());
      ++files;
      try {
        static_cast<void>(LLVMFuzzerTestOneInput(exact.get(), bytes.size()));
      } catch (const std::exception& error) {
        std::printf("%s: %s\n", entry.path().c_str(), error.what());
        ++failures;
      }
    }
  }
  std::printf("%d files, %d failures\n", files, failures);
  return files == 0 || failures != 0 ? 1 : 0;
}
