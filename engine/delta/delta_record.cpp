// The value of a record (docs/format/delta.md), fixed fields little-endian:
//
//   0  magic      u32   "CVDL"
//   4  version    u8    1
//   5  flags      u8    bit 0: the payload is an LZ4 block
//   6  reserved   u16   0
//   8  count      u32   rows
//  12  raw size   u32   bytes of the rows unpacked
//  16  payload          `count` times: length u32, row; perhaps as one LZ4 block
//  -8  checksum   u64   XXH3-64 of all bytes before it, seeded from the key
//
// and its key, big-endian: generation u64, first sequence u64.
#include "engine/delta/delta_record.h"

#include <fmt/format.h>
#include <lz4.h>
#include <xxhash.h>

#include <cstring>

#include "engine/model/varint.h"
#include "pool/invariant.h"

namespace caveat {
namespace {

constexpr std::uint32_t kMagic = 0x4C445643;  // "CVDL" in the file
constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kFlagLz4 = 1;

struct Header {
  std::uint32_t magic = kMagic;
  std::uint8_t version = kVersion;
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint32_t count = 0;
  std::uint32_t raw_size = 0;
};
static_assert(sizeof(Header) == 16 && offsetof(Header, version) == 4 &&
              offsetof(Header, flags) == 5 && offsetof(Header, reserved) == 6 &&
              offsetof(Header, count) == 8 && offsetof(Header, raw_size) == 12);

constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kRowMinBytes = sizeof(std::uint32_t) + kRowKeyBytes;
static_assert(kMaxDeltaRawBytes <= LZ4_MAX_INPUT_SIZE && kMaxDeltaRawBytes <= UINT32_MAX);

// Below, compressing costs a write more than the log gains.
constexpr std::size_t kCompressFrom = std::size_t{4} << 10;
// No LZ4 block grows more than this when unpacked; a larger claim is refused before allocating.
constexpr std::size_t kLz4RatioMax = 255;

void put_big_endian(std::uint64_t value, char* to) noexcept {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(value));
}
std::uint64_t load_big_endian(const char* from) noexcept {
  return __builtin_bswap64(load_fixed<std::uint64_t>(from));
}

// A record that strayed to another key must not pass: its sequences would be wrong.
std::uint64_t seed_of(const DeltaRecordKey& key) noexcept {
  std::uint64_t seed = key.generation * 0x9E3779B97F4A7C15ULL + key.first_sequence;
  seed = (seed ^ (seed >> 32)) * 0xD6E8FEB86659FD93ULL;
  return seed ^ (seed >> 32);
}

std::string describe(const DeltaRecordKey& key) {
  return fmt::format("delta generation {} sequence {}", key.generation, key.first_sequence);
}
tl::unexpected<StorageError> corrupt(const DeltaRecordKey& key, std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("{}: {}", describe(key), what));
}

// Appends the rows as an LZ4 block if that saves a tenth.
bool append_compressed(std::string_view rows, std::string& out) {
  const std::size_t before = out.size();
  const std::size_t limit = rows.size() - rows.size() / 10;
  out.resize(before + limit);
  const int size = LZ4_compress_default(rows.data(), out.data() + before,
                                        static_cast<int>(rows.size()), static_cast<int>(limit));
  out.resize(before + static_cast<std::size_t>(size));
  return size > 0;
}

Result<void> check_header(const DeltaRecordKey& key, const Header& header, std::size_t payload) {
  if (header.magic != kMagic) return corrupt(key, "the magic is wrong");
  if (header.version == 0) return corrupt(key, "version 0");
  if (header.version > kVersion) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("{}: version {} of the record, and this program knows {}",
                            describe(key), header.version, kVersion));
  }
  if ((header.flags & ~kFlagLz4) != 0) return corrupt(key, "unknown flags");
  if (header.reserved != 0) return corrupt(key, "reserved bytes are not zero");
  if (header.raw_size > kMaxDeltaRawBytes) return corrupt(key, "the raw size is beyond the limit");
  if (header.count == 0 || header.count > header.raw_size / kRowMinBytes) {
    return corrupt(key, "the row count does not go with the raw size");
  }
  if (header.count - 1 > kMaxSequence - key.first_sequence) {
    return corrupt(key, "its sequences overflow");
  }
  const bool packed = (header.flags & kFlagLz4) != 0;
  if (!packed && header.raw_size != payload)
    return corrupt(key, "the raw size is not the payload's");
  if (packed && header.raw_size / kLz4RatioMax > payload) {
    return corrupt(key, "the raw size is more than LZ4 can hold");
  }
  return {};
}

}  // namespace

std::string encode_delta_key(const DeltaRecordKey& key) {
  std::string out(kDeltaKeyBytes, '\0');
  put_big_endian(key.generation, out.data());
  put_big_endian(key.first_sequence, out.data() + 8);
  return out;
}

