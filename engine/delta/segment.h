// Rows in the order they came, a few thousand at a time, and their sorted permutations.
//
// A permutation sorts a segment's store rows by one term. Readers build it when a query first
// wants it (sorting eagerly would cost every write, and most rows are folded unqueried) and
// publish it atomically: nobody waits, two readers may do the work twice. A segment still growing
// has a permutation of its first rows; the rest is scanned, and merged in once there is enough.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/delta/delta_row.h"
#include "pool/invariant.h"

namespace caveat::detail {

enum class SegmentOrder : std::uint8_t { key, property, source, confidence, time };
inline constexpr std::size_t kSegmentOrderCount = 5;
inline constexpr std::size_t kMaxSegmentRows = 65536;  // positions are u16

// Two 64-bit halves that compare like the order: key and property use both (the other half of the
// key second), the rest one.
struct SortTerm {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const SortTerm&, const SortTerm&) = default;
};
[[nodiscard]] SortTerm term_of(const DeltaRow& row, SegmentOrder order) noexcept;
[[nodiscard]] std::uint64_t confidence_term(float confidence) noexcept;  // for values >= 0
[[nodiscard]] std::uint64_t time_term(std::int64_t time) noexcept;

// Closed at both ends.
struct TermRange {
  SegmentOrder order = SegmentOrder::key;
  SortTerm first;
  SortTerm last;
};

class Segment;

// The store rows among the first `covered` rows of a segment, in order.
struct Permutation {
  const Permutation* previous = nullptr;  // of fewer rows; readers may still be in it
  std::uint32_t covered = 0;
  SortTerm first;  // terms of the ends, so that most segments are passed over at once
  SortTerm last;
  std::uint32_t size = 0;
  std::unique_ptr<std::uint16_t[]> positions;

  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(Permutation) + size * sizeof(std::uint16_t);
  }

  struct Slice {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  [[nodiscard]] Slice slice(const Segment& segment, const TermRange& range) const noexcept;
};

class Segment {
 public:
  // `rows`: room for `capacity` pointers, the generation's.
  Segment(const DeltaRow** rows, std::uint32_t capacity) noexcept
      : capacity_(capacity), rows_(rows) {}
  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Rows that may be read: position() below count().
  [[nodiscard]] std::uint32_t count() const noexcept {
    return count_.load(std::memory_order_acquire);
  }
  [[nodiscard]] const DeltaRow& row(std::uint32_t position) const noexcept {
    return *rows_[position];
  }
  [[nodiscard]] const Segment* previous() const noexcept { return previous_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return sizeof(Segment) + permutation_bytes_.load(std::memory_order_relaxed);
  }

  // A permutation that leaves out at most the last scan_rows of the first `count` rows; null if
  // there is nothing it would have to cover.
  [[nodiscard]] const Permutation* sorted(SegmentOrder order, std::uint32_t count,
                                          std::uint32_t scan_rows) const;
  // The same if it is there already, else null.
  [[nodiscard]] const Permutation* sorted_if_built(SegmentOrder order) const noexcept {
    return orders_[static_cast<std::size_t>(order)].load(std::memory_order_acquire);
  }

  // The writer's.
  void append(const DeltaRow* row) noexcept {
    const std::uint32_t at = count_.load(std::memory_order_relaxed);
    CAVEAT_ASSERT(at < capacity_);
    rows_[at] = row;
    count_.store(at + 1, std::memory_order_release);
  }
  void link(Segment* previous) noexcept { previous_ = previous; }
  [[nodiscard]] std::uint32_t room() const noexcept {
    return capacity_ - count_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] Permutation* build(SegmentOrder order, std::uint32_t count,
                                   const Permutation* base) const;

  const std::uint32_t capacity_;
  std::atomic<std::uint32_t> count_{0};
  const DeltaRow** const rows_;
  Segment* previous_ = nullptr;
  mutable std::array<std::atomic<const Permutation*>, kSegmentOrderCount> orders_{};
  mutable std::atomic<std::size_t> permutation_bytes_{0};
};

}  // namespace caveat::detail
