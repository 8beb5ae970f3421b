// Every byte of each of our formats in three wrong ways, and every end that is too early.
#include <catch2/catch.hpp>
#include <iostream>

#include "test/bytes/sweep.h"

namespace caveat::test {

TEST_CASE("no damage to an encoding gives another record", "[bytes]") {
  Sweep all;
  for (const auto& format : all_formats()) {
    const auto sweep = sweep_all(format);
    INFO(format.name << ": " << sweep.text());
    CHECK(sweep.violations.empty());
    CHECK(sweep.refused > 0);
    all += sweep;
  }
  std::cout << "bytes: " << all.text() << '\n';
}

TEST_CASE("each sample says what it is made from, and is written the same again", "[bytes]") {
  for (const auto& format : all_formats()) {
    CAPTURE(format.name);
    for (const auto& sample : format.samples) CHECK_NOTHROW(check_any_bytes(format, sample));
  }
}

// A decoder that forgot its checksum: as if every damage came with the right one.
TEST_CASE("planted: a decoder without its checksum test is caught", "[bytes]") {
  for (auto format : all_formats()) {
    if (!format.seal) continue;
    const auto inner = format.read;
    const auto seal = format.seal;
    format.read = [inner, seal](std::string_view bytes) {
      std::string sealed(bytes);
      seal(sealed);
      return inner(sealed);
    };
    CAPTURE(format.name);
    CHECK_FALSE(sweep_all(format).violations.empty());
  }
}

// A decoder that takes what is cut off for zeros.
TEST_CASE("planted: a truncation that is accepted is caught", "[bytes]") {
  for (auto format : all_formats()) {
    const auto inner = format.read;
    const auto whole = format.samples.back();
    format.samples = {whole};
    format.read = [inner, whole](std::string_view bytes) {
      const bool cut = bytes.size() + 1 == whole.size() && whole.starts_with(bytes);
      // Not the whole again: that would be equal.
      return cut ? Result<std::string>("a shorter record") : inner(bytes);
    };
    CAPTURE(format.name);
    CHECK_FALSE(sweep_all(format).violations.empty());
  }
}

TEST_CASE("planted: memory taken on a mere claim is caught", "[bytes]") {
  auto format = superblock_format();
  const auto inner = format.read;
  format.read = [inner](std::string_view bytes) {
    if (inner(bytes)) return inner(bytes);
    const std::string claimed(std::size_t{1} << 20, 'x');
    return Result<std::string>(fail(ErrorCode::corruption, claimed.substr(0, 9)));
  };
  CHECK_FALSE(sweep_all(format).violations.empty());
}

}  // namespace caveat::test
