// CompressedExceptionStore: the primary data of a store, as blocks.
//
// A look below the records, for tools and tests: where a record lies, which partitions there are,
// and their bytes. It sees one version of the store and does not change it. Recent writes that are
// not yet folded lie in no block and are not seen. Thread-safe; the store must outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caveat/codec.h"
#include "caveat/compressed_block.h"
#include "caveat/snapshot.h"
#include "caveat/types.h"

namespace caveat {

class Engine;
class StorageOptimizer;

// A partition: some hundred records of neighbouring keys, in one container.
struct PartitionInfo {
  ExceptionKey lower;            // its first possible key
  std::uint64_t id = 0;          // never reused
  std::uint64_t rows = 0;        // in the block
  std::uint64_t run_rows = 0;    // appended, waiting for a rewrite
  std::uint64_t bytes = 0;       // of the container
  std::uint64_t raw_bytes = 0;   // of the block's rows in the plain row encoding
  CodecId codec = 0;             // of its block
  std::uint32_t dictionary = 0;  // 0: none
};

// Partitions as they are stored, for tools. Reads one version of the store, which must outlive it.
class CompressedExceptionStore {
 public:
  // The store as of now.
  explicit CompressedExceptionStore(const StorageOptimizer& store);

  // Where the record lies; nothing if no partition holds it. Rows of runs come behind the block's.
  [[nodiscard]] Result<std::optional<BlockAddress>> locate(const ExceptionKey& key) const;
  // The record at an address that locate() gave; not_found for any other.
  [[nodiscard]] Result<ExceptionRecord> read(const BlockAddress& address) const;

  // All partitions in key order. Reads every container's headers.
  [[nodiscard]] Result<std::vector<PartitionInfo>> partitions() const;
  // The container's bytes as they are stored (docs/format/container.md).
  [[nodiscard]] Result<std::string> container(std::uint64_t partition_id) const;
  // Header and columns of the partition's block; not_found if it has none.
  [[nodiscard]] Result<BlockDescription> describe(std::uint64_t partition_id) const;

 private:
  const Engine* engine_;
  Snapshot snapshot_;
};

}  // namespace caveat
