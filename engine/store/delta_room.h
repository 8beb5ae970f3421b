// How much more can be written until writers have to wait for a fold.
//
// They wait when a generation is sealed and the sealed ones are more than they may be, so what
// counts is whole generations. Counted by the byte, the room was up to a generation too large: the
// pacer let in what it held, and the wait came while it still saw room (docs/decisions/0133).
#pragma once

#include <algorithm>
#include <cstddef>

namespace caveat {

struct DeltaRoom {
  std::size_t sealed_bytes = 0;  // of generations that wait
  std::size_t sealed_max = 0;    // writers wait when sealed_bytes is more
  std::size_t generation = 0;    // bytes at which one is sealed
  std::size_t active_bytes = 0;
  std::size_t active_rows = 0;
  std::size_t expected_rows = 0;  // of the active one once it is full; 0: not known

  // Of the active generation that is taken, in bytes of a full one. Its tables take their whole
  // size at an eighth of its rows, half of its bytes: so rows count as well, or writers would seem
  // to have written megabytes at once.
  [[nodiscard]] constexpr std::size_t taken() const noexcept {
    if (expected_rows == 0) return std::min(active_bytes, generation);
    const std::size_t by_rows = generation / expected_rows * std::min(active_rows, expected_rows);
    const std::size_t twice = 2 * std::min(active_bytes, generation);
    return std::max(by_rows, twice - std::min(twice, generation));
  }
  [[nodiscard]] constexpr std::size_t left() const noexcept {
    const std::size_t rest = generation - taken();
    if (sealed_bytes >= sealed_max || generation == 0) return rest;
    return rest + (sealed_max - sealed_bytes) / generation * generation;
  }
  // What so many rows more take.
  [[nodiscard]] constexpr std::size_t bytes_of(std::size_t rows) const noexcept {
    if (expected_rows != 0) return generation / expected_rows * rows;
    return active_rows == 0 ? 0 : active_bytes / active_rows * rows;
  }
};

}  // namespace caveat
