// One generation of recent writes in memory.
//
// Writes go into the youngest generation; a full one is sealed, folded into partitions, dropped.
// One writer at a time (the commit leader); any number of readers, which take no lock and fix
// their ceiling before they look. All sequences of a generation are above those of older ones.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "engine/delta/delta_row.h"
#include "engine/delta/row_memory.h"
#include "engine/delta/row_table.h"
#include "engine/delta/rows_part.h"
#include "engine/delta/segment.h"
#include "engine/delta/sorted_rows.h"
#include "pool/arena.h"

namespace caveat {

using GenerationId = std::uint64_t;

struct GenerationOptions {
  std::size_t capacity_rows = 0;  // a hint: room made with the first row; it grows beyond
  // What the generation before came to, if it was full: a table that has grown to an eighth of it
  // grows to all of it at once.
  std::size_t expected_rows = 0;
  std::size_t expected_nodes = 0;
  std::uint32_t segment_rows = 4096;  // at most kMaxSegmentRows
  std::uint32_t unsorted_rows = 256;  // newest rows of a segment that a query may have to scan
};

class Generation {
 public:
  // The pool must outlive it.
  Generation(GenerationId id, MemoryPool& pool, const GenerationOptions& options = {});
  ~Generation();
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // --- The writer's: one thread at a time --------------------------------------------------------

  // Makes room for the rows of a commit, which are trusted, so that inserting them next cannot run
  // out of memory: call it before the write is logged. This alone may throw std::bad_alloc.
  void reserve(RowsParts parts);
  void reserve(std::string_view rows, std::size_t count) {
    const RowsPart part{rows, count};
    reserve({&part, 1});
  }

  // Inserts such rows; row i of them all takes sequence first + i. Readers see them when a ceiling
  // that high is published after this returns.
  void insert_rows(Sequence first, RowsParts parts);
  void insert_rows(Sequence first, std::string_view rows, std::size_t count) {
    const RowsPart part{rows, count};
    insert_rows(first, {&part, 1});
  }
  // The same of those that reserve() was called for last: nothing of it looks for room again.
  void insert_reserved(Sequence first, RowsParts parts);

  // One write. `sequence` is above every one before, and not 0; `encoded` is the row `row` views.
  void insert(Sequence sequence, const RowView& row, std::string_view encoded);

  // No more inserts, ever. Idempotent.
  void seal() noexcept { sealed_.store(true, std::memory_order_release); }

  // --- Anyone's ----------------------------------------------------------------------------------

  // What a fold asks first; sealed generations only. Whoever asks first makes it, others wait for
  // that; it stays as long as the generation.
  [[nodiscard]] const detail::SortedRows& sorted() const;
  [[nodiscard]] bool is_sorted() const noexcept {
    return shown_sorted_.load(std::memory_order_acquire) != nullptr;
  }

