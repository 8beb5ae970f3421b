#include "engine/store/superblock.h"

#include <fmt/format.h>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "engine/store/partition_ids.h"

namespace caveat {

namespace {
constexpr std::uint32_t kMagic = 0x42535643;  // "CVSB"
constexpr std::size_t kChecksumOffset = 56;
static_assert(kSuperblockBytes == kChecksumOffset + 8);
static_assert(kFamilyCount <= 8, "incomplete families are the bits of a byte");
}  // namespace

void Superblock::encode(std::string& out) const {
  const std::size_t start = out.size();
  put_fixed(out, kMagic);
  put_fixed(out, kFormatVersion);
  put_fixed(out, temporal_shift);
  std::uint8_t incomplete = 0;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (!index_complete[i]) incomplete = static_cast<std::uint8_t>(incomplete | 1U << i);
  }
  put_fixed(out, incomplete);
  put_fixed(out, features);
  put_fixed(out, static_cast<std::uint64_t>(created_ns));
  put_fixed(out, folded_through);
  put_fixed(out, partition_ids_end);
  put_fixed(out, dropped_generation);
  put_fixed(out, std::uint64_t{0});
  put_fixed(out, std::uint64_t{XXH3_64bits(out.data() + start, kChecksumOffset)});
}

Result<Superblock> Superblock::decode(std::string_view bytes) {
  // Magic and version first: a newer format may have another length and checksum.
  if (bytes.size() < 8 || get_fixed<std::uint32_t>(bytes, 0) != kMagic) {
    return fail(ErrorCode::corruption, "superblock: wrong magic");
  }
  const auto version = get_fixed<std::uint16_t>(bytes, 4);
  if (version > kFormatVersion) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("superblock: the store has format {}; this caveat knows up to {}",
                            version, kFormatVersion));
  }
  if (version == 0 || bytes.size() != kSuperblockBytes) {
    return fail(ErrorCode::corruption, "superblock: wrong version or length");
  }
  if (get_fixed<std::uint64_t>(bytes, kChecksumOffset) !=
      XXH3_64bits(bytes.data(), kChecksumOffset)) {
    return fail(ErrorCode::corruption, "superblock: checksum differs");
  }
  Superblock block;
  block.temporal_shift = static_cast<std::uint8_t>(bytes[6]);
  const auto incomplete = static_cast<std::uint8_t>(bytes[7]);
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    block.index_complete[i] = (incomplete >> i & 1) == 0;
  }
  block.features = get_fixed<std::uint64_t>(bytes, 8);
  block.created_ns = static_cast<std::int64_t>(get_fixed<std::uint64_t>(bytes, 16));
  block.folded_through = get_fixed<std::uint64_t>(bytes, 24);
  block.partition_ids_end = get_fixed<std::uint64_t>(bytes, 32);
  block.dropped_generation = get_fixed<std::uint64_t>(bytes, 40);
  if (block.temporal_shift > 63 || incomplete >> kFamilyCount != 0 ||
      block.partition_ids_end == 0 || block.partition_ids_end > PartitionIds::kIdsMax ||
      block.folded_through >= kCountersEnd || block.dropped_generation >= kCountersEnd ||
      get_fixed<std::uint64_t>(bytes, 48) != 0) {
    return fail(ErrorCode::corruption, "superblock: impossible field");
  }
  return block;
}

}  // namespace caveat
