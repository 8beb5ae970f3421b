// Opening blocks: everything is checked and sized before memory is taken, the keys are decoded.
#include <algorithm>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::BlockAllocator;
using detail::BlockMemory;
using detail::ByteReader;
using detail::Carver;
using detail::column_scratch;
using detail::ColumnScratch;
using detail::corrupt_block;

// What open() knows before it takes memory.
struct DecodedBlock::Opening {
  BlockHeader header;
  const Codec* codec = nullptr;
  std::shared_ptr<const CompressionDictionary> dictionary;
  std::array<std::string_view, kBlockColumnCount> columns;
  detail::StringTable strings;
  std::string_view frames;
  std::size_t nodes = 0;
  std::size_t local_properties = 0;  // 0: the block has no local numbers
  bool split = false;
  bool keep_halves = false;
  std::uint64_t reason_bytes = 0;

  [[nodiscard]] Result<void> read(std::string_view block, const BlockResolver& resolver);
  // One row is read without a lock, and its text goes where the reader says.
  [[nodiscard]] bool can_be_keys() const noexcept {
    return strings.apart_bytes == 0 && keep_halves == split;
  }
  [[nodiscard]] Slab carve(BlockForm form, Carver& carver) const noexcept;
  // What was read of `from` is read of `to`, which has the same bytes.
  void move_views(const char* from, const char* to) noexcept;
  [[nodiscard]] std::size_t apart_bytes(const Slab& slab) const noexcept;
  [[nodiscard]] bool decode_nodes(const Slab& slab) const;
  [[nodiscard]] bool decode_properties(const Slab& slab, const detail::RowShape& shape) const;
};

Result<void> DecodedBlock::Opening::read(std::string_view block, const BlockResolver& resolver) {
  CAVEAT_ASSIGN(header, read_header(block));
  if (header.stored_bytes != block.size()) return corrupt_block("stored bytes");
  if (detail::block_checksum(block) != header.checksum) return corrupt_block("wrong checksum");
  if (header.codec_id != 0) {
    CAVEAT_ASSIGN(codec, resolver.codec(header.codec_id));
  }
  if (header.dictionary_id != 0) {
    CAVEAT_ASSIGN(dictionary, resolver.dictionary(header.dictionary_id));
  }
  ByteReader in(block.substr(detail::kHeaderBytes));
  std::array<std::uint64_t, detail::kSectionCount> sizes{};
  for (auto& section : sizes) section = in.varint();
  for (std::size_t c = 0; c < kBlockColumnCount; ++c) columns[c] = in.take(sizes[c]);
  const std::string_view table = in.take(sizes[detail::kStringTable]);
  if (!in.ok()) return corrupt_block("directory");
  frames = in.take(in.left());
  CAVEAT_TRY(detail::parse_string_table(table, frames, header, strings));

  ByteReader node(columns[detail::ordinal(BlockColumn::node)]);
  nodes = node.varint();
  if (!node.ok() || nodes == 0 || nodes > header.row_count) return corrupt_block("column node");
  ByteReader property(columns[detail::ordinal(BlockColumn::property)]);
  local_properties = property.varint();
  if (!property.ok() || local_properties > header.row_count)
    return corrupt_block("column property");
  ByteReader reason(columns[detail::ordinal(BlockColumn::reason)]);
  const std::uint8_t form = reason.byte();
  if (form != detail::kReasonSplit && form != detail::kReasonWhole)
    return corrupt_block("column reason: unknown form");
  split = form == detail::kReasonSplit;
  if (split) reason_bytes = reason.varint();
  if (!reason.ok() || reason_bytes > header.raw_bytes)
    return corrupt_block("column reason: bytes of text");
  return {};
}

