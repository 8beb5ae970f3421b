#include "engine/partition/partition_image.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pool/invariant.h"

namespace caveat {

Result<std::shared_ptr<const PartitionImage>> PartitionImage::open(
    std::string container, const ExceptionKey& lower, const std::optional<ExceptionKey>& upper,
    const BlockResolver& resolver, const Catalogue& catalogue, Reasons reasons, BlockForm form) {
  const std::shared_ptr<PartitionImage> image = make();
  image->bytes_ = std::make_shared<const std::string>(std::move(container));
  image->lower_ = lower;
  image->upper_ = upper;
  image->catalogue_ = &catalogue;
  CAVEAT_ASSIGN(const auto layout, parse_container(*image->bytes_));
  image->id_ = layout.id;
  if (layout.block) {
    const auto offset = static_cast<std::size_t>(layout.block->data() - image->bytes_->data());
    CAVEAT_ASSIGN(auto base, DecodedBlock::open(image->bytes_, offset, layout.block->size(),
                                                resolver, reasons, form));
    image->set_base(std::move(base));
  }
  auto& runs = image->runs_;
  for (const auto run : layout.runs) CAVEAT_TRY(decode_run(run, runs));
  if (layout.runs.size() > 1) {
    // Newer runs come later: of equal keys the last stays.
    const auto by_key = [](const RunRow& a, const RunRow& b) {
      return a.row.record.key < b.row.record.key;
    };
    std::stable_sort(runs.begin(), runs.end(), by_key);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const bool superseded =
          i + 1 < runs.size() && runs[i].row.record.key == runs[i + 1].row.record.key;
      if (!superseded) runs[kept++] = runs[i];
    }
    runs.resize(kept);
  }
  std::erase_if(runs, [&](const RunRow& run) { return !image->inside(run.row.record.key); });
  for (std::size_t i = 1; i < runs.size(); ++i) {
    if (!(runs[i - 1].row.record.key < runs[i].row.record.key)) {
      return fail(ErrorCode::corruption, "run: rows out of order");
    }
  }
  // The block counts its own bytes of the container, or has a copy.
  std::size_t container_bytes = image->bytes_->capacity();
  if (image->keys_alone()) {
    if (runs.empty()) container_bytes = 0;
  } else if (layout.block) {
    container_bytes -= layout.block->size();
  }
  if (runs.empty()) image->bytes_.reset();  // the block has them for as long as it needs them
  image->set_charge(container_bytes);
  return image;
}

std::shared_ptr<PartitionImage> PartitionImage::make() {
  struct Made : PartitionImage {};  // its count lies beside it: one memory access less a read
  return std::make_shared<Made>();
}

void PartitionImage::set_charge(std::size_t container_bytes) noexcept {
  charge_bytes_ = sizeof(PartitionImage) + container_bytes + runs_.capacity() * sizeof(RunRow) +
                  (base_ ? base_->charge_bytes() : 0);
}

Result<std::shared_ptr<const PartitionImage>> PartitionImage::with_columns(
    const BlockResolver& resolver) const {
  CAVEAT_ASSERT(keys_alone());
  const std::shared_ptr<PartitionImage> image = make();
  image->id_ = id_;
  image->lower_ = lower_;
  image->upper_ = upper_;
  image->catalogue_ = catalogue_;
  image->runs_ = runs_;
  image->bytes_ = bytes_;
  const auto encoded = std::make_shared<const std::string>(base_->encoded());
  CAVEAT_ASSIGN(auto base,
                DecodedBlock::open(encoded, 0, encoded->size(), resolver, Reasons::halves));
  image->set_base(std::move(base));
  image->set_charge(bytes_ == nullptr ? 0 : bytes_->capacity());
  return image;
}

void PartitionImage::set_base(std::shared_ptr<const DecodedBlock> base) {
  base_ = std::move(base);
  keys_ = base_->keys();
  base_as_of_ = base_->as_of();
  // The first and the last node may be shared with neighbours: then rows have to be looked at.
  const auto nodes = base_->distinct_nodes();
  if (nodes.empty()) return;
  const bool low = nodes.front() > lower_.node_id || lower_ == ExceptionKey{};
  base_is_inside_ = low && (!upper_ || nodes.back() < upper_->node_id);
}

