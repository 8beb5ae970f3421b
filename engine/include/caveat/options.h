// Options of a store and of single calls. All have defaults that suit most hosts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "caveat/codec.h"
#include "caveat/encryption.h"
#include "caveat/kv_backend.h"
#include "caveat/log_sink.h"
#include "caveat/ports.h"

namespace caveat {

inline constexpr std::size_t kMiB = std::size_t{1} << 20;    // bytes
inline constexpr std::size_t kMemoryBudgetMin = 8 * kMiB;    // of memory_budget_bytes
inline constexpr std::size_t kMemoryBudgetMax = kMiB << 20;  // a TiB

// Of an option of the layout: the store is to find out (caveat/tuning.h).
inline constexpr std::nullopt_t kChosenByStore = std::nullopt;

// Options of a store, given when it is opened.
struct Options {
  // --- Behaviour -------------------------------------------------------------------------------

  // Make the store where there is none; otherwise opening an empty or absent directory is
  // not_found. Default true.
  bool create_if_missing = true;

  // Refuse a directory that holds a store (already_exists). Default false.
  bool error_if_exists = false;

  // Durability of writes that do not say. Default wal: acknowledged writes survive a crash of the
  // process; after a loss of power the newest may be missing, and what is left is a prefix
  // (docs/durability.md). May differ at each open.
  Durability durability = Durability::wal;

  // Run folds, rewrites and optimize steps on a thread of the store. Default true. Without it
  // the host calls optimize_storage itself, and the writer that finds the delta full folds it
  // first.
  bool background_maintenance = true;

  // --- Memory ----------------------------------------------------------------------------------

  // Bound on everything the store keeps in memory, in bytes: delta, caches, filters, dictionaries,
  // arenas and the backend's buffers. Default 256 MiB; kMemoryBudgetMin to kMemoryBudgetMax, or
  // invalid_argument. What does not fit is read on demand. May differ at each open.
  // Beyond it goes: a record while it is written, read or folded (some copies of it, up to 64 MiB
  // each), the names in the catalogue, 160 bytes a partition, clears that wait to be applied, 16
  // bytes a hint while rebuild_indexes or verify runs, results that a call returns at once, what
  // cursors and pins hold, and malloc's spare room (glibc's is given back after folds;
  // docs/embedding.md, Memory).
  // What a step of maintenance works on (at most an eighth of the budget, but one partition at the
  // least) is taken off what recent writes may borrow of the caches. Where there is nothing to
  // borrow, as the caches are full, it too goes beyond: a twentieth of the budget was measured,
  // while a fold was under way (docs/decisions/0133).
  // Key filters have an eighth of it and, where that is not enough (1.5 bytes a record), up to
  // three quarters of what decoded blocks would have. Beyond that they are halved, and then some
  // partitions have none: misses in those read a block.
  std::size_t memory_budget_bytes = 256 * kMiB;

  // Of the budget, bytes for opened blocks and hot records. Default 0: a quarter of the budget.
  // A get that finds its block here costs about 0.6 us, one that has to inflate it some 17 us of
  // CPU and perhaps a read of the device; misses that the key filter answers cost the same either
  // way. May differ at each open; nothing is rewritten.
  std::size_t cache_bytes = 0;

  // Bytes of recent writes held in memory (tables included) before they are folded. Default 0: a
  // quarter of the budget. While the caches are not full, recent writes use what those leave, less
  // what a fold takes to work. A larger delta folds more cheaply and makes opening after a crash
  // slower.
  std::size_t delta_bytes = 0;

  // --- Layout: takes effect for blocks written from now on; optimize_storage converts the rest ---
  // Each of these is kChosenByStore unless the host says otherwise: the store measures candidates
  // on a sample of its records, with the first fold of 4,096 records or more and with each
  // optimize_storage, and takes the cheapest that is nearly as small as the smallest. Until then,
  // and in stores that are smaller, it is what "default" names. What a host sets is heeded from
  // then on, and never changed. StorageOptimizer::explain_tuning (`caveat stats --explain`) says
  // what is in force and why; docs/decisions/0130 has the rules.
  // Figures: CPU time on 200,000 records of Unicode CLDR, blocks alone, without indexes and logs.
  // (Partitions of more than twice partition_records are cut in the background, by and by.)

