// The delta's log: one record per commit. Layout in docs/format/delta.md.
//
// Replayed at open, row by row, into generations. Nothing in it is trusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "caveat/error.h"
#include "caveat/write_batch.h"
#include "engine/delta/generation.h"

namespace caveat {

inline constexpr std::size_t kDeltaKeyBytes = 16;
inline constexpr std::size_t kMaxDeltaRawBytes = WriteBatch::kMaxBatchBytes;
// Of one record: each is a length and a key at the least.
inline constexpr std::size_t kDeltaRowsMax =
    kMaxDeltaRawBytes / (sizeof(std::uint32_t) + kRowKeyBytes);

// Row i of the record has sequence first_sequence + i.
struct DeltaRecordKey {
  GenerationId generation = 0;
  Sequence first_sequence = 0;
  friend bool operator==(const DeltaRecordKey&, const DeltaRecordKey&) = default;
};

[[nodiscard]] std::string encode_delta_key(const DeltaRecordKey& key);
[[nodiscard]] Result<DeltaRecordKey> decode_delta_key(std::string_view key);
// [first, second) holds all records of the generations first_id..last_id, and nothing else.
[[nodiscard]] std::pair<std::string, std::string> delta_generation_range(GenerationId first_id,
                                                                         GenerationId last_id);

// Appends the value of a record of `count` rows, each a u32 length and a row, as
// WriteBatch::rows() gives them; count > 0, at most kMaxDeltaRawBytes. The checksum covers the key
// too: a record found under another key is corrupt.
void encode_delta_record(const DeltaRecordKey& key, std::string_view rows, std::size_t count,
                         std::string& out);

struct DeltaLogRow {
  Sequence sequence = 0;
  RowView row;
  std::string_view encoded;
};

// Reads one record. Views point into the value, or into this object where it was compressed.
class DeltaRecordReader {
 public:
  // Checks header and checksum, unpacks. The errors name generation and first sequence.
  [[nodiscard]] static Result<DeltaRecordReader> open(const DeltaRecordKey& key,
                                                      std::string_view value);

  [[nodiscard]] std::size_t count() const noexcept { return count_; }
  [[nodiscard]] std::string_view rows() const noexcept { return raw_; }
  [[nodiscard]] bool compressed() const noexcept { return compressed_; }

  // The next row, every byte of it checked; false at the end. The end comes after exactly count()
  // rows, or it is an error.
  [[nodiscard]] Result<bool> next(DeltaLogRow& row);

 private:
  DeltaRecordReader() = default;

  DeltaRecordKey key_;
  std::unique_ptr<char[]> unpacked_;
  std::string_view raw_;
  std::string_view rest_;
  std::size_t count_ = 0;
  std::size_t taken_ = 0;
  bool compressed_ = false;
};

// Checks all rows of a record, then inserts them; a bad record inserts nothing. Gives the last
// sequence.
[[nodiscard]] Result<Sequence> replay_delta_record(const DeltaRecordKey& key,
                                                   std::string_view value, Generation& generation);

}  // namespace caveat
