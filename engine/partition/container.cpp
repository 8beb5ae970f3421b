#include "engine/partition/container.h"

#include <fmt/format.h>

#include "caveat/compressed_block.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"
#include "pool/invariant.h"

namespace caveat {

namespace {

constexpr std::uint8_t kContainerVersion = 1;
constexpr std::uint8_t kRunVersion = 1;
constexpr std::size_t kRunChecksumOffset = 24;

// A run of this many rows, or of this share of the block, makes a rewrite worth its encoding.

static_assert(kContainerHeaderBytes == 4 + 1 + 3 + 8 + 4);
static_assert(kRunHeaderBytes == kRunChecksumOffset + 8);

std::uint64_t run_checksum(std::string_view run) noexcept {
  return checksum_around(run, kRunChecksumOffset, 8);
}

bool zero3(std::string_view bytes, std::size_t offset) noexcept {
  return bytes[offset] == 0 && bytes[offset + 1] == 0 && bytes[offset + 2] == 0;
}

tl::unexpected<StorageError> corrupt(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::corruption, fmt::format("container byte {}: {}", offset, what));
}

// The first segment after the header at `offset`: its size, 0 where the bytes make no sense.
std::size_t run_bytes(std::string_view rest) noexcept {
  if (rest.size() < kRunHeaderBytes || get_fixed<std::uint32_t>(rest, 0) != kRunMagic) return 0;
  const std::size_t size = get_fixed<std::uint32_t>(rest, 8);
  return size < kRunHeaderBytes || size > rest.size() ? 0 : size;
}

}  // namespace

std::string encode_key(const ExceptionKey& key) {
  std::string out;
  put_big_endian(out, key.node_id);
  put_big_endian(out, key.property_hash);
  return out;
}

std::optional<ExceptionKey> decode_key(std::string_view bytes) noexcept {
  if (bytes.size() != 16) return std::nullopt;
  return ExceptionKey{get_big_endian(bytes, 0), get_big_endian(bytes, 8)};
}

std::string describe_key(const ExceptionKey& key) {
  return fmt::format("node {} property {:#018x}", key.node_id, key.property_hash);
}

void append_container_header(PartitionId id, std::string& out) {
  const std::size_t start = out.size();
  put_fixed(out, kContainerMagic);
  put_fixed(out, kContainerVersion);
  out.append(3, '\0');
  put_fixed(out, id);
  put_fixed(out, static_cast<std::uint32_t>(XXH3_64bits(out.data() + start, 16)));
}

void append_run(std::span<const std::string_view> rows, Sequence as_of, std::string& out) {
  const std::size_t start = out.size();
  put_fixed(out, kRunMagic);
  put_fixed(out, kRunVersion);
  out.append(3, '\0');
  put_fixed(out, std::uint32_t{0});
  put_fixed(out, static_cast<std::uint32_t>(rows.size()));
  put_fixed(out, as_of);
  put_fixed(out, std::uint64_t{0});
  for (const auto row : rows) {
    put_fixed(out, static_cast<std::uint32_t>(row.size()));
    out.append(row);
  }
  set_fixed(out, start + 8, static_cast<std::uint32_t>(out.size() - start));
  set_fixed(out, start + kRunChecksumOffset, run_checksum(std::string_view(out).substr(start)));
}

