// The codec port: how a section of a block is compressed.
//
// A codec turns one buffer into another and back, with an optional shared dictionary. Its id is in
// every block header; a block whose codec is not registered gives codec_missing, naming the id.
// Lz4 and Zstd are built in (adapters/codec). A host registers others under ids of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat {

// The numbers are on disk. Custom stands for every id from kFirstCustomCodec on.
enum class CompressionAlgorithm : std::uint8_t { None = 0, Lz4 = 1, Zstd = 2, Custom = 128 };

using CodecId = std::uint8_t;  // on disk in every block: CompressionAlgorithm, or a custom one
inline constexpr CodecId kFirstCustomCodec = 128;  // ids below are the library's own

// Names of built-in algorithms: "none", "lz4", "zstd", "custom".
[[nodiscard]] std::string_view to_string(CompressionAlgorithm algorithm) noexcept;

// One version of a trained dictionary. Immutable; shared by the blocks that name its id.
// `digested` is where a codec keeps its prepared form (zstd: CDict per level, DDict).
struct CompressionDictionary {
  std::uint32_t id = 0;            // 0: no dictionary
  std::string bytes;               // as trained; what is stored
  std::shared_ptr<void> digested;  // null: digested anew at every call
};

// What a host implements and registers. Must be deterministic enough to read back what it wrote,
// for ever. Called from several threads at once. Must not throw (return an error) and must not
// call the store.
class CustomCompressor {
 public:
  virtual ~CustomCompressor() = default;

  // For people: shown by stats and in errors.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;

  // Appends the compressed form. An output that is not smaller than the input is thrown away by
  // the caller, who then stores the section raw.
  [[nodiscard]] virtual Result<void> compress(std::string_view raw,
                                              const CompressionDictionary* dictionary,
                                              std::string& out) const = 0;

  // Fills `out`, whose size is the raw size, or fails with corruption if `stored` holds more or
  // fewer bytes. Input is untrusted: whatever it holds, no undefined behaviour and nothing written
  // outside `out`, which may hold anything after a failure.
  [[nodiscard]] virtual Result<void> decompress(std::string_view stored,
                                                const CompressionDictionary* dictionary,
                                                std::span<char> out) const = 0;

  // True if compress and decompress make use of a dictionary.
  [[nodiscard]] virtual bool uses_dictionary() const noexcept { return false; }
};
using Codec = CustomCompressor;  // built-in ones have the same interface

// The codecs a store knows. Filled before open, then read by any thread.
class CodecRegistry {
 public:
  // `level` as in Options::compression_level.
  static CodecRegistry built_in(int level);

  // id >= kFirstCustomCodec, not taken: else invalid_argument or already_exists.
  [[nodiscard]] Result<void> add(CodecId id, std::shared_ptr<const Codec> codec);

  // codec_missing, with the id in the message.
  [[nodiscard]] Result<const Codec*> find(CodecId id) const;

 private:
  friend class CodecRegistryBuilder;
  std::vector<std::pair<CodecId, std::shared_ptr<const Codec>>> codecs_;
};

}  // namespace caveat