Result<DeltaRecordKey> decode_delta_key(std::string_view key) {
  if (key.size() != kDeltaKeyBytes) {
    return fail(ErrorCode::corruption,
                fmt::format("delta: a key of {} bytes, not {}", key.size(), kDeltaKeyBytes));
  }
  return DeltaRecordKey{load_big_endian(key.data()), load_big_endian(key.data() + 8)};
}

std::pair<std::string, std::string> delta_generation_range(GenerationId first_id,
                                                           GenerationId last_id) {
  CAVEAT_ASSERT(first_id <= last_id);
  // Of the last possible generation no prefix is the successor: a key longer than any is.
  return {encode_delta_key({first_id, 0}), last_id == ~GenerationId{0}
                                               ? std::string(kDeltaKeyBytes + 1, '\xff')
                                               : encode_delta_key({last_id + 1, 0})};
}

void encode_delta_record(const DeltaRecordKey& key, std::string_view rows, std::size_t count,
                         std::string& out) {
  CAVEAT_ASSERT(count > 0 && rows.size() >= count * kRowMinBytes);
  CAVEAT_ASSERT(rows.size() <= kMaxDeltaRawBytes);
  const std::size_t start = out.size();
  Header header;
  header.count = static_cast<std::uint32_t>(count);
  header.raw_size = static_cast<std::uint32_t>(rows.size());
  put_fixed(header, out);
  if (rows.size() > kCompressFrom && append_compressed(rows, out)) {
    out[start + offsetof(Header, flags)] = static_cast<char>(kFlagLz4);
  } else {
    out.append(rows);
  }
  put_fixed(XXH3_64bits_withSeed(out.data() + start, out.size() - start, seed_of(key)), out);
}

Result<DeltaRecordReader> DeltaRecordReader::open(const DeltaRecordKey& key,
                                                  std::string_view value) {
  if (value.size() < sizeof(Header) + kChecksumBytes) return corrupt(key, "shorter than a header");
  const std::string_view checked = value.substr(0, value.size() - kChecksumBytes);
  const auto checksum = load_fixed<std::uint64_t>(checked.data() + checked.size());
  if (XXH3_64bits_withSeed(checked.data(), checked.size(), seed_of(key)) != checksum) {
    return corrupt(key, "the checksum is wrong");
  }
  const auto header = load_fixed<Header>(value.data());
  const std::string_view payload = checked.substr(sizeof(Header));
  CAVEAT_TRY(check_header(key, header, payload.size()));

  DeltaRecordReader reader;
  reader.key_ = key;
  reader.count_ = header.count;
  reader.compressed_ = (header.flags & kFlagLz4) != 0;
  reader.raw_ = payload;
  if (reader.compressed_) {
    reader.unpacked_.reset(new char[header.raw_size]);  // not zeroed: every byte gets written
    const int size =
        LZ4_decompress_safe(payload.data(), reader.unpacked_.get(),
                            static_cast<int>(payload.size()), static_cast<int>(header.raw_size));
    if (size < 0 || static_cast<std::uint32_t>(size) != header.raw_size) {
      return corrupt(key, "the LZ4 block is damaged");
    }
    reader.raw_ = {reader.unpacked_.get(), header.raw_size};
  }
  reader.rest_ = reader.raw_;
  return reader;
}

Result<bool> DeltaRecordReader::next(DeltaLogRow& row) {
  if (taken_ == count_) {
    if (!rest_.empty()) return corrupt(key_, "bytes after the last row");
    return false;
  }
  const auto bad_row = [&](std::string_view what) {
    return corrupt(key_, fmt::format("row {}: {}", taken_, what));
  };
  if (rest_.size() < sizeof(std::uint32_t)) return bad_row("its length is cut short");
  const auto length = load_fixed<std::uint32_t>(rest_.data());
  rest_.remove_prefix(sizeof(std::uint32_t));
  if (length > rest_.size()) return bad_row("it reaches beyond the end");
  row.encoded = rest_.substr(0, length);
  std::string_view bytes = row.encoded;
  auto decoded = decode_row(bytes);
  if (!decoded) return bad_row(decoded.error().message());
  if (!bytes.empty()) return bad_row("bytes after its end");
  row.row = *decoded;
  row.sequence = key_.first_sequence + taken_;
  rest_.remove_prefix(length);
  ++taken_;
  return true;
}

Result<Sequence> replay_delta_record(const DeltaRecordKey& key, std::string_view value,
                                     Generation& generation) {
  CAVEAT_ASSERT(generation.id() == key.generation);
  if (key.first_sequence <= generation.last_sequence()) {
    return corrupt(key, fmt::format("it overlaps the record before, which ends at {}",
                                    generation.last_sequence()));
  }
  CAVEAT_ASSIGN(DeltaRecordReader reader, DeltaRecordReader::open(key, value));
  DeltaLogRow row;
  for (bool more = true; more;) {
    CAVEAT_ASSIGN(more, reader.next(row));
  }
  generation.insert_rows(key.first_sequence, reader.rows(), reader.count());
  return generation.last_sequence();
}

}  // namespace caveat