Result<ContainerLayout> parse_container(std::string_view bytes) {
  if (bytes.size() < kContainerHeaderBytes) return corrupt(0, "shorter than its header");
  if (get_fixed<std::uint32_t>(bytes, 0) != kContainerMagic) return corrupt(0, "wrong magic");
  if (static_cast<std::uint8_t>(bytes[4]) != kContainerVersion) {
    return corrupt(4, fmt::format("unknown version {}", static_cast<std::uint8_t>(bytes[4])));
  }
  if (!zero3(bytes, 5)) return corrupt(5, "reserved bytes are not zero");
  if (get_fixed<std::uint32_t>(bytes, 16) !=
      static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), 16))) {
    return corrupt(16, "header check differs");
  }
  ContainerLayout layout;
  layout.id = get_fixed<std::uint64_t>(bytes, 8);
  std::size_t offset = kContainerHeaderBytes;
  if (offset < bytes.size() && run_bytes(bytes.substr(offset)) == 0) {
    auto size = segment_bytes(bytes.substr(offset));
    if (!size) return fail(size.error().within(fmt::format("container byte {}", offset)));
    layout.block = bytes.substr(offset, *size);
    offset += *size;
  }
  while (offset < bytes.size()) {
    const std::size_t size = run_bytes(bytes.substr(offset));
    if (size == 0) return corrupt(offset, "neither a block nor a run");
    layout.runs.push_back(bytes.substr(offset, size));
    offset += size;
  }
  return layout;
}

Result<ContainerSummary> summarise_container(std::string_view bytes) {
  CAVEAT_ASSIGN(const auto layout, parse_container(bytes));
  ContainerSummary summary;
  summary.id = layout.id;
  if (layout.block) {
    CAVEAT_ASSIGN(const auto header, read_header(*layout.block));
    summary.rows = header.row_count;
    summary.raw_bytes = header.raw_bytes;
    summary.as_of_min = header.as_of;
  }
  for (const auto run : layout.runs) {
    summary.run_rows += get_fixed<std::uint32_t>(run, 12);
    summary.as_of_min = std::min(summary.as_of_min, get_fixed<std::uint64_t>(run, 16));
  }
  return summary;
}

bool container_needs_rewrite(std::string_view bytes) noexcept {
  if (bytes.size() < kContainerHeaderBytes ||
      get_fixed<std::uint32_t>(bytes, 0) != kContainerMagic) {
    return false;
  }
  // Runs are at the end and blocks say their size, so that this walks a few headers only.
  std::size_t offset = kContainerHeaderBytes;
  if (offset < bytes.size() && run_bytes(bytes.substr(offset)) == 0) {
    const auto block = bytes.substr(offset);
    if (!is_block(block)) return false;
    const auto size = segment_bytes(block);
    if (!size) return false;
    offset += *size;
  }
  std::uint64_t rows = 0;
  while (offset < bytes.size()) {
    const std::size_t size = run_bytes(bytes.substr(offset));
    if (size == 0) return false;
    rows += get_fixed<std::uint32_t>(bytes, offset + 12);
    offset += size;
  }
  return rows >= kLongRunRows;
}

Result<void> decode_run(std::string_view run, std::vector<RunRow>& out) {
  if (run.empty() || run_bytes(run) != run.size()) return corrupt(0, "run: wrong header");
  if (static_cast<std::uint8_t>(run[4]) != kRunVersion || !zero3(run, 5)) {
    return corrupt(4, "run: unknown version");
  }
  if (get_fixed<std::uint64_t>(run, kRunChecksumOffset) != run_checksum(run)) {
    return corrupt(kRunChecksumOffset, "run: checksum differs");
  }
  const auto rows = get_fixed<std::uint32_t>(run, 12);
  const auto as_of = get_fixed<std::uint64_t>(run, 16);
  std::string_view rest = run.substr(kRunHeaderBytes);
  for (std::uint32_t i = 0; i < rows; ++i) {
    std::uint32_t size = 0;
    if (!take_fixed(rest, size) || size > rest.size()) {
      return corrupt(run.size() - rest.size(), "run: ends inside a row");
    }
    std::string_view bytes = rest.substr(0, size);
    rest.remove_prefix(size);
    CAVEAT_ASSIGN(auto row, decode_row(bytes));
    if (!bytes.empty()) return corrupt(run.size() - rest.size(), "run: bytes after a row");
    if (row.kind != RowKind::store && row.kind != RowKind::remove) {
      return corrupt(run.size() - rest.size(), "run: a row of a wrong kind");
    }
    out.push_back({row, as_of});
  }
  if (!rest.empty()) return corrupt(run.size() - rest.size(), "run: bytes after its rows");
  return {};
}

}  // namespace caveat
