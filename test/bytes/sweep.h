// Damages encodings in every place and tells what got through.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "test/support/counting_heap.h"
#include "test/support/formats/format.h"

namespace caveat::test {

struct Sweep {
  std::uint64_t cases = 0;
  std::uint64_t refused = 0;
  std::uint64_t equal = 0;
  std::uint64_t other = 0;  // allowed only where there is no checksum
  std::uint64_t most_heap_bytes = 0;
  std::vector<std::string> violations;

  Sweep& operator+=(const Sweep& more) {
    cases += more.cases;
    refused += more.refused;
    equal += more.equal;
    other += more.other;
    most_heap_bytes = std::max(most_heap_bytes, more.most_heap_bytes);
    violations.insert(violations.end(), more.violations.begin(), more.violations.end());
    return *this;
  }
  [[nodiscard]] std::string text() const {
    std::string out = fmt::format("{} cases: {} refused, {} equal, {} other; {} heap bytes at most",
                                  cases, refused, equal, other, most_heap_bytes);
    for (std::size_t i = 0; i < violations.size() && i < 10; ++i) out += "\n  " + violations[i];
    return out;
  }
};

// A reading may take so much from the heap, all allocations added up: what the bytes ask for, not
// what they claim.
inline constexpr std::uint64_t kHeapBytesFree = 256 << 10;
inline constexpr std::uint64_t kHeapBytesPerByte = 400;

class Sweeper {
 public:
  Sweeper(const Format& format, std::string whole)
      : format_(format), whole_(std::move(whole)), says_(format.read(whole_).value()) {}

  // `what` names the damage.
  void judge(const std::string& damaged, const std::string& what) {
    if (damaged == whole_) return;
    ++sweep_.cases;
    const auto bad = [&](std::string_view why) {
      sweep_.violations.push_back(
          fmt::format("{} of {} bytes, {}: {}", format_.name, whole_.size(), what, why));
    };
    try {
      const std::uint64_t before = heap_bytes;
      const auto said = format_.read(damaged);
      const std::uint64_t taken = heap_bytes - before;
      sweep_.most_heap_bytes = std::max(sweep_.most_heap_bytes, taken);
      if (taken > kHeapBytesFree + kHeapBytesPerByte * damaged.size())
        bad(fmt::format("takes {} bytes of memory", taken));
      if (!said) {
        ++sweep_.refused;
        if (!refuses(said.error().code()))
          bad(fmt::format("refused as {}: {}", to_string(said.error().code()),
                          said.error().message()));
      } else if (*said == says_) {
        ++sweep_.equal;
      } else {
        ++sweep_.other;
        if (format_.seal) bad("accepted, and says something else");
        if (!format_.seal && format_.write_again(damaged) != damaged)
          bad("accepted, and says something else than its bytes");
      }
    } catch (const std::exception& error) {
      bad(error.what());
    }
  }

  void each_byte() {
    for (std::size_t at = 0; at < whole_.size(); ++at) {
      const auto was = static_cast<unsigned char>(whole_[at]);
      for (const int byte : {was ^ 0x01, was == 0 ? 0xFF : 0x00, was ^ 0x5A}) {
        std::string damaged = whole_;
        damaged[at] = static_cast<char>(byte);
        judge(damaged, fmt::format("byte {} {:#04x} for {:#04x}", at, byte, was));
      }
    }
  }

  // Where a value is appended to, an end of a segment is an end of the value: what guards it there
  // is the backend's own checksum.
  void each_end() {
    const auto ends = format_.appendable ? format_.ends(whole_) : std::vector<std::size_t>();
    for (std::size_t size = 0; size < whole_.size(); ++size) {
      if (std::find(ends.begin(), ends.end(), size) != ends.end()) continue;
      judge(whole_.substr(0, size), fmt::format("cut at {}", size));
    }
    for (const auto& more : {std::string(1, '\0'), std::string(1, '\xFF'), std::string(40, '\x5A'),
                             whole_.substr(0, whole_.size() / 2)})
      judge(whole_ + more, fmt::format("{} bytes behind it", more.size()));
    if (!format_.appendable) judge(whole_ + whole_, "twice");
  }

  [[nodiscard]] const Sweep& sweep() const { return sweep_; }

 private:
  const Format& format_;
  const std::string whole_;
  const std::string says_;
  Sweep sweep_;
};

[[nodiscard]] inline Sweep sweep_all(const Format& format) {
  Sweep sweep;
  for (const auto& sample : format.samples) {
    Sweeper sweeper(format, sample);
    sweeper.each_byte();
    sweeper.each_end();
    sweep += sweeper.sweep();
  }
  return sweep;
}

}  // namespace caveat::test
