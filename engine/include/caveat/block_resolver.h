// What blocks name, and who finds it: codecs, dictionaries, memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "caveat/codec.h"
#include "caveat/error.h"
#include "caveat/memory_pool.h"

namespace caveat {

// What encoding and decoding cost since open; shared by all blocks of a store. Relaxed counts.
struct BlockCounters {
  std::atomic<std::uint64_t> compressions{0};          // calls of a codec to compress a frame
  std::atomic<std::uint64_t> compress_bytes_in{0};     // what these were given
  std::atomic<std::uint64_t> compress_bytes_out{0};    // what was kept of it: raw where not smaller
  std::atomic<std::uint64_t> compress_ns{0};           // their wall time, over all threads
  std::atomic<std::uint64_t> decompressions{0};        // frames inflated
  std::atomic<std::uint64_t> decompress_bytes_out{0};  // what they became
  std::atomic<std::uint64_t> decompress_ns{0};         // their wall time, over all threads
};

// Finds what a block names. Called by DecodedBlock::open from any thread; must outlive the blocks.
class BlockResolver {
 public:
  virtual ~BlockResolver() = default;
  // codec_missing, with the id, where it is not registered. Never asked for None.
  [[nodiscard]] virtual Result<const Codec*> codec(CodecId id) const = 0;
  // Corruption, with the id, where there is no such dictionary.
  [[nodiscard]] virtual Result<std::shared_ptr<const CompressionDictionary>> dictionary(
      std::uint32_t id) const = 0;
  // Null: nothing is counted.
  [[nodiscard]] virtual BlockCounters* counters() const { return nullptr; }
  // Where opened blocks live. Never null. A block keeps it alive, as a view that a host holds may
  // outlive the store.
  [[nodiscard]] virtual const std::shared_ptr<MemoryPool>& memory() const = 0;
};

// Codecs of a registry, any number of dictionaries and a pool: enough for tests and tools.
class SimpleBlockResolver final : public BlockResolver {
 public:
  // Must outlive it.
  explicit SimpleBlockResolver(const CodecRegistry& codecs) : codecs_(&codecs) {}
  // Before the first block that names it is opened.
  void add(std::shared_ptr<const CompressionDictionary> dictionary) {
    dictionaries_.push_back(std::move(dictionary));
  }
  [[nodiscard]] Result<const Codec*> codec(CodecId id) const override { return codecs_->find(id); }
  [[nodiscard]] Result<std::shared_ptr<const CompressionDictionary>> dictionary(
      std::uint32_t id) const override;
  [[nodiscard]] const std::shared_ptr<MemoryPool>& memory() const override { return memory_; }

 private:
  const CodecRegistry* codecs_;
  std::shared_ptr<MemoryPool> memory_ = std::make_shared<MemoryPool>();
  std::vector<std::shared_ptr<const CompressionDictionary>> dictionaries_;
};

}  // namespace caveat
