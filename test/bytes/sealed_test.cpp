// Damage under right checksums, as a bug in an encoder or an attacker would make it: it may give
// other records, but never a crash, a read out of bounds, or a record that cannot be written again.
#include <catch2/catch.hpp>
#include <chrono>
#include <iostream>
#include <random>

#include "test/bytes/sweep.h"
#include "test/support/seed.h"

namespace caveat::test {

namespace {

std::string damage(std::mt19937_64& random, const std::string& whole) {
  std::string bytes = whole;
  for (auto changes = 1 + random() % 3; changes > 0 && !bytes.empty(); --changes) {
    const std::size_t at = random() % bytes.size();
    switch (random() % 6) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
        break;
      case 1:
        bytes[at] = static_cast<char>(random() % 2 == 0 ? 0x00 : 0xFF);
        break;
      case 2:
        bytes.erase(at, 1 + random() % 8);
        break;
      case 3:
        bytes.insert(at, bytes.substr(random() % bytes.size(), 1 + random() % 8));
        break;
      default:
        bytes[at] = static_cast<char>(random());
    }
  }
  return bytes;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

// CAVEAT_BYTES_SECONDS makes it longer, CAVEAT_SEED repeats a run.
TEST_CASE("damage under right checksums is refused, or is a record like any other", "[bytes]") {
  const auto seed = chosen_seed();
  const auto seconds = from_environment("CAVEAT_BYTES_SECONDS", 0);
  INFO("CAVEAT_SEED=" << seed);
  std::mt19937_64 random(seed);
  const auto formats = all_formats();
  std::uint64_t cases = 0, accepted = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  do {
    for (const auto& format : formats)
      for (const auto& sample : format.samples)
        for (int i = 0; i < 60; ++i, ++cases) {
          auto bytes = damage(random, sample);
          if (format.seal) format.seal(bytes);
          try {
            const std::uint64_t before = heap_bytes;
            const auto said = format.read(bytes);
            const std::uint64_t taken = heap_bytes - before;
            if (taken > kHeapBytesFree + kHeapBytesPerByte * bytes.size())
              FAIL_CHECK(format.name << " takes " << taken << " for " << bytes.size() << " bytes");
            accepted += said.has_value() ? 1U : 0U;
            check_any_bytes(format, bytes);
          } catch (const Violation& violation) {
            std::string hex;
            for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
            FAIL_CHECK(format.name << ": " << violation.what() << ": " << hex);
          }
        }
  } while (std::chrono::steady_clock::now() < end);
  CHECK(accepted > 0);
  std::cout << "sealed: " << cases << " cases, " << accepted << " accepted, seed " << seed << '\n';
}

}  // namespace caveat::test
