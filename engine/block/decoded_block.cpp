// Opening and reading blocks.
#include <algorithm>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::ByteReader;
using detail::corrupt_block;

namespace {

// The keys are all that open decodes: find() needs nothing else.
struct Keys {
  std::vector<NodeId>& nodes;
  std::vector<std::uint32_t>& starts;
  std::vector<std::uint16_t>& node_of_row;
  std::vector<std::uint32_t>& properties;
  std::vector<std::uint16_t>& property_of_row;
};

bool decode_nodes(std::string_view section, std::size_t rows, Keys& keys) {
  ByteReader in(section);
  const std::uint64_t count = in.varint();
  if (!in.ok() || count == 0 || count > rows) return false;
  keys.nodes.resize(count);
  if (!detail::decode_ints(in, nullptr, keys.nodes)) return false;
  for (std::size_t i = 1; i < count; ++i)
    if (keys.nodes[i] <= keys.nodes[i - 1]) return false;
  thread_local std::vector<std::uint64_t> lengths;  // less one
  lengths.resize(count);
  if (count == 1)
    lengths[0] = rows - 1;
  else if (!detail::decode_ints(in, nullptr, lengths))
    return false;
  if (!in.ok() || in.left() != 0) return false;
  keys.starts.reserve(count + 1);
  keys.node_of_row.reserve(rows);
  keys.starts.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = keys.node_of_row.size();
    if (lengths[i] >= rows - at) return false;
    keys.node_of_row.insert(keys.node_of_row.end(), lengths[i] + 1, static_cast<std::uint16_t>(i));
    keys.starts.push_back(static_cast<std::uint32_t>(keys.node_of_row.size()));
  }
  return keys.node_of_row.size() == rows;
}

bool decode_properties(std::string_view section, detail::RowShape& shape, Keys& keys) {
  const std::size_t rows = shape.node_of_row.size();
  ByteReader in(section);
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > rows) return false;
  thread_local std::vector<std::uint64_t> ids;
  thread_local std::vector<std::uint64_t> values;
  ids.resize(count);
  values.resize(rows);
  if (count != 0 && !detail::decode_ints(in, nullptr, ids)) return false;
  if (!detail::decode_ints(in, &shape, values) || in.left() != 0) return false;
  if (count != 0) {
    for (std::size_t i = 1; i < count; ++i)
      if (ids[i] <= ids[i - 1]) return false;
    // Every local number must be used: columns that follow the property rely on it.
    thread_local std::vector<std::uint8_t> used;
    used.assign(count, 0);
    std::size_t distinct = 0;
    keys.property_of_row.reserve(rows);
    for (auto& value : values) {
      if (value >= count) return false;
      distinct += used[value] == 0;
      used[value] = 1;
      keys.property_of_row.push_back(static_cast<std::uint16_t>(value));
      value = ids[value];
    }
    if (distinct != count) return false;
    shape.property_of_row = keys.property_of_row;
    shape.property_count = static_cast<std::uint32_t>(count);
  }
  keys.properties.reserve(rows);
  for (std::size_t i = 0; i < rows; ++i) {
    if (values[i] > 0xFFFFFFFF) return false;
    const auto id = static_cast<std::uint32_t>(values[i]);
    if (i != 0 && shape.node_of_row[i] == shape.node_of_row[i - 1] && id <= keys.properties.back())
      return false;
    keys.properties.push_back(id);
  }
  return true;
}

}  // namespace

DecodedBlock::DecodedBlock() : parts_(std::make_unique<Parts>()) {}
DecodedBlock::~DecodedBlock() = default;

