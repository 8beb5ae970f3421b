// Headers: what can be told of a block without reading it.
#include "engine/block/decoded_parts.h"
#include "engine/block/layout.h"

namespace caveat {

using detail::corrupt_block;
using detail::get_fixed;

bool is_block(std::string_view bytes) noexcept {
  return bytes.size() >= sizeof(std::uint32_t) &&
         get_fixed<std::uint32_t>(bytes.data() + detail::kMagicAt) == detail::kBlockMagic;
}

Result<BlockHeader> read_header(std::string_view bytes) {
  if (bytes.size() < detail::kHeaderBytes) return corrupt_block("shorter than its header");
  if (!is_block(bytes)) return corrupt_block("wrong magic");
  const char* p = bytes.data();
  BlockHeader header;
  header.stored_bytes = get_fixed<std::uint32_t>(p + detail::kStoredBytesAt);
  header.checksum = get_fixed<std::uint64_t>(p + detail::kChecksumAt);
  header.version = get_fixed<std::uint8_t>(p + detail::kVersionAt);
  header.codec_id = get_fixed<CodecId>(p + detail::kCodecAt);
  header.row_count = get_fixed<std::uint16_t>(p + detail::kRowCountAt);
  header.dictionary_id = get_fixed<std::uint32_t>(p + detail::kDictionaryAt);
  header.as_of = get_fixed<Sequence>(p + detail::kAsOfAt);
  header.raw_bytes = get_fixed<std::uint32_t>(p + detail::kRawBytesAt);
  if (header.version == 0) return corrupt_block("version 0");
  if (header.version > detail::kBlockVersion)
    return tl::make_unexpected(StorageError{ErrorCode::unsupported_format,
                                            "block: version " + std::to_string(header.version) +
                                                " is newer than " +
                                                std::to_string(detail::kBlockVersion)});
  if (header.row_count == 0 || header.row_count > kMaxBlockRows) return corrupt_block("row count");
  if (header.stored_bytes <= detail::kHeaderBytes || header.stored_bytes > bytes.size())
    return corrupt_block("stored bytes");
  return header;
}

Result<std::size_t> segment_bytes(std::string_view bytes) {
  CAVEAT_ASSIGN(const BlockHeader header, read_header(bytes));
  return header.stored_bytes;
}

std::string_view to_string(BlockColumn column) noexcept {
  switch (column) {
    case BlockColumn::node:
      return "node";
    case BlockColumn::property:
      return "property";
    case BlockColumn::source:
      return "source";
    case BlockColumn::confidence:
      return "confidence";
    case BlockColumn::created_at:
      return "created_at";
    case BlockColumn::inherited:
      return "inherited";
    case BlockColumn::actual:
      return "actual";
    case BlockColumn::reason:
      return "reason";
  }
  return "unknown";
}

Result<std::shared_ptr<const CompressionDictionary>> SimpleBlockResolver::dictionary(
    std::uint32_t id) const {
  for (const auto& dictionary : dictionaries_)
    if (dictionary->id == id) return dictionary;
  return tl::make_unexpected(StorageError{
      ErrorCode::corruption, "block: dictionary " + std::to_string(id) + " is not there"});
}

Result<CompressedBlock> CompressedBlock::encode(std::span<const BlockRow> rows,
                                                const BlockContext& context) {
  std::string bytes;
  CAVEAT_TRY(encode_block(rows, context, bytes));
  return from_bytes(std::move(bytes));
}

Result<CompressedBlock> CompressedBlock::from_bytes(std::string bytes) {
  CompressedBlock block;
  CAVEAT_ASSIGN(block.header_, read_header(bytes));
  if (block.header_.stored_bytes != bytes.size()) return corrupt_block("bytes after its end");
  block.bytes_ = std::make_shared<const std::string>(std::move(bytes));
  return block;
}

}  // namespace caveat
