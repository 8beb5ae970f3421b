// Containers: what the primary family stores under a partition's lower bound.
//
//   container := header block? run*
//
//   header  0  u32 magic "CVPT"      run  0  u32 magic "CVRN"
//           4  u8  version (1)            4  u8  version (1)
//           5  u8[3] zero                 5  u8[3] zero
//           8  u64 partition id           8  u32 bytes of the run, this header included
//          16  u32 check                 12  u32 rows
//                                        16  u64 as_of
//                                        24  u64 XXH3-64 of all other bytes
//                                        32  rows, sorted by key: u32 length, row (format/row.md)
//
// `check` is the low half of the XXH3-64 of the 16 bytes before it. The header and the block are
// written by a rewrite (put); runs are appended by folds, later ones newer, without reading.
// docs/format/container.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/row.h"
#include "engine/partition/directory.h"

namespace caveat {

inline constexpr std::uint32_t kContainerMagic = 0x54505643;  // "CVPT"
inline constexpr std::uint32_t kRunMagic = 0x4E525643;        // "CVRN"
inline constexpr std::size_t kContainerHeaderBytes = 20;
inline constexpr std::size_t kRunHeaderBytes = 32;
inline constexpr std::size_t kContainerBytesMax = std::size_t{1} << 30;

// The primary family's key of a partition: node and property hash, big-endian.
[[nodiscard]] std::string encode_key(const ExceptionKey& key);
[[nodiscard]] std::optional<ExceptionKey> decode_key(std::string_view bytes) noexcept;
// "node 17 property 0x00ab...": for messages.
[[nodiscard]] std::string describe_key(const ExceptionKey& key);

void append_container_header(PartitionId id, std::string& out);

// Encoded rows, sorted by key, distinct.
void append_run(std::span<const std::string_view> rows, Sequence as_of, std::string& out);

// Where the segments are, without decoding them.
struct ContainerLayout {
  PartitionId id = 0;
  std::optional<std::string_view> block;
  std::vector<std::string_view> runs;  // oldest first
};
[[nodiscard]] Result<ContainerLayout> parse_container(std::string_view bytes);

// What the directory wants to know, from headers alone.
struct ContainerSummary {
  PartitionId id = 0;
  std::uint32_t rows = 0;
  std::uint32_t run_rows = 0;
  std::uint64_t raw_bytes = 0;
  Sequence as_of_min = kMaxSequence;
};
[[nodiscard]] Result<ContainerSummary> summarise_container(std::string_view bytes);

// Rows in runs from which on a rewrite pays.
inline constexpr std::uint64_t kLongRunRows = 16;
// True where the runs have grown so long that a rewrite pays. Cheap, total, allocates nothing:
// the backend asks it for every container that it writes out.
[[nodiscard]] bool container_needs_rewrite(std::string_view bytes) noexcept;

struct RunRow {
  RowView row;     // store or remove
  Sequence as_of;  // of its run
};
// Checks and decodes one run; appends its rows. Views point into `run`.
[[nodiscard]] Result<void> decode_run(std::string_view run, std::vector<RunRow>& out);

}  // namespace caveat