DecodedBlock::Slab DecodedBlock::Opening::carve(BlockForm form, Carver& carver) const noexcept {
  const std::size_t rows = header.row_count;
  Slab slab;
  slab.nodes = carver.take<NodeId>(nodes);
  slab.node_starts = carver.take<std::uint32_t>(nodes + 1);
  slab.property_ids = carver.take<std::uint32_t>(rows);
  if (form == BlockForm::keys) {
    if (local_properties != 0) slab.property_of_row = carver.take<std::uint16_t>(rows);
    slab.parts = carver.take<Parts>(1);
    slab.encoded = carver.take<char>(header.stored_bytes);
    return slab;
  }
  slab.rows = carver.take<Row>(rows);
  slab.text = carver.take<char>(strings.slab_bytes + detail::kTextSlack);
  const bool join = split && !keep_halves;
  const bool join_here = join && reason_bytes <= detail::kTextInlineMax;
  if (join_here) slab.joined = carver.take<char>(reason_bytes + detail::kTextSlack);
  if (local_properties != 0) slab.property_of_row = carver.take<std::uint16_t>(rows);
  slab.starts = carver.take<std::uint16_t>(std::size_t{strings.string_count} + strings.frame_count);
  slab.frames = carver.take<detail::Frame>(strings.frame_count);
  slab.stretches = carver.take<detail::Stretch>(strings.stretches());
  if (join && !join_here) slab.joined_apart = carver.take<std::string_view>(rows);
  slab.parts = carver.take<Parts>(1);
  return slab;
}

void DecodedBlock::Opening::move_views(const char* from, const char* to) noexcept {
  const auto move = [&](std::string_view& view) {
    if (!view.empty()) view = {to + (view.data() - from), view.size()};
  };
  for (std::string_view& column : columns) move(column);
  move(strings.frame_table);
  move(strings.lengths);
  move(frames);
}

// What is not in the slab, as chunks are rounded.
std::size_t DecodedBlock::Opening::apart_bytes(const Slab& slab) const noexcept {
  std::size_t apart = strings.apart_bytes;
  if (split && !keep_halves && slab.joined == nullptr) apart += reason_bytes;
  return apart == 0 ? 0 : apart + apart / 8 + Arena::kFirstChunkBytes;
}

bool DecodedBlock::Opening::decode_nodes(const Slab& slab) const {
  const std::size_t rows = header.row_count;
  ByteReader in(columns[detail::ordinal(BlockColumn::node)]);
  static_cast<void>(in.varint());
  if (!detail::decode_ints(in, nullptr, std::span(slab.nodes, nodes))) return false;
  bool ascending = true;
  for (std::size_t i = 1; i < nodes; ++i) ascending &= slab.nodes[i] > slab.nodes[i - 1];
  if (!ascending) return false;
  const auto lengths = ColumnScratch::sized(column_scratch().narrow, nodes);  // less one
  if (nodes == 1)
    lengths[0] = static_cast<std::uint32_t>(rows - 1);
  else if (!detail::decode_ints(in, nullptr, lengths))
    return false;
  if (!in.ok() || in.left() != 0) return false;
  const auto node_of_row = ColumnScratch::sized(column_scratch().node_of_row, rows);
  std::size_t at = 0;
  for (std::size_t i = 0; i < nodes; ++i) {
    if (lengths[i] >= rows - at) return false;
    slab.node_starts[i] = static_cast<std::uint32_t>(at);
    const std::size_t end = at + lengths[i] + 1;
    for (; at < end; ++at) node_of_row[at] = static_cast<std::uint16_t>(i);
    if (at == rows && i + 1 < nodes) return false;
  }
  if (slab.rows != nullptr)
    for (std::size_t row = 0; row < at; ++row) slab.rows[row].node = node_of_row[row];
  slab.node_starts[nodes] = static_cast<std::uint32_t>(at);
  return at == rows;
}

bool DecodedBlock::Opening::decode_properties(const Slab& slab,
                                              const detail::RowShape& shape) const {
  const std::size_t rows = header.row_count;
  ByteReader in(columns[detail::ordinal(BlockColumn::property)]);
  static_cast<void>(in.varint());
  ColumnScratch& scratch = column_scratch();
  if (local_properties == 0) {
    const auto wide = ColumnScratch::sized(scratch.wide, rows);
    if (!detail::decode_ints(in, &shape, wide) || in.left() != 0) return false;
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      any |= wide[i];
      slab.property_ids[i] = static_cast<std::uint32_t>(wide[i]);
    }
    if (any > 0xFFFFFFFF) return false;
  } else {
    const auto ids = ColumnScratch::sized(scratch.wide, local_properties);
    const auto numbers = ColumnScratch::sized(scratch.narrow, rows);
    const auto used = ColumnScratch::sized(scratch.other, local_properties);
    if (!detail::decode_ints(in, nullptr, ids)) return false;
    if (!detail::decode_ints(in, &shape, numbers) || in.left() != 0) return false;
    for (std::size_t i = 1; i < ids.size(); ++i)
      if (ids[i] <= ids[i - 1]) return false;
    if (ids.back() > 0xFFFFFFFF) return false;
    // Every local number must be used: columns that follow the property rely on it.
    std::fill(used.begin(), used.end(), 0U);
    for (std::size_t i = 0; i < rows; ++i) {
      const std::uint32_t number = numbers[i];
      if (number >= local_properties) return false;
      used[number] = 1;
      slab.property_of_row[i] = static_cast<std::uint16_t>(number);
      slab.property_ids[i] = static_cast<std::uint32_t>(ids[number]);
    }
    for (const std::uint32_t each : used)
      if (each == 0) return false;
  }
  bool ascending = true;
  for (std::size_t i = 1; i < rows; ++i)
    ascending &= (slab.property_ids[i] > slab.property_ids[i - 1]) |
                 (shape.node_of_row[i] != shape.node_of_row[i - 1]);
  return ascending;
}

