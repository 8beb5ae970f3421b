#include "engine/store/bulk_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "engine/model/row.h"
#include "engine/store/distinct_keys.h"
#include "engine/store/engine.h"
#include "engine/store/pooled_batch.h"

namespace caveat {
namespace {

constexpr std::size_t kChunkRecords = StorageOptimizer::kBulkChunkRecords;
constexpr std::size_t kChunkBytes = StorageOptimizer::kBulkChunkBytes;
constexpr std::size_t kGuessedRecordBytes = 96;  // so that buffers are not grown step by step

ExceptionKey key_of(const ExceptionRecord& record) {
  return record.key;
}
ExceptionKey key_of(const ExceptionView& record) {
  return record.key;
}

Result<void> add_to(WriteBatch& batch, const ExceptionRecord& record) {
  return batch.store_exception(record.key, record.exception);
}
Result<void> add_to(WriteBatch& batch, const ExceptionView& record) {
  return batch.store_exception(record);
}

Result<void> check_record(const ExceptionRecord& record) {
  return validate(record.exception);
}
Result<void> check_record(const ExceptionView& record) {
  return validate_view(record);
}

tl::unexpected<StorageError> bad_record(std::size_t index, const StorageError& error) {
  return fail(error.within(fmt::format("record {}", index)));
}

// The rows of a chunk. Pieces of it are encoded side by side, each into a batch of its own, and
// committed together, in their order.
template <class Record>
class ChunkEncoder {
 public:
  ChunkEncoder(Engine& engine, std::span<const Record> records)
      : engine_(engine), records_(records) {}

  // Encodes the records from `begin` on, as many as a chunk takes; where it ends. Of bad records
  // the first one's error.
  [[nodiscard]] Result<std::size_t> encode(std::size_t begin) {
    const auto chunk = records_.subspan(begin, std::min(kChunkRecords, records_.size() - begin));
    const std::size_t count = pieces_for(chunk.size());
    const std::size_t share = (chunk.size() + count - 1) / count;
    for (std::size_t i = 0; i < count; ++i) {
      pieces_[i].records = chunk.subspan(std::min(i * share, chunk.size()));
      pieces_[i].records = pieces_[i].records.first(std::min(share, pieces_[i].records.size()));
      if (!pieces_[i].batch) {
        const std::size_t bytes = std::min(share * kGuessedRecordBytes, kChunkBytes / count);
        pieces_[i].batch.emplace(engine_.core().pool, bytes);
      }
    }
    engine_.core().workers.parallel_for(
        count, [&](std::size_t i) { encode_piece(pieces_[i], kChunkBytes / count); });
    std::size_t end = begin;
    std::size_t bytes = 0;
    parts_count_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // A piece ends behind its room, with one record, however large: so some may be a chunk.
      if (bytes >= kChunkBytes) break;
      if (pieces_[i].error) return bad_record(end + pieces_[i].encoded, *pieces_[i].error);
      end += pieces_[i].encoded;
      const WriteBatch& batch = **pieces_[i].batch;
      bytes += batch.bytes();
      if (!batch.empty()) parts_[parts_count_++] = {batch.rows(), batch.count()};
      // What comes behind records that found no room is encoded again, after those.
      if (pieces_[i].encoded < pieces_[i].records.size()) break;
    }
    return end;
  }

  // What was encoded last.
  [[nodiscard]] RowsParts parts() const noexcept { return {parts_.data(), parts_count_}; }

 private:
  struct Piece {
    std::span<const Record> records;
    std::optional<PooledBatch> batch;
    std::size_t encoded = 0;
    std::optional<StorageError> error;  // of the record behind those
  };

  // Fewer records are encoded before another thread is awake.
  static constexpr std::size_t kPieceRecordsMin = 1024;
  static constexpr std::size_t kPiecesMax = CommitQueue::kPartsMax;

  [[nodiscard]] std::size_t pieces_for(std::size_t records) const noexcept {
    const std::size_t threads = engine_.core().workers.threads();
    if (threads == 1) return 1;
    return std::clamp<std::size_t>(records / kPieceRecordsMin, 1,
                                   std::min(2 * threads, kPiecesMax));
  }

  static void encode_piece(Piece& piece, std::size_t bytes_max) {
    WriteBatch& batch = **piece.batch;
    batch.clear();
    piece.error.reset();
    piece.encoded = 0;
    for (const Record& record : piece.records) {
      if (batch.bytes() >= bytes_max) return;
      if (auto added = add_to(batch, record); !added) {
        piece.error = std::move(added).error();
        return;
      }
      ++piece.encoded;
    }
  }

  Engine& engine_;
  const std::span<const Record> records_;
  std::array<Piece, kPiecesMax> pieces_;
  std::array<RowsPart, kPiecesMax> parts_;
  std::size_t parts_count_ = 0;
};

template <class Record>
Result<std::size_t> store_all(Engine& engine, std::span<const Record> records,
                              const WriteOptions& options) {
  CAVEAT_TRY(Engine::check(options));
  if (records.empty()) CAVEAT_TRY(engine.commit(RowsParts(), options));  // it may be closed
  DistinctKeys keys(records.size());
  ChunkEncoder<Record> encoder(engine, records);
  for (std::size_t begin = 0; begin < records.size();) {
    CAVEAT_ASSIGN(const std::size_t end, encoder.encode(begin));
    for (std::size_t i = begin; i < end; ++i) keys.add(key_of(records[i]));
    if (begin == 0) {
      // The rest is checked before any is written: bad input stores nothing.
      for (std::size_t i = end; i < records.size(); ++i) {
        if (auto checked = check_record(records[i]); !checked) {
          return bad_record(i, checked.error());
        }
      }
    }
    if (auto written = engine.commit(encoder.parts(), options); !written) {
      if (begin == 0) return fail(written.error());
      return fail(written.error().within(
          fmt::format("bulk_store: the first {} records are stored, the rest is not", begin)));
    }
    begin = end;
  }
  return keys.count();
}

}  // namespace

Result<std::size_t> bulk_store_records(Engine& engine, std::span<const ExceptionRecord> records,
                                       const WriteOptions& options) {
  return store_all(engine, records, options);
}

Result<std::size_t> bulk_store_records(Engine& engine, std::span<const ExceptionView> records,
                                       const WriteOptions& options) {
  return store_all(engine, records, options);
}

}  // namespace caveat
