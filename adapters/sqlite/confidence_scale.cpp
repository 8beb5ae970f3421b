#include "adapters/sqlite/confidence_scale.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace caveat::sqlite {
namespace {

constexpr std::size_t kTextMax = 64;
constexpr float kAbove = 2.0F;  // more than every confidence
constexpr float kBelow = -1.0F;

// The float that is nearest: next to it lies the first one that shows as at least `shown`.
float near(double shown) noexcept {
  return static_cast<float>(std::clamp(shown, 0.0, 1.0)) + 0.0F;
}

}  // namespace

double shown_confidence(float stored) noexcept {
  char text[kTextMax];
  const auto end = std::to_chars(text, text + kTextMax, stored).ptr;
  double shown = 0;
  std::from_chars(text, end, shown);
  // In rare cases rounding twice would give a neighbour.
  return static_cast<float>(shown) == stored ? shown : static_cast<double>(stored);
}

void raise_to(double shown, bool inclusive, ConfidenceBounds& bounds) noexcept {
  const auto fits = [&](float f) {
    return inclusive ? shown_confidence(f) >= shown : shown_confidence(f) > shown;
  };
  float lo = near(shown);
  if (shown > 1.0) {
    lo = kAbove;
  } else if (!fits(lo)) {
    lo = lo >= 1.0F ? kAbove : std::nextafter(lo, kAbove);
  }
  bounds.lo = std::max(bounds.lo, lo);
}

void lower_to(double shown, bool inclusive, ConfidenceBounds& bounds) noexcept {
  const auto fits = [&](float f) {
    return inclusive ? shown_confidence(f) <= shown : shown_confidence(f) < shown;
  };
  float hi = near(shown);
  if (shown < 0.0) {
    hi = kBelow;
  } else if (!fits(hi)) {
    hi = hi <= 0.0F ? kBelow : std::nextafter(hi, kBelow);
  }
  bounds.hi = std::min(bounds.hi, hi);
}

}  // namespace caveat::sqlite
