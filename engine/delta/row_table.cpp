#include "engine/delta/row_table.h"

#include <bit>
#include <new>

#include "pool/invariant.h"

namespace caveat::detail {

RowTable::Block* RowTable::make_block(std::size_t rows, Arena& arena) {
  // The smallest power of two of which the rows fill at most three quarters.
  const std::size_t groups = std::bit_ceil((rows + 5) / 6);
  auto* block = ::new (arena.allocate(sizeof(Block), alignof(Block))) Block{};
  block->group_mask = groups - 1;
  block->limit = groups * 6;
  block->tags = arena.make_array<std::atomic<std::uint64_t>>(groups);
  block->slots = arena.make_array<Slot>(groups * kGroup);
  CAVEAT_ASSERT(rows <= block->limit);
  return block;
}

void RowTable::Block::add(std::uint64_t hash, const DeltaRow* row) noexcept {
  CAVEAT_ASSERT(used.load(std::memory_order_relaxed) < limit);
  for (std::size_t group = hash & group_mask;; group = (group + 1) & group_mask) {
    const std::uint64_t word = tags[group].load(std::memory_order_relaxed);
    const std::uint64_t free = ~word & kHighBits;
    if (free == 0) continue;
    const auto byte = static_cast<std::size_t>(std::countr_zero(free)) / 8;
    // The slot first: a reader that sees the tag finds the row.
    slots[group * kGroup + byte].store(row, std::memory_order_relaxed);
    tags[group].store(word | tag_of(hash) << (byte * 8), std::memory_order_release);
    used.store(used.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return;
  }
}

}  // namespace caveat::detail
