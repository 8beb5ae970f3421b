// Unpacking by eights, by one load and one by one: the same values, and not a byte beyond what is
// given, neither read nor written.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "engine/block/unpack.h"

namespace caveat::test {

namespace {

// Bytes whose end is the end of the memory that may be read: behind it a load ends the program.
class GuardedBytes {
 public:
  GuardedBytes() {
    void* const both =
        ::mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(both != MAP_FAILED);
    begin_ = static_cast<char*>(both);
    REQUIRE(::mprotect(begin_ + page_, page_, PROT_NONE) == 0);
  }
  ~GuardedBytes() { ::munmap(begin_, 2 * page_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  [[nodiscard]] std::string_view put(std::string_view bytes) {
    REQUIRE(bytes.size() <= page_);
    char* const at = begin_ + page_ - bytes.size();
    std::copy(bytes.begin(), bytes.end(), at);
    return {at, bytes.size()};
  }

 private:
  std::size_t page_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  char* begin_ = nullptr;
};

template <class T>
void check_widths(GuardedBytes& guarded, std::mt19937_64& random) {
  constexpr T kUntouched = static_cast<T>(0xA5A5A5A5A5A5A5A5);
  const T base = static_cast<T>(random());
  for (unsigned width = 0; width <= sizeof(T) * 8; ++width) {
    for (std::size_t count = 0; count <= 33; ++count) {
      CAPTURE(sizeof(T), width, count);
      std::vector<std::uint64_t> above(count);  // the base, which may wrap around
      for (auto& value : above) value = width == 0 ? 0 : random() >> (64 - width);
      std::string packed;
      detail::pack_bits<std::uint64_t>(above, 0, width, packed);
      REQUIRE(packed.size() == detail::packed_bytes(count, width));
      const std::string_view bytes = guarded.put(packed);

      std::vector<T> values(count + 1, kUntouched);
      detail::unpack_bits(bytes, base, width, std::span(values).first(count));
      bool equal = values[count] == kUntouched;
      for (std::size_t i = 0; i < count; ++i) {
        const T expected = static_cast<T>(base + static_cast<T>(above[i]));
        equal = equal && values[i] == expected &&
                (width == 0 || detail::unpack_one(bytes, base, width, i) == expected);
      }
      REQUIRE(equal);
    }
  }
}

}  // namespace

TEST_CASE("values of every width are unpacked without a byte beyond them read or written",
          "[block]") {
  GuardedBytes guarded;
  std::mt19937_64 random(7);
  check_widths<std::uint16_t>(guarded, random);
  check_widths<std::uint32_t>(guarded, random);
  check_widths<std::uint64_t>(guarded, random);
}

}  // namespace caveat::test
