// Confidence as SQL sees it: a stored float shows as the double that its shortest text reads as, so
// that 0.8 goes in, comes out and compares as 0.8, and not as 0.800000011920929.
#pragma once

namespace caveat::sqlite {

// Grows strictly with the float, and rounds back to it.
[[nodiscard]] double shown_confidence(float stored) noexcept;

// Floats from lo to hi; empty where lo > hi.
struct ConfidenceBounds {
  float lo = 0.0F;
  float hi = 1.0F;
};
// Those that show as at least, or more than, `shown`; as at most, or less.
void raise_to(double shown, bool inclusive, ConfidenceBounds& bounds) noexcept;
void lower_to(double shown, bool inclusive, ConfidenceBounds& bounds) noexcept;

}  // namespace caveat::sqlite