  [[nodiscard]] GenerationId id() const noexcept { return id_; }
  [[nodiscard]] bool sealed() const noexcept { return sealed_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_.load(std::memory_order_acquire); }
  [[nodiscard]] bool empty() const noexcept { return rows() == 0; }
  // Calls of insert_rows and insert_reserved that the rows came with.
  [[nodiscard]] std::size_t batches() const noexcept {
    return batches_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t distinct_keys() const noexcept { return by_key_.size(); }
  [[nodiscard]] std::size_t distinct_nodes() const noexcept { return by_node_.size(); }
  [[nodiscard]] std::size_t bytes()
      const noexcept;  // of memory, tables and all that is sorted included
  // The same without what is sorted beside the rows: one load, for who asks at each write.
  [[nodiscard]] std::size_t arena_bytes() const noexcept { return arena_.bytes_reserved(); }
  [[nodiscard]] std::size_t encoded_bytes() const noexcept {
    return encoded_bytes_.load(std::memory_order_relaxed);
  }
  // kMaxSequence when empty: so the youngest generation whose first sequence is at most a row's is
  // the one that holds it.
  [[nodiscard]] Sequence first_sequence() const noexcept {
    return first_sequence_.load(std::memory_order_acquire);
  }
  // 0 when empty.
  [[nodiscard]] Sequence last_sequence() const noexcept {
    return last_sequence_.load(std::memory_order_acquire);
  }

  // True once a clear was inserted.
  [[nodiscard]] bool has_clears() const noexcept {
    return !clears_of_node_.empty() || !clears_of_property_.empty();
  }
  // False: no store, removal or clear_node of this node is in here.
  [[nodiscard]] bool may_have_node(NodeId node) const noexcept;

  // The newest store or removal of the key with sequence <= ceiling, clears not heeded, or null.
  // `hash` is std::hash of the key.
  [[nodiscard]] const DeltaRow* newest(const ExceptionKey& key, std::uint64_t hash,
                                       Sequence ceiling) const noexcept {
    const DeltaRow* row = by_key_.find(hash, [&](const DeltaRow& r) { return r.key == key; });
    return newest_visible(row, ceiling);
  }
  // The first versions of all keys of the node: one row, then DeltaRow::link on. May be null.
  [[nodiscard]] const DeltaRow* node_head(NodeId node) const noexcept;
  // Sequence of the newest clear <= ceiling that covers the node or the key, or 0.
  [[nodiscard]] Sequence node_cleared(NodeId node, Sequence ceiling) const noexcept;
  [[nodiscard]] Sequence property_cleared(PropertyHash property, Sequence ceiling) const noexcept;
  [[nodiscard]] Sequence cleared(const ExceptionKey& key, Sequence ceiling) const noexcept {
    return std::max(node_cleared(key.node_id, ceiling),
                    property_cleared(key.property_hash, ceiling));
  }
  // Sequence of the oldest clear_property, or kMaxSequence.
  [[nodiscard]] Sequence first_property_clear() const noexcept {
    return first_property_clear_.load(std::memory_order_acquire);
  }

  // For queries: the youngest segment, then Segment::previous.
  [[nodiscard]] const detail::Segment* segments() const noexcept {
    return newest_segment_.load(std::memory_order_acquire);
  }
  [[nodiscard]] const GenerationOptions& options() const noexcept { return options_; }
  // Newest versions of all keys, in no order.
  [[nodiscard]] const detail::RowTable& by_key() const noexcept { return by_key_; }
  [[nodiscard]] const detail::RowTable& clears_of_node() const noexcept { return clears_of_node_; }
  [[nodiscard]] const detail::RowTable& clears_of_property() const noexcept {
    return clears_of_property_;
  }

 private:
  struct Room {  // what some rows need at most
    std::size_t records = 0;
    std::size_t nodes = 0;
    std::size_t node_clears = 0;
    std::size_t property_clears = 0;
    std::size_t row_bytes = 0;
  };
  void make_room(const Room& room);
  [[nodiscard]] static Room room_for(RowsParts parts) noexcept;
  void insert_part(Sequence first, const RowsPart& part);
  [[nodiscard]] DeltaRow* make_row(Sequence sequence, const RowView& row, std::string_view encoded);
  void insert_with_room(Sequence sequence, const RowView& row, std::string_view encoded,
                        std::uint64_t hash);
  void insert_record(DeltaRow* row, std::uint64_t hash);
  static void insert_clear(DeltaRow* row, std::uint64_t hash, detail::RowTable& table);

  // What readers touch first, on one cache line.
  alignas(64) detail::RowTable by_key_;
  detail::RowTable clears_of_node_;      // key {node, 0}
  detail::RowTable clears_of_property_;  // key {0, property}
  detail::RowTable by_node_;  // hashed as {node, 0}: the first version of the node's latest key
  std::atomic<detail::Segment*> newest_segment_{nullptr};
  std::atomic<Sequence> first_property_clear_{kMaxSequence};

  // What the writer changes.
  alignas(64) std::atomic<std::size_t> rows_{0};
  std::atomic<std::size_t> batches_{0};
  std::atomic<std::size_t> encoded_bytes_{0};
  std::atomic<Sequence> first_sequence_{kMaxSequence};
  std::atomic<Sequence> last_sequence_{0};
  std::atomic<bool> sealed_{false};
  mutable std::mutex sorting_;
  mutable std::unique_ptr<const detail::SortedRows> sorted_;
  mutable std::atomic<const detail::SortedRows*> shown_sorted_{nullptr};
  std::vector<detail::Segment*> spare_segments_;
  Arena arena_;
  detail::RowMemory row_memory_{arena_};

  const GenerationId id_;
  const GenerationOptions options_;
};

}  // namespace caveat
