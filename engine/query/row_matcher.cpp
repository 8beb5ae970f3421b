#include "engine/query/row_matcher.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace caveat::detail {
namespace {

// keep[i] &= test(column[i]); no branch inside: tests hit and miss at random.
template <class Column, class Test>
void narrow(std::vector<std::uint8_t>& keep, const Column& column, const Test& test) {
  std::uint8_t* const to = keep.data();
  const std::size_t count = keep.size();
  for (std::size_t i = 0; i < count; ++i) to[i] &= static_cast<std::uint8_t>(test(column[i]));
}

}  // namespace

RowMatcher::RowMatcher(const QueryContext& context, const ReadView& view,
                       const Conditions& conditions)
    : catalogue_(context.catalogue),
      clears_(*view.version->clears),
      delta_(view.delta()),
      conditions_(conditions),
      delta_rows_(delta_.any_rows() || delta_.has_clears()),
      delta_clears_(delta_.has_clears()) {
  if (conditions_.property) property_id_ = catalogue_.find(*conditions_.property);
}

// Rows of one property. Most stretches hold none: they are passed over without a branch a row.
void RowMatcher::select_property(std::span<const std::uint32_t> ids, std::uint32_t begin,
                                 PropertyId id, std::vector<std::uint32_t>& selected) {
  constexpr std::size_t kStretch = 64;
  constexpr std::size_t kPart = 8;
  const auto any = [&](std::size_t from, std::size_t count) {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < count; ++i) found |= ids[from + i] == id ? 1U : 0U;
    return found != 0;
  };
  const auto look = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      if (ids[i] == id) selected.push_back(begin + static_cast<std::uint32_t>(i));
    }
  };
  std::size_t i = 0;
  for (; i + kStretch <= ids.size(); i += kStretch) {
    if (!any(i, kStretch)) continue;
    for (std::size_t part = i; part < i + kStretch; part += kPart) {
      if (any(part, kPart)) look(part, part + kPart);
    }
  }
  look(i, ids.size());
}

void RowMatcher::look_ahead(std::span<const std::shared_ptr<const PartitionImage>> images) {
  ahead_.clear();
  ahead_rows_.clear();
  // Other conditions read whole columns, and one node's rows lie together.
  const Conditions& c = conditions_;
  const bool others = c.node || c.nodes || c.source || c.confidence || c.time;
  if (!property_id_ || others || images.size() < 2) return;
  for (const auto& image : images) {
    if (image->base() != nullptr) image->base()->prefetch_property_ids();
  }
  for (const auto& image : images) {
    const DecodedBlock* block = image->base();
    if (block == nullptr) continue;
    const std::size_t first = ahead_rows_.size();
    select_property(block->property_ids(), 0, *property_id_, ahead_rows_);
    for (std::size_t i = first; i < ahead_rows_.size(); ++i) block->prefetch_row(ahead_rows_[i]);
    ahead_.push_back({block, first, ahead_rows_.size()});
  }
  for (const Ahead& ahead : ahead_) {
    for (std::size_t i = ahead.first; i < ahead.last; ++i) {
      ahead.block->prefetch_record(ahead_rows_[i]);
    }
  }
}

