// Partitions and blocks as text and as JSON.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "caveat/compressed_block.h"
#include "caveat/compressed_exception_store.h"
#include "engine/partition/container.h"

namespace caveat::cli {

[[nodiscard]] std::string partitions_text(std::span<const PartitionInfo> partitions,
                                          std::uint64_t waiting_rows);
[[nodiscard]] std::string partitions_json(std::span<const PartitionInfo> partitions,
                                          std::uint64_t waiting_rows);

// "none", "lz4", "zstd", "custom 129"
[[nodiscard]] std::string codec_name(CodecId id);

struct ContainerReport {
  struct Run {
    std::uint64_t bytes = 0;
    std::uint64_t rows = 0;
    Sequence as_of = 0;
    std::string error;
  };
  PartitionId id = 0;
  std::optional<BlockDescription> block;
  std::vector<Run> runs;

  // Was something not decoded?
  [[nodiscard]] bool stopped() const noexcept;
};
[[nodiscard]] ContainerReport describe_container(const ContainerLayout& layout,
                                                 const BlockResolver& resolver);
[[nodiscard]] std::string container_text(const ContainerReport& report);
[[nodiscard]] std::string container_json(const ContainerReport& report);

}  // namespace caveat::cli