Result<std::shared_ptr<const DecodedBlock>> DecodedBlock::open(
    std::shared_ptr<const std::string> bytes, std::size_t offset, std::size_t size,
    const BlockResolver& resolver, Reasons reasons, BlockForm form) {
  if (offset > bytes->size() || size > bytes->size() - offset)
    return corrupt_block("passes the end of its container");
  const std::string_view encoded = std::string_view(*bytes).substr(offset, size);
  Opening opening;
  CAVEAT_TRY(opening.read(encoded, resolver));
  opening.keep_halves = opening.split && reasons == Reasons::halves;

  if (reasons != Reasons::halves || !opening.can_be_keys()) form = BlockForm::columns;

  Carver sizing;
  static_cast<void>(opening.carve(form, sizing));
  BlockMemory memory{resolver.memory(), sizing.bytes(), nullptr, 0};
  MemoryPool& pool = *memory.pool;
  const auto opened =
      std::allocate_shared<DecodedBlock>(BlockAllocator<DecodedBlock>(&memory), Passkey());
  DecodedBlock& block = *opened;
  Carver carver(memory.slab);
  const Slab slab = opening.carve(form, carver);
  Parts* const parts = block.parts_ = ::new (static_cast<void*>(slab.parts)) Parts(pool, slab);
  if (form == BlockForm::keys) {
    std::copy(encoded.begin(), encoded.end(), slab.encoded);
    opening.move_views(encoded.data(), slab.encoded);
  } else {
    parts->owner = std::move(bytes);
  }
  parts->codec = opening.codec;
  parts->dictionary = opening.dictionary.get();
  parts->dictionary_owner = std::move(opening.dictionary);
  parts->counters = resolver.counters();
  parts->columns = opening.columns;
  parts->frames = opening.frames;
  parts->strings = opening.strings;
  parts->split = opening.split;
  parts->keep_halves = opening.keep_halves;
  parts->reason_bytes = opening.reason_bytes;
  parts->frames_left = opening.strings.frame_count;
  // Block, parts, nodes, their starts, their rows, property ids and local numbers, frames.
  parts->pieces = opening.local_properties != 0 ? 8 : 7;
  if (form == BlockForm::columns)
    detail::list_frames(opening.strings, opening.frames, slab.frames, slab.stretches);

  if (!opening.decode_nodes(slab)) return corrupt_block("column node");
  parts->row_count = opening.header.row_count;
  parts->node_count = static_cast<std::uint32_t>(opening.nodes);
  // Of what was just read; the properties are what is read next.
  const detail::RowShape shape{
      std::span(column_scratch().node_of_row).first(parts->row_count), parts->node_count, {}, 0};
  if (!opening.decode_properties(slab, shape)) return corrupt_block("column property");
  parts->property_count = static_cast<std::uint32_t>(opening.local_properties);

  block.header_ = opening.header;
  block.row_count_ = opening.header.row_count;
  block.keys_ = {slab.nodes, slab.node_starts, slab.property_ids, slab.rows,
                 static_cast<std::uint32_t>(opening.nodes)};
  block.in_halves_ = opening.keep_halves;
  block.text_ = slab.text;
  block.reasons_ = opening.split ? slab.joined : slab.text;

  block.charge_bytes_ = memory.chunk_bytes;
  if (form == BlockForm::columns) block.charge_bytes_ += size + opening.apart_bytes(slab);
  return std::shared_ptr<const DecodedBlock>(opened);
}

}  // namespace caveat