Result<void> RowMatcher::select(const PartitionImage& image, bool in_key_order) {
  selected_.clear();
  const DecodedBlock* block = image.base();
  if (block == nullptr || conditions_.impossible) return {};
  if (conditions_.property && !property_id_) return {};

  ColumnMask needed = extra_;
  if (conditions_.source) needed |= mask_of(BlockColumn::source);
  if (conditions_.confidence) needed |= mask_of(BlockColumn::confidence);
  if (conditions_.time) needed |= mask_of(BlockColumn::created_at);
  const bool keys_alone = image.keys_alone();
  if (needed != 0) CAVEAT_TRY(keys_alone ? image.decode(needed, values_) : image.load(needed));

  std::uint32_t begin = 0;
  std::uint32_t end = block->row_count();
  if (conditions_.node) std::tie(begin, end) = block->node_range(*conditions_.node);
  if (conditions_.nodes) {
    begin = block->node_range(conditions_.nodes->first).first;
    end = block->node_range(conditions_.nodes->last).second;
  }
  const std::size_t count = end - begin;
  const bool columns = conditions_.source || conditions_.confidence || conditions_.time;
  if (!columns && conditions_.property) {
    const auto known = std::find_if(ahead_.begin(), ahead_.end(),
                                    [&](const Ahead& ahead) { return ahead.block == block; });
    if (known != ahead_.end()) {
      const auto rows = std::span(ahead_rows_).subspan(known->first, known->last - known->first);
      selected_.assign(rows.begin(), rows.end());
    } else {
      select_property(block->property_ids().subspan(begin, count), begin, *property_id_, selected_);
    }
    return {};
  }
  // Rows in the order of keys save sorting them; working that out pays for who reads many.
  const auto ordered = [&](std::size_t selected) {
    if (in_key_order && selected * 2 > block->row_count()) image.order_keys();
    return in_key_order && block->has_key_order();
  };
  selected_.resize(count);
  if (!columns) {
    if (!ordered(count)) {
      std::iota(selected_.begin(), selected_.end(), begin);
      return {};
    }
    for (std::uint32_t i = 0; i < count; ++i) selected_[i] = block->row_in_key_order(begin + i);
    return {};
  }

  keep_.assign(count, 1);
  const auto part = [&](auto column) { return column.subspan(begin, count); };
  // A column of the block, or what was decoded of it.
  const auto narrow_by = [&](auto column, const auto& decoded, const auto& test) {
    if (keys_alone) {
      narrow(keep_, part(std::span(decoded)), test);
    } else {
      narrow(keep_, part((block->*column)()), test);
    }
  };
  if (conditions_.property) {
    narrow(keep_, part(block->property_ids()),
           [id = *property_id_](std::uint32_t value) { return value == id; });
  }
  if (conditions_.source) {
    narrow_by(&DecodedBlock::sources, values_.sources,
              [source = *conditions_.source](ExceptionSource value) { return value == source; });
  }
  if (conditions_.confidence) {
    narrow_by(&DecodedBlock::confidences, values_.confidences,
              [range = *conditions_.confidence](float value) {
                return static_cast<int>(value >= range.min) & static_cast<int>(value <= range.max);
              });
  }
  if (conditions_.time) {
    narrow_by(&DecodedBlock::created_ats, values_.created_ats,
              [range = *conditions_.time](std::int64_t value) {
                return static_cast<int>(value >= range.start_ns) &
                       static_cast<int>(value <= range.end_ns);
              });
  }
  const bool by_key = ordered(std::accumulate(keep_.begin(), keep_.end(), std::size_t{0}));
  std::size_t kept = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t row = by_key ? block->row_in_key_order(begin + i) : begin + i;
    selected_[kept] = row;
    kept += keep_[row - begin];
  }
  selected_.resize(kept);
  return {};
}

// Keys of the selected rows, in the store's order.
Result<void> RowMatcher::key_base(const PartitionImage& image, std::vector<Match>& out) const {
  const DecodedBlock& block = *image.base();
  const auto ids = block.property_ids();
  out.resize(selected_.size());
  Match* to = out.data();
  bool sorted = true;
  for (const std::uint32_t row : selected_) {
    const auto hash = conditions_.property ? conditions_.property : catalogue_.hash_of(ids[row]);
    if (!hash) [[unlikely]] {
      return image.at_fault(
          {ErrorCode::corruption,
           fmt::format("block row {}: property id {} is not in the catalogue", row, ids[row])});
    }
    *to = {{block.node(row), *hash}, PartitionImage::Row{row}};
    if (to != out.data() && to->key < to[-1].key) sorted = false;
    ++to;
  }
  const bool check_bounds = !image.base_is_inside();
  const bool check_clears = clears_.newest() > block.as_of();
  if (check_bounds || check_clears) [[unlikely]] {
    std::erase_if(out, [&](const Match& match) {
      const ExceptionKey& key = match.key;
      const bool inside = key >= image.lower() && (!image.upper() || key < *image.upper());
      return !inside || (check_clears && clears_.hides(key, block.as_of()));
    });
  }
  if (sorted) return {};
  // Blocks are ordered by property id within a node; the store's order is by hash.
  const auto by_key = [](const Match& a, const Match& b) { return a.key < b.key; };
  for (auto first = out.begin(); first != out.end();) {
    const auto end = std::find_if(first, out.end(), [node = first->key.node_id](const Match& m) {
      return m.key.node_id != node;
    });
    std::sort(first, end, by_key);
    first = end;
  }
  return {};
}