Result<std::vector<RunRow>> PartitionImage::all_run_rows() const {
  std::vector<RunRow> all;
  if (bytes_ == nullptr) return all;
  CAVEAT_ASSIGN(const auto layout, parse_container(*bytes_));
  for (const auto run : layout.runs) CAVEAT_TRY(decode_run(run, all));
  return all;
}

const RunRow* PartitionImage::find_run(const ExceptionKey& key) const noexcept {
  const auto found = std::lower_bound(
      runs_.begin(), runs_.end(), key,
      [](const RunRow& run, const ExceptionKey& k) { return run.row.record.key < k; });
  return found != runs_.end() && found->row.record.key == key ? &*found : nullptr;
}

Result<std::optional<PartitionImage::Row>> PartitionImage::find(const ExceptionKey& key,
                                                                const ClearList& clears) const {
  CAVEAT_ASSERT(inside(key));
  if (!runs_.empty()) {
    if (const RunRow* run = find_run(key)) {
      if (run->row.kind == RowKind::remove || clears.hides(key, run->as_of)) return std::nullopt;
      return Row{static_cast<std::uint32_t>(run - runs_.data()) | Row::kRunBit};
    }
  }
  if (!base_ || clears.hides(key, base_as_of_)) return std::nullopt;
  const auto id = catalogue_->find(key.property_hash);
  if (!id) return std::nullopt;
  __builtin_prefetch(base_.get());  // for whoever reads the row
  const auto row = keys_.find(key.node_id, *id);
  if (!row) return std::nullopt;
  return Row{*row};
}

Result<bool> PartitionImage::has_node(NodeId node, const ClearList& clears) const {
  if (runs_.empty() && clears.empty() && base_) {
    const auto range = keys_.node_range(node);
    // Rows that a half-done split left behind are not ours; only then look at each.
    if (range.first == range.second) return false;
    if (node > lower_.node_id && (!upper_ || node < upper_->node_id)) return true;
  }
  CAVEAT_ASSIGN(const auto found, rows(clears, node));
  return !found.empty();
}

Result<std::vector<PartitionImage::Row>> PartitionImage::rows(const ClearList& clears,
                                                              std::optional<NodeId> node) const {
  struct Keyed {
    ExceptionKey key;
    Row row;
  };
  std::vector<Keyed> found;
  if (base_) {
    std::pair<std::uint32_t, std::uint32_t> range{0, base_->row_count()};
    if (node) range = base_->node_range(*node);
    found.reserve(range.second - range.first + (node ? 0 : runs_.size()));
    const Sequence as_of = base_->as_of();
    std::size_t node_start = 0;
    for (std::uint32_t row = range.first; row < range.second; ++row) {
      const auto hash = catalogue_->hash_of(base_->property_id(row));
      if (!hash) {
        return at_fault({ErrorCode::corruption,
                         fmt::format("block row {}: property id {} is not in the catalogue", row,
                                     base_->property_id(row))});
      }
      const ExceptionKey key{base_->node(row), *hash};
      // Blocks are ordered by id within a node; the store's order is by hash.
      // None of a node may be left: then there is nothing to compare with, and the place is right.
      if (node_start < found.size() && found[node_start].key.node_id != key.node_id) {
        node_start = found.size();
      }
      if (!inside(key) || clears.hides(key, as_of)) continue;
      if (!runs_.empty() && find_run(key) != nullptr) continue;
      found.push_back({key, Row{row}});
      for (std::size_t i = found.size() - 1;
           i > node_start && found[i].key < found[i - 1].key && i - node_start < 16; --i) {
        std::swap(found[i], found[i - 1]);
      }
    }
    const auto by_key = [](const Keyed& a, const Keyed& b) { return a.key < b.key; };
    if (!std::is_sorted(found.begin(), found.end(), by_key)) {
      std::sort(found.begin(), found.end(), by_key);
    }
  }
  std::vector<Row> result;
  result.reserve(found.size() + runs_.size());
  auto base = found.begin();
  auto run = runs_.begin();
  auto run_end = runs_.end();
  if (node) {
    const auto node_below = [](const RunRow& r, NodeId n) { return r.row.record.key.node_id < n; };
    run = std::lower_bound(runs_.begin(), runs_.end(), *node, node_below);
    run_end = std::find_if(run, run_end,
                           [&](const RunRow& r) { return r.row.record.key.node_id != *node; });
  }
  for (; run != run_end; ++run) {
    const ExceptionKey& key = run->row.record.key;
    while (base != found.end() && base->key < key) result.push_back((base++)->row);
    if (run->row.kind == RowKind::remove || clears.hides(key, run->as_of)) continue;
    result.push_back(Row{static_cast<std::uint32_t>(run - runs_.begin()) | Row::kRunBit});
  }
  for (; base != found.end(); ++base) result.push_back(base->row);
  return result;
}

