// How much more can be written until writers have to wait for a fold.
//
// One figure for both, whom the pacer slows down and who has to wait: where they differed the pacer
// let in what there was no room for, and all of a fold's end was waited for (docs/decisions/0133).
#pragma once

#include <algorithm>
#include <cstddef>

namespace caveat {

// Bytes. It has to fall evenly while writers write evenly, or what the pacer shares out is gone at
// once.
struct DeltaRoom {
  std::size_t sealed = 0;      // generations that wait: the sum of what sealed_bytes() gives
  std::size_t sealed_max = 0;  // that they may have, beside a full active one
  std::size_t generation = 0;  // at which one is sealed
  std::size_t active_bytes = 0;
  std::size_t active_rows = 0;
  std::size_t expected_rows = 0;  // of the active one once it is full; 0: not known

  // One is sealed once its next chunk is too much; so that chunk is not counted.
  [[nodiscard]] static constexpr std::size_t sealed_bytes(std::size_t bytes, std::size_t generation,
                                                          std::size_t chunk) noexcept {
    return bytes - std::min(chunk, bytes - std::min(bytes, generation));
  }
  // Of the active generation, as a part of a full one. Its tables take their whole size at an
  // eighth of its rows, half of its bytes: so rows count as well.
  [[nodiscard]] constexpr std::size_t taken() const noexcept {
    if (expected_rows == 0) return std::min(active_bytes, generation);
    const std::size_t by_rows = generation / expected_rows * std::min(active_rows, expected_rows);
    const std::size_t twice = 2 * std::min(active_bytes, generation);
    return std::max(by_rows, twice - std::min(twice, generation));
  }
  // 0: writers have to wait.
  [[nodiscard]] constexpr std::size_t left() const noexcept {
    const std::size_t most = sealed_max + generation;
    return most - std::min(most, sealed + taken());
  }
  // What is shared out: the rest is for rows that grow from one generation to the next.
  [[nodiscard]] constexpr std::size_t left_to_share() const noexcept {
    return left() - std::min(left(), generation / 8);
  }
  // What so many rows more take.
  [[nodiscard]] constexpr std::size_t bytes_of(std::size_t rows) const noexcept {
    if (expected_rows != 0) return generation / expected_rows * rows;
    return active_rows == 0 ? 0 : active_bytes / active_rows * rows;
  }
};

}  // namespace caveat
