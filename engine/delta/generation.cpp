#include "engine/delta/generation.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

#include "engine/model/varint.h"
#include "engine/sync/sync_point.h"
#include "pool/invariant.h"

namespace caveat {
namespace {

constexpr std::size_t kFirstTableRows = 48;
static_assert(alignof(DeltaRow) <= detail::RowMemory::kAlign);

std::uint64_t hash_of_key(const ExceptionKey& key) noexcept {
  return std::hash<ExceptionKey>{}(key);
}
std::uint64_t hash_of_node(NodeId node) noexcept {
  return hash_of_key({node, 0});
}

// By key for records and clears; by node alone for heads of nodes.
constexpr auto kHashByKey = [](const DeltaRow& row) { return hash_of_key(row.key); };
constexpr auto kHashByNode = [](const DeltaRow& row) { return hash_of_node(row.key.node_id); };

auto same_key(const ExceptionKey& key) {
  return [&key](const DeltaRow& row) { return row.key == key; };
}
auto same_node(NodeId node) {
  return [node](const DeltaRow& row) { return row.key.node_id == node; };
}

std::size_t bytes_of_row(std::size_t encoded) noexcept {
  constexpr std::size_t kAlign = detail::RowMemory::kAlign;
  return sizeof(DeltaRow) + (encoded + kAlign - 1) / kAlign * kAlign;
}

// Steps over a length-prefixed row.
std::string_view take_row(std::string_view& rows) noexcept {
  CAVEAT_ASSERT(rows.size() > sizeof(std::uint32_t));
  const auto length = load_fixed<std::uint32_t>(rows.data());
  const auto row = rows.substr(sizeof(std::uint32_t), length);
  CAVEAT_ASSERT(row.size() == length);
  rows.remove_prefix(sizeof(std::uint32_t) + length);
  return row;
}

// Links `row` as the newest version above `older`. The distances of the far links follow the
// skew-binary numbers, so that any version is found in logarithmic steps.
void link_version(DeltaRow& row, const DeltaRow& older) noexcept {
  row.older = &older;
  row.depth = older.depth + 1;
  row.link = &older;
  if (older.depth == 0) return;
  const DeltaRow& far = *older.link;
  if (far.depth == 0) return;
  if (older.depth - far.depth == far.depth - far.link->depth) row.link = far.link;
}

}  // namespace

Generation::Generation(GenerationId id, MemoryPool& pool, const GenerationOptions& options)
    : arena_(pool.chunks()), id_(id), options_(options) {
  CAVEAT_ASSERT(options.segment_rows > 0 && options.segment_rows <= detail::kMaxSegmentRows);
}

Generation::~Generation() {
  detail::Segment* segment = newest_segment_.load(std::memory_order_relaxed);
  while (segment != nullptr) {
    auto* previous = const_cast<detail::Segment*>(segment->previous());
    delete segment;
    segment = previous;
  }
  for (detail::Segment* spare : spare_segments_) delete spare;
}

void Generation::make_room(const Room& room) {
  const auto grow = [&](detail::RowTable& table, std::size_t more, std::size_t first,
                        std::size_t expected, const auto& hash) {
    if (more == 0) return;
    std::size_t rows = std::max(table.size() + more, first);
    if (rows >= expected / 8) rows = std::max(rows, expected);
    table.reserve(rows, arena_, hash);
  };
  const std::size_t first = std::max(options_.capacity_rows, kFirstTableRows);
  grow(by_key_, room.records, first, options_.expected_rows, kHashByKey);
  grow(by_node_, room.nodes, kFirstTableRows, options_.expected_nodes, kHashByNode);
  grow(clears_of_node_, room.node_clears, 0, 0, kHashByKey);
  grow(clears_of_property_, room.property_clears, 0, 0, kHashByKey);

  const detail::Segment* newest = newest_segment_.load(std::memory_order_relaxed);
  std::size_t space = newest == nullptr ? 0 : newest->room();
  space += spare_segments_.size() * options_.segment_rows;
  while (space < room.records) {
    spare_segments_.reserve(spare_segments_.size() + 1);
    auto** rows = arena_.make_array<const DeltaRow*>(options_.segment_rows);
    spare_segments_.push_back(new detail::Segment(rows, options_.segment_rows));
    space += options_.segment_rows;
  }
}

Generation::Room Generation::room_for(RowsParts parts) noexcept {
  Room room;
  NodeId last_node = 0;
  for (auto [rows, count] : parts) {
    for (; count > 0; --count) {
      const std::string_view row = take_row(rows);
      room.row_bytes += bytes_of_row(row.size());
      const auto kind = static_cast<RowKind>(row[0]);
      if (kind == RowKind::clear_node) {
        ++room.node_clears;
      } else if (kind == RowKind::clear_property) {
        ++room.property_clears;
      } else {
        // Runs of one node, as sorted batches have them, count once.
        const auto node = load_fixed<NodeId>(row.data() + 1);
        if (room.records == 0 || node != last_node) ++room.nodes;
        last_node = node;
        ++room.records;
      }
    }
  }
  return room;
}

void Generation::reserve(RowsParts parts) {
  const Room room = room_for(parts);
  make_room(room);
  row_memory_.begin_reserve(room.row_bytes);
  for (auto [rows, count] : parts) {
    for (; count > 0; --count) row_memory_.reserve(bytes_of_row(take_row(rows).size()));
  }
}

void Generation::insert_rows(Sequence first, RowsParts parts) {
  make_room(room_for(parts));
  insert_reserved(first, parts);
}

void Generation::insert_reserved(Sequence first, RowsParts parts) {
  batches_.store(batches_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  for (const RowsPart& part : parts) {
    insert_part(first, part);
    first += part.count;
  }
}

void Generation::insert_part(Sequence first, const RowsPart& part) {
  auto [rows, count] = part;
  if (count == 1) {
    const auto encoded = take_row(rows);
    const RowView row = decode_trusted_row(encoded);
    insert_with_room(first, row, encoded, hash_of_key(row.record.key));
    return;
  }
  // A few rows at a time, so that the tables' cache lines are on their way while others are used.
  constexpr std::size_t kAhead = 16;
  struct Pending {
    std::string_view encoded;
    RowView row;
    std::uint64_t hash;
    std::uint64_t node_hash;
  };
  Pending pending[kAhead];
  for (std::size_t done = 0; done < count;) {
    const std::size_t n = std::min(kAhead, count - done);
    for (std::size_t i = 0; i < n; ++i) {
      Pending& p = pending[i];
      p.encoded = take_row(rows);
      p.row = decode_trusted_row(p.encoded);
      p.hash = hash_of_key(p.row.record.key);
      p.node_hash = hash_of_node(p.row.record.key.node_id);
      by_key_.prefetch(p.hash);
      by_node_.prefetch(p.node_hash);
    }
    for (std::size_t i = 0; i < n; ++i) {
      by_key_.prefetch_slot(pending[i].hash);
      by_node_.prefetch_slot(pending[i].node_hash);
    }
    // Most keys are new, most nodes are known.
    for (std::size_t i = 0; i < n; ++i) by_node_.prefetch_row(pending[i].node_hash);
    for (std::size_t i = 0; i < n; ++i) {
      insert_with_room(first + done + i, pending[i].row, pending[i].encoded, pending[i].hash);
    }
    done += n;
    CAVEAT_SYNC_POINT(rows_inserting);
  }
}

void Generation::insert(Sequence sequence, const RowView& row, std::string_view encoded) {
  Room room;
  room.node_clears = row.kind == RowKind::clear_node ? 1 : 0;
  room.property_clears = row.kind == RowKind::clear_property ? 1 : 0;
  room.records = room.nodes = 1 - room.node_clears - room.property_clears;
  make_room(room);
  insert_with_room(sequence, row, encoded, hash_of_key(row.record.key));
}

DeltaRow* Generation::make_row(Sequence sequence, const RowView& row, std::string_view encoded) {
  const std::size_t bytes = bytes_of_row(encoded.size());
  auto* made = ::new (static_cast<void*>(row_memory_.take(bytes))) DeltaRow;
  made->sequence = sequence;
  made->key = row.record.key;
  const bool store = row.kind == RowKind::store;
  made->created_at = store ? row.record.created_at : 0;
  made->confidence = store ? row.record.confidence : 0.0F;
  made->length = static_cast<std::uint32_t>(encoded.size());
  made->older = nullptr;
  made->link = nullptr;
  made->depth = 0;
  made->kind = row.kind;
  made->source = store ? row.record.source : ExceptionSource::Explicit;
  std::memcpy(made + 1, encoded.data(), encoded.size());
  return made;
}

void Generation::insert_with_room(Sequence sequence, const RowView& row, std::string_view encoded,
                                  std::uint64_t hash) {
  CAVEAT_ASSERT(!sealed());
  CAVEAT_ASSERT(sequence > last_sequence_.load(std::memory_order_relaxed));
  CAVEAT_ASSERT(encoded.size() >= kRowKeyBytes && static_cast<RowKind>(encoded[0]) == row.kind);
  DeltaRow* made = make_row(sequence, row, encoded);
  const auto relaxed = std::memory_order_relaxed;
  if (rows_.load(relaxed) == 0) first_sequence_.store(sequence, relaxed);
  last_sequence_.store(sequence, std::memory_order_release);
  encoded_bytes_.store(encoded_bytes_.load(relaxed) + encoded.size(), relaxed);

  if (row.kind == RowKind::clear_node) {
    insert_clear(made, hash, clears_of_node_);
  } else if (row.kind == RowKind::clear_property) {
    if (first_property_clear_.load(relaxed) == kMaxSequence) {
      first_property_clear_.store(sequence, std::memory_order_release);
    }
    insert_clear(made, hash, clears_of_property_);
  } else {
    insert_record(made, hash);
  }
  rows_.store(rows_.load(relaxed) + 1, std::memory_order_release);
}

void Generation::insert_record(DeltaRow* row, std::uint64_t hash) {
  if (auto* slot = by_key_.find_slot(hash, same_key(row->key))) {
    link_version(*row, *slot->load(std::memory_order_relaxed));
    detail::RowTable::replace(*slot, row);
  } else {
    const std::uint64_t node_hash = hash_of_node(row->key.node_id);
    auto* head = by_node_.find_slot(node_hash, same_node(row->key.node_id));
    if (head != nullptr) row->link = head->load(std::memory_order_relaxed);
    by_key_.add(hash, row);
    if (head != nullptr) {
      detail::RowTable::replace(*head, row);
    } else {
      by_node_.add(node_hash, row);
    }
  }

  detail::Segment* segment = newest_segment_.load(std::memory_order_relaxed);
  if (segment == nullptr || segment->room() == 0) {
    CAVEAT_ASSERT(!spare_segments_.empty());
    detail::Segment* fresh = spare_segments_.back();
    spare_segments_.pop_back();
    fresh->link(segment);
    fresh->append(row);
    newest_segment_.store(fresh, std::memory_order_release);
  } else {
    segment->append(row);
  }
}

void Generation::insert_clear(DeltaRow* row, std::uint64_t hash, detail::RowTable& table) {
  if (auto* slot = table.find_slot(hash, same_key(row->key))) {
    link_version(*row, *slot->load(std::memory_order_relaxed));
    detail::RowTable::replace(*slot, row);
  } else {
    table.add(hash, row);
  }
}

const detail::SortedRows& Generation::sorted() const {
  CAVEAT_ASSERT(sealed());
  if (const auto* shown = shown_sorted_.load(std::memory_order_acquire)) return *shown;
  const std::lock_guard lock(sorting_);
  if (!sorted_) {
    sorted_ = std::make_unique<const detail::SortedRows>(detail::sorted_rows(by_key_));
    shown_sorted_.store(sorted_.get(), std::memory_order_release);
  }
  return *sorted_;
}

std::size_t Generation::bytes() const noexcept {
  std::size_t total = sizeof(Generation) + arena_.bytes_reserved();
  if (const auto* shown = shown_sorted_.load(std::memory_order_acquire)) total += shown->bytes();
  for (const auto* s = segments(); s != nullptr; s = s->previous()) total += s->bytes();
  return total;
}

bool Generation::may_have_node(NodeId node) const noexcept {
  if (node_head(node) != nullptr) return true;
  return !clears_of_node_.empty() && node_cleared(node, kMaxSequence) != 0;
}

const DeltaRow* Generation::node_head(NodeId node) const noexcept {
  return by_node_.empty() ? nullptr : by_node_.find(hash_of_node(node), same_node(node));
}

Sequence Generation::node_cleared(NodeId node, Sequence ceiling) const noexcept {
  const ExceptionKey key{node, 0};
  const DeltaRow* row = clears_of_node_.find(hash_of_key(key), same_key(key));
  row = newest_visible(row, ceiling);
  return row == nullptr ? 0 : row->sequence;
}

Sequence Generation::property_cleared(PropertyHash property, Sequence ceiling) const noexcept {
  const ExceptionKey key{0, property};
  const DeltaRow* row = clears_of_property_.find(hash_of_key(key), same_key(key));
  row = newest_visible(row, ceiling);
  return row == nullptr ? 0 : row->sequence;
}

}  // namespace caveat
