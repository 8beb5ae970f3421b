// Trained dictionaries by id, and the codecs: what blocks name.
//
//   meta key 'Z' id u32 BE    value: u32 magic "CVZD", u8 version (1), u8[3] zero, u32 id,
//                                    u32 length, u64 XXH3-64 of all other bytes, dictionary;
//                                    or nothing: an id that was given, and names none any more
//
// docs/format/dictionary.md says how they are trained.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <vector>

#include "caveat/compressed_block.h"
#include "caveat/kv_backend.h"

namespace caveat {

class DictionarySet final : public BlockResolver {
 public:
  DictionarySet(const CodecRegistry& codecs, std::shared_ptr<MemoryPool> memory)
      : codecs_(codecs), memory_(std::move(memory)) {}

  // Reads all. A damaged one is left out and reported by those blocks that name it.
  [[nodiscard]] Result<void> load(KvBackend& backend);

  [[nodiscard]] Result<const Codec*> codec(CodecId id) const override { return codecs_.find(id); }
  [[nodiscard]] Result<std::shared_ptr<const CompressionDictionary>> dictionary(
      std::uint32_t id) const override;
  [[nodiscard]] BlockCounters* counters() const override { return &counters_; }
  [[nodiscard]] const std::shared_ptr<MemoryPool>& memory() const override { return memory_; }

  // What new blocks are written with; null for none.
  [[nodiscard]] std::shared_ptr<const CompressionDictionary> current() const;
  [[nodiscard]] std::uint32_t next_id() const;

  // Mutator: writes it down, then makes it current.
  [[nodiscard]] Result<void> add(CompressionDictionary dictionary, KvBackend& backend);
  // Mutator: of those with a smaller id than `end`, no block (of any version) names any but `id`.
  [[nodiscard]] Result<void> drop_below(std::uint32_t end, std::uint32_t id, KvBackend& backend);

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  const CodecRegistry& codecs_;
  const std::shared_ptr<MemoryPool> memory_;
  mutable BlockCounters counters_;
  mutable std::shared_mutex mutex_;
  std::map<std::uint32_t, std::shared_ptr<const CompressionDictionary>> dictionaries_;
  std::shared_ptr<const CompressionDictionary> current_;
  std::uint32_t next_id_ = 1;
  std::optional<std::uint32_t> emptied_;  // was given up, and stays as the last id that was given
};

}  // namespace caveat