Result<std::shared_ptr<const DecodedBlock>> DecodedBlock::open(
    std::shared_ptr<const std::string> bytes, std::size_t offset, std::size_t size,
    const BlockResolver& resolver) {
  if (offset > bytes->size() || size > bytes->size() - offset)
    return corrupt_block("passes the end of its container");
  const std::string_view block = std::string_view(*bytes).substr(offset, size);
  std::shared_ptr<DecodedBlock> opened(new DecodedBlock());
  Parts& parts = *opened->parts_;
  CAVEAT_ASSIGN(opened->header_, read_header(block));
  const BlockHeader& header = opened->header_;
  if (header.stored_bytes != size) return corrupt_block("stored bytes");
  if (detail::block_checksum(block) != header.checksum) return corrupt_block("wrong checksum");
  parts.owner = std::move(bytes);
  parts.block = block;
  if (header.codec_id != 0) {
    CAVEAT_ASSIGN(parts.codec, resolver.codec(header.codec_id));
  }
  if (header.dictionary_id != 0) {
    CAVEAT_ASSIGN(parts.dictionary, resolver.dictionary(header.dictionary_id));
  }
  parts.counters = resolver.counters();

  ByteReader in(block.substr(detail::kHeaderBytes));
  std::array<std::uint64_t, detail::kSectionCount> sizes{};
  for (auto& section : sizes) section = in.varint();
  for (std::size_t c = 0; c < kBlockColumnCount; ++c) parts.columns[c] = in.take(sizes[c]);
  const std::string_view table = in.take(sizes[detail::kStringTable]);
  if (!in.ok()) return corrupt_block("directory");
  CAVEAT_TRY(detail::parse_string_table(table, in.take(in.left()), header, parts.strings));

  Keys keys{opened->nodes_, opened->node_starts_, opened->node_of_row_, opened->property_ids_,
            parts.property_of_row};
  if (!decode_nodes(parts.columns[0], header.row_count, keys)) return corrupt_block("column node");
  parts.shape = {opened->node_of_row_, static_cast<std::uint32_t>(opened->nodes_.size()), {}, 0};
  if (!decode_properties(parts.columns[1], parts.shape, keys))
    return corrupt_block("column property");

  ByteReader reason(parts.columns[static_cast<std::size_t>(BlockColumn::reason)]);
  const std::uint8_t form = reason.byte();
  if (form == detail::kReasonSplit)
    parts.reason_bytes = reason.varint();
  else if (form != detail::kReasonWhole)
    return corrupt_block("column reason: unknown form");
  if (!reason.ok() || parts.reason_bytes > header.raw_bytes)
    return corrupt_block("column reason: bytes of text");

  std::size_t charge = sizeof(DecodedBlock) + sizeof(Parts) + size;
  charge += opened->nodes_.size() * (sizeof(NodeId) + sizeof(std::uint32_t));
  // node number, property id, its local number, source, confidence, time, 2 tags, 3 indices
  charge += std::size_t{header.row_count} * (2 + 4 + 1 + 4 + 8 + 2 + 6);
  charge += parts.property_of_row.size() * 2;
  charge += std::size_t{parts.strings.string_count} * 4;
  if (!parts.strings.separated) charge += std::size_t{parts.strings.string_count} * 4;
  for (std::size_t f = 0; f < parts.strings.frame_count; ++f)
    charge +=
        sizeof(detail::Frame) + sizeof(detail::InflatedFrame) + parts.strings.frames[f].raw_bytes;
  if (form == detail::kReasonSplit)  // the second half's number, the text and where it is
    charge += parts.reason_bytes + std::size_t{header.row_count} * (2 + sizeof(char*));
  charge += 16 * 24;  // allocator's overhead, about
  opened->charge_bytes_ = charge;
  return std::shared_ptr<const DecodedBlock>(std::move(opened));
}

std::pair<std::uint32_t, std::uint32_t> DecodedBlock::node_range(NodeId node) const noexcept {
  const NodeId* base = nodes_.data();
  for (std::size_t left = nodes_.size(); left > 1;) {
    const std::size_t half = left / 2;
    base = base[half] <= node ? base + half : base;  // a conditional move, no branch to mispredict
    left -= half;
  }
  const auto at = static_cast<std::size_t>(base - nodes_.data());
  if (*base == node) return {node_starts_[at], node_starts_[at + 1]};
  const std::uint32_t where = node_starts_[at + (*base < node ? 1 : 0)];
  return {where, where};
}

