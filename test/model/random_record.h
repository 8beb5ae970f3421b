// Random values and records that favour the edges: extremes, empty things, odd bytes, deep lists.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "caveat/types.h"

namespace caveat::test {

class RandomRecords {
 public:
  explicit RandomRecords(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t number() { return engine_(); }
  std::uint64_t below(std::uint64_t bound) { return engine_() % bound; }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

  std::int64_t integer() {
    if (chance(8)) return std::numeric_limits<std::int64_t>::min();
    if (chance(8)) return std::numeric_limits<std::int64_t>::max();
    const auto value = static_cast<std::int64_t>(engine_() >> below(64));
    return chance(2) ? value : ~value;
  }

  double floating() {
    switch (below(8)) {
      case 0:
        return 0.0;
      case 1:
        return -0.0;
      case 2:
        return std::numeric_limits<double>::infinity();
      case 3:
        return std::bit_cast<double>(0x7FF8'0000'0000'0001ULL | below(1 << 20));  // a NaN
      case 4:
        return static_cast<double>(integer());
      case 5:
        return std::numeric_limits<double>::denorm_min();
      default:
        return std::bit_cast<double>(engine_());
    }
  }

  std::string string() {
    std::string text;
    const auto length = chance(16) ? below(4000) : below(24);
    const bool any_bytes = chance(4);
    for (std::uint64_t i = 0; i < length; ++i) {
      text.push_back(static_cast<char>(any_bytes ? below(256) : 32 + below(95)));
    }
    if (chance(5)) text += "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xA7\"\\\n\t\x7F";
    return text;
  }

  PropertyValue value(std::size_t depth_left = kMaxValueDepth) {
    switch (below(depth_left > 0 ? 7 : 5)) {
      case 0:
        return {};
      case 1:
        return chance(2);
      case 2:
        return integer();
      case 3:
        return floating();
      case 4:
        return string();
      default: {
        PropertyValue::List list;
        for (auto count = below(4); count > 0; --count) list.push_back(value(depth_left - 1));
        return list;
      }
    }
  }

  float confidence() {
    if (chance(6)) return 1.0F;
    if (chance(6)) return 0.0F;
    if (chance(6)) return std::numeric_limits<float>::denorm_min();
    return static_cast<float>(below(1U << 24)) / static_cast<float>(1U << 24);
  }

  Exception exception() {
    Exception result;
    result.inherited_value = value();
    result.actual_value = value();
    result.reason = string();
    result.source = static_cast<ExceptionSource>(below(kExceptionSourceCount));
    result.created_at = integer();
    result.confidence = confidence();
    return result;
  }

  ExceptionRecord record() { return {{engine_() >> below(64), engine_()}, exception()}; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace caveat::test