  // How string sections are compressed. Default Zstd; Lz4 or None where that costs less than 5 % in
  // bytes. For Custom, custom_codec_id names which; that is never chosen.
  //   Zstd  12.9 bytes a record, 1.6 us to load, 17 us for a get that has to inflate its block
  //   Lz4   18.9                 1.3             11
  //   None  28.3                 1.3             10
  // To change it for records that are stored takes optimize_storage: 2 to 5 us a record.
  std::optional<CompressionAlgorithm> compression = kChosenByStore;
  CodecId custom_codec_id = kFirstCustomCodec;

  // zstd level of blocks as they are folded, 1 to 19. Default 3; 1 where that costs less than 1 %.
  // Higher is slower to write, no slower to read.
  std::optional<int> compression_level = kChosenByStore;

  // zstd level used by optimize_storage, 1 to 19. Default 12; 3, 6 or 19 where what lies above
  // gains less than 1 % (5 % for 19). Reading costs the same at all levels.
  //   3   12.2 bytes a record afterwards, 2.0 us a record to optimize
  //   12  11.3                            4.9
  //   19  11.0                           11.8
  std::optional<int> optimize_compression_level = kChosenByStore;

  // Records in a partition, 16 to 4096. Default 256; 128, 64 or 32 where that costs less than some
  // 3 % (docs/decisions/0130). Larger is denser and makes a cold get dearer.
  std::optional<std::size_t> partition_records = kChosenByStore;

  // Raw bytes at which a partition is cut before it has that many records, 1 KiB to 64 MiB. Default
  // 32 KiB; chosen with partition_records, 128 for each. It matters where records are longer than
  // that on average. Smaller is cheaper to read cold and less dense: at 8 KiB 14.2 bytes a record
  // instead of 12.9, and 9 us for a cold get instead of 17. Larger makes each cold get, and each
  // rewrite of a partition, dearer in proportion.
  std::optional<std::size_t> partition_bytes = kChosenByStore;

  // Bytes of a trained dictionary, up to 4 MiB; 0: none is trained, none that is there is used for
  // new blocks, and optimize_storage drops it. Default 112 KiB; 32, 16 or none where that is
  // within 0.5 %, the dictionary's own bytes counted. Its size and its digested forms
  // are in memory while the store is open, and a change takes effect with the next training, by
  // optimize_storage. Bytes a record afterwards: 13.57 without, 12.56 with 16 KiB, 11.3 with
  // 112 KiB.
  std::optional<std::size_t> dictionary_bytes = kChosenByStore;

  // --- Collaborators ---------------------------------------------------------------------------

  // Custom codecs by id (>= kFirstCustomCodec). Needed at every open while a block names them.
  std::vector<std::pair<CodecId, std::shared_ptr<const CustomCompressor>>> custom_codecs = {};

  // Keys, for a store whose values are encrypted. Default: none.
  Encryption encryption;

  // Time for statistics and for age. Default: the system's clock. Must outlive the store.
  const Clock* clock = nullptr;

  // Told of errors in the background, and of damage that a call went on without. The next write
  // returns those that stop writes (storage_optimizer.h). Called from the store's threads and from
  // those that call it; must not call the store.
  std::function<void(const StorageError&)> on_background_error = {};

  // Told what the store does and what it meets, errors in the background among it (log_sink.h).
  // Must outlive the store. Null: nobody.
  LogSink* log_sink = nullptr;

  // Where to keep what metrics() says, for node_exporter's textfile collector (which wants names in
  // ".prom") and for tools. Empty: nowhere. Written by a thread of the store every metrics_interval
  // (at least 100 ms): each time a whole new file takes the old one's place, so that no reader sees
  // half of one. It is for its owner alone (0600), unless a file with other rights was there: then
  // its mode and group are kept. It goes when the store is closed. Where it cannot be written, the
  // old one stays and log_sink is told; the store goes on.
  std::filesystem::path metrics_file = {};
  std::chrono::milliseconds metrics_interval{5000};
};

// Options of one write.
struct WriteOptions {
  // Overrides Options::durability for this call. An unknown level is invalid_argument.
  enum class Level : std::uint8_t { store_default, none, wal, fsync };
  Level durability = Level::store_default;
};

}  // namespace caveat