std::optional<std::uint32_t> DecodedBlock::find(NodeId node,
                                                std::uint32_t property_id) const noexcept {
  const auto [first, last] = node_range(node);
  if (first == last) return std::nullopt;
  const std::uint32_t* base = property_ids_.data() + first;
  for (std::size_t left = last - first; left > 1;) {
    const std::size_t half = left / 2;
    base = base[half] <= property_id ? base + half : base;
    left -= half;
  }
  if (*base != property_id) return std::nullopt;
  return static_cast<std::uint32_t>(base - property_ids_.data());
}

Result<void> DecodedBlock::load(ColumnMask columns) const {
  Parts& p = *parts_;
  const ColumnMask missing = columns & ~p.checked.load(std::memory_order_acquire);
  if (missing == 0) return {};
  if ((missing & mask_of(BlockColumn::source)) != 0) CAVEAT_TRY(p.load_sources());
  if ((missing & mask_of(BlockColumn::confidence)) != 0) CAVEAT_TRY(p.load_confidences());
  if ((missing & mask_of(BlockColumn::created_at)) != 0) CAVEAT_TRY(p.load_created_ats());
  for (unsigned which = 0; which < 3; ++which) {
    const auto column =
        static_cast<BlockColumn>(static_cast<unsigned>(BlockColumn::inherited) + which);
    if ((missing & mask_of(column)) == 0) continue;
    CAVEAT_TRY(p.check_values(which));
  }
  p.checked.fetch_or(missing, std::memory_order_release);
  return {};
}

std::span<const ExceptionSource> DecodedBlock::sources() const noexcept {
  const auto* loaded = parts_->sources.get();
  CAVEAT_ASSERT(loaded != nullptr);
  return *loaded;
}

std::span<const float> DecodedBlock::confidences() const noexcept {
  const auto* loaded = parts_->confidences.get();
  CAVEAT_ASSERT(loaded != nullptr);
  return *loaded;
}

std::span<const std::int64_t> DecodedBlock::created_ats() const noexcept {
  const auto* loaded = parts_->created_ats.get();
  CAVEAT_ASSERT(loaded != nullptr);
  return *loaded;
}

ExceptionView DecodedBlock::view(std::uint32_t row) const noexcept {
  const Parts& p = *parts_;
  CAVEAT_ASSERT(row < row_count() && p.checked.load() == kAllColumns);
  const auto value = [&](unsigned which) {
    const detail::ValueColumn& column = *p.value_columns[which].get();
    return ValueView(static_cast<ValueKind>(column.tags[row]), p.loaded_string(column.index[row]));
  };
  ExceptionView view;
  view.key.node_id = node(row);
  view.inherited_value = value(0);
  view.actual_value = value(1);
  view.reason = p.loaded_reason(row);
  view.created_at = (*p.created_ats.get())[row];
  view.confidence = (*p.confidences.get())[row];
  view.source = (*p.sources.get())[row];
  return view;
}

Result<void> DecodedBlock::materialise(std::uint32_t row, ExceptionView& out) const {
  Parts& p = *parts_;
  if (row >= row_count())
    return tl::make_unexpected(
        StorageError{ErrorCode::invalid_argument, "row is not in the block"});
  const PropertyHash hash = out.key.property_hash;
  if (p.checked.load(std::memory_order_acquire) == kAllColumns) {
    out = view(row);
    out.key.property_hash = hash;
    return {};
  }
  CAVEAT_ASSIGN(const auto* sources, p.load_sources());
  CAVEAT_ASSIGN(const auto* confidences, p.load_confidences());
  CAVEAT_ASSIGN(const auto* times, p.load_created_ats());
  const auto value = [&](unsigned which) -> Result<ValueView> {
    CAVEAT_ASSIGN(const auto* column, p.load_values(which));
    CAVEAT_ASSIGN(const std::string_view text, p.string(column->index[row]));
    return checked_value(column->tags[row], text);
  };
  CAVEAT_ASSIGN(out.inherited_value, value(0));
  CAVEAT_ASSIGN(out.actual_value, value(1));
  CAVEAT_ASSIGN(out.reason, p.reason(row));
  out.key.node_id = node(row);
  out.created_at = (*times)[row];
  out.confidence = (*confidences)[row];
  out.source = (*sources)[row];
  return {};
}

}  // namespace caveat