bool RowMatcher::run_matches(const ExceptionView& record) const noexcept {
  const Conditions& c = conditions_;
  if (c.impossible) return false;
  const NodeId node = record.key.node_id;
  if (c.node && node != *c.node) return false;
  if (c.nodes && (node < c.nodes->first || node > c.nodes->last)) return false;
  if (c.property && record.key.property_hash != *c.property) return false;
  if (c.source && record.source != *c.source) return false;
  if (c.confidence &&
      !(record.confidence >= c.confidence->min && record.confidence <= c.confidence->max)) {
    return false;
  }
  return !c.time || (record.created_at >= c.time->start_ns && record.created_at <= c.time->end_ns);
}

// Run rows replace base rows of their key, whether they match or not.
void RowMatcher::merge_runs(const PartitionImage& image, std::vector<Match>& out) {
  merged_.clear();
  const auto runs = image.run_rows();
  auto base = out.begin();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunRow& run = runs[i];
    const ExceptionKey& key = run.row.record.key;
    while (base != out.end() && base->key < key) merged_.push_back(*base++);
    if (base != out.end() && base->key == key) ++base;
    if (run.row.kind != RowKind::store || !run_matches(run.row.record)) continue;
    if (clears_.hides(key, run.as_of)) continue;
    const auto row = static_cast<std::uint32_t>(i) | PartitionImage::Row::kRunBit;
    merged_.push_back({key, PartitionImage::Row{row}});
  }
  merged_.insert(merged_.end(), base, out.end());
  out.swap(merged_);
}

// The delta decides about its keys: what the partition holds of them is out of date.
void RowMatcher::drop_shadowed(std::vector<Match>& out) const {
  std::size_t kept = 0;
  bool node_asked = false;
  NodeId node = 0;
  bool ask_keys = false;
  for (const Match& match : out) {
    if (!node_asked || match.key.node_id != node) {
      node_asked = true;
      node = match.key.node_id;
      // One question for all of a node's keys; a clear of a property may hit any node.
      ask_keys = delta_clears_ || delta_.may_have_node(node);
    }
    if (ask_keys && delta_.shadows(match.key)) continue;
    out[kept++] = match;
  }
  out.resize(kept);
}

Result<void> RowMatcher::match(const PartitionImage& image, std::vector<Match>& out) {
  out.clear();
  CAVEAT_TRY(select(image, true));
  if (!selected_.empty()) CAVEAT_TRY(key_base(image, out));
  if (image.has_runs()) merge_runs(image, out);
  held_match_ = !out.empty();
  if (delta_rows_ && !out.empty()) drop_shadowed(out);
  return {};
}

Result<std::uint64_t> RowMatcher::count(const PartitionImage& image) {
  const DecodedBlock* block = image.base();
  const bool plain = block != nullptr && !image.has_runs() && !delta_rows_ &&
                     clears_.newest() <= block->as_of() && image.base_is_inside();
  if (plain) {
    CAVEAT_TRY(select(image, false));
    held_match_ = !selected_.empty();
    return selected_.size();
  }
  CAVEAT_TRY(match(image, counted_));
  return counted_.size();
}

}  // namespace caveat::detail