void PartitionImage::order_keys() const {
  if (base_->has_key_order() || keys_alone()) return;
  constexpr std::size_t kNodeRowsMax = 256;  // that a byte counts
  const std::uint32_t* const starts = keys_.node_starts;
  for (std::uint32_t node = 0; node < keys_.node_count; ++node) {
    if (starts[node + 1] - starts[node] > kNodeRowsMax) return;
  }
  std::vector<std::uint8_t> places(base_->row_count());
  std::array<std::pair<PropertyHash, std::uint8_t>, kNodeRowsMax> of_node;
  for (std::uint32_t node = 0; node < keys_.node_count; ++node) {
    const std::uint32_t first = starts[node];
    const std::uint32_t count = starts[node + 1] - first;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto hash = catalogue_->hash_of(keys_.property_ids[first + i]);
      if (!hash) return;
      of_node[i] = {*hash, static_cast<std::uint8_t>(i)};
    }
    std::sort(of_node.begin(), of_node.begin() + count);
    for (std::uint32_t i = 0; i < count; ++i) places[first + i] = of_node[i].second;
  }
  base_->set_key_order(places);
}

tl::unexpected<StorageError> PartitionImage::at_fault(const StorageError& error) const {
  return fail(error.within("primary " + describe_key(lower_)));
}

Result<void> PartitionImage::load(ColumnMask columns) const {
  if (!base_) return {};
  if (auto loaded = base_->load(columns); !loaded) return at_fault(loaded.error());
  return {};
}

Result<void> PartitionImage::decode(ColumnMask columns, ColumnValues& out) const {
  if (auto decoded = base_->decode(columns, out); !decoded) return at_fault(decoded.error());
  return {};
}

ExceptionKey PartitionImage::key(Row row) const noexcept {
  if (row.in_run()) return runs_[row.index()].row.record.key;
  return {base_->node(row.index()), property_hash(row)};
}

PropertyHash PartitionImage::property_hash(Row row) const noexcept {
  if (row.in_run()) return runs_[row.index()].row.record.key.property_hash;
  // rows() and find() gave the row out, so the id is known.
  return *catalogue_->hash_of(base_->property_id(row.index()));
}

ExceptionSource PartitionImage::source(Row row) const noexcept {
  return row.in_run() ? runs_[row.index()].row.record.source : base_->source(row.index());
}

float PartitionImage::confidence(Row row) const noexcept {
  return row.in_run() ? runs_[row.index()].row.record.confidence : base_->confidence(row.index());
}

std::int64_t PartitionImage::created_at(Row row) const noexcept {
  return row.in_run() ? runs_[row.index()].row.record.created_at : base_->created_at(row.index());
}

Result<void> PartitionImage::materialise(Row row, ExceptionView& out, RowRoom& room) const {
  if (row.in_run()) {
    out = runs_[row.index()].row.record;
    return {};
  }
  if (auto read = base_->materialise(row.index(), out, room); !read) {
    return at_fault(read.error());
  }
  const auto hash = catalogue_->hash_of(base_->property_id(row.index()));
  if (!hash) return at_fault({ErrorCode::corruption, "a property id is not in the catalogue"});
  out.key.property_hash = *hash;
  return {};
}

std::size_t PartitionImage::row_limit() const noexcept {
  return (base_ ? base_->row_count() : 0) + runs_.size();
}

}  // namespace caveat
