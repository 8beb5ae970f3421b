// StorageOptimizer: the store.
//
// Threads: every call may be made from any thread at any time, except moving and destroying the
// object. Readers never wait for writers or maintenance.
//
// Consistency: a write is visible to every call that begins after it returned. Each read sees one
// version of the store; a Snapshot lets several reads see the same one.
//
// Errors: reads may give corruption, codec_missing (naming the block), io_error or closed; writes
// may give invalid_argument, limit_exceeded, io_error, no_space, read_only or closed. A failed
// write stored nothing. An error in the background that stops the store from taking writes for long
// (a fold or the backend found no space, say) is returned by the next write, once. Damage to what
// is stored fails no write: it is told to Options::on_background_error and counted in
// StorageStatistics::background_errors, and so is what maintenance that was asked for leaves
// undone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/exception_view.h"
#include "caveat/kv_backend.h"
#include "caveat/options.h"
#include "caveat/query.h"
#include "caveat/snapshot.h"
#include "caveat/statistics.h"
#include "caveat/tuning.h"
#include "caveat/types.h"
#include "caveat/write_batch.h"

namespace caveat {

class Engine;

// A store: the one class that most hosts use. All calls but moving and destroying are thread-safe.
class StorageOptimizer {
 public:
  // --- Opening and closing ---------------------------------------------------------------------

  // A volatile store on the in-memory backend. `initial_capacity` is a hint in records; 0 is fine.
  // Invalid options are replaced by their defaults. Options::encryption means nothing here.
  explicit StorageOptimizer(std::size_t initial_capacity = 0, Options options = {});

  // A persistent store in a directory, on RocksDB. Replays the delta (under a second) if the last
  // process did not close it. Errors: not_found, already_exists (per the options), locked (names
  // the pid), unsupported_format (a newer store, or a foreign directory), corruption, io_error;
  // key_missing and wrong_key of an encrypted one.
  // A child of fork() must not use it, close it or destroy it: neither its threads nor its place in
  // the log came along. Fork first, or leave the child by exec or _exit.
  [[nodiscard]] static Result<StorageOptimizer> open(const std::filesystem::path& path,
                                                     const Options& options = {});

  // The same engine on a backend of the host's.
  [[nodiscard]] static Result<StorageOptimizer> open(std::unique_ptr<KvBackend> backend,
                                                     const Options& options = {});

  StorageOptimizer(StorageOptimizer&&) noexcept;  // the other one is only to be destroyed
  StorageOptimizer& operator=(StorageOptimizer&&) noexcept;  // closes what was here
  ~StorageOptimizer();  // closes; an error is lost, so call close() to see it

  // Folds the delta, writes the directory down and releases the files. Cursors and snapshots must
  // be gone: busy otherwise, and the store stays open. Queries that other threads are in the middle
  // of are waited for, a quarter of a second at most before the fold and after it, and new ones
  // wait meanwhile: so a store closes beside threads that never stop to query, whose calls give
  // `closed` from then on. (A call that takes longer, as verify or a backup, makes it busy:
  // repeat.) Idempotent. After any other error the store is closed; after std::bad_alloc it may be:
  // call again.
  [[nodiscard]] Result<void> close();

  // --- Property names --------------------------------------------------------------------------

  // Makes a name known and returns its hash. Names are optional: a record stored under a hash
  // alone keeps it. hash_collision names both. Durable with the next write. Cheap if known.
  [[nodiscard]] Result<PropertyHash> register_property(std::string_view name);
  // Many at once, in one write; what is known already costs one lookup.
  [[nodiscard]] Result<void> register_properties(std::span<const std::string_view> names);
  // Nothing if the hash is unknown or has no name.
  [[nodiscard]] std::optional<std::string> property_name(PropertyHash property) const;

  // --- Writing ---------------------------------------------------------------------------------

  // Inserts or replaces. Blind: reads nothing from disk; one logged put.
  [[nodiscard]] Result<void> store_exception(const ExceptionKey& key, const Exception& exception,
                                             const WriteOptions& options = {});
  // Removes what is there, if anything. Blind as well.
  [[nodiscard]] Result<void> remove_exception(const ExceptionKey& key,
                                              const WriteOptions& options = {});

  // Checked variants: the same, and report what was there. One read dearer. Atomic against all
  // other writes.
  [[nodiscard]] Result<std::optional<Exception>> exchange_exception(
      const ExceptionKey& key, const Exception& exception, const WriteOptions& options = {});
  [[nodiscard]] Result<std::optional<Exception>> take_exception(const ExceptionKey& key,
                                                                const WriteOptions& options = {});
  // Removes as take_exception does, and says only whether anything was there. The record is not
  // read: recent writes, the key filter and the keys of its block tell, so it costs what contains()
  // does, and a write where that is true.
  [[nodiscard]] Result<bool> erase_exception(const ExceptionKey& key,
                                             const WriteOptions& options = {});

  // Writes `desired` (nothing: removes) if what is there equals `expected` (nothing: absent).
  // True if it did. Atomic against all other writes. `desired` has to be valid whatever is there
  // (invalid_argument or limit_exceeded otherwise); `expected` may be anything.
  [[nodiscard]] Result<bool> compare_and_set(const ExceptionKey& key,
                                             const std::optional<Exception>& expected,
                                             const std::optional<Exception>& desired,
                                             const WriteOptions& options = {});

  // All of the batch, visible and durable as a whole. An empty one with fsync brings what was
  // acknowledged before it to the device; unlike flush() it folds nothing.
  [[nodiscard]] Result<void> write(const WriteBatch& batch, const WriteOptions& options = {});

  // Stores any number of records and returns the number of distinct keys among them; of duplicates
  // the last counts. All-or-nothing per chunk of at most kBulkChunkRecords records or
  // kBulkChunkBytes encoded bytes, in the order given. Records are checked before the first chunk
  // is written, so bad input stores nothing. On an I/O error the chunks before it stay; if there
  // are any, the message says how many records those are.
  // A few thousand records and more are encoded by all threads of the store, each with a part of
  // them; the call returns when all are done.
  static constexpr std::size_t kBulkChunkRecords = std::size_t{1} << 16;
  static constexpr std::size_t kBulkChunkBytes = std::size_t{8} << 20;
  [[nodiscard]] Result<std::size_t> bulk_store(std::span<const ExceptionRecord> records,
                                               const WriteOptions& options = {});
  // The same from views, without an owning record each (see WriteBatch for what a view must be).
  [[nodiscard]] Result<std::size_t> bulk_store(std::span<const ExceptionView> records,
                                               const WriteOptions& options = {});

  // Removes everything of a node or of a property as of now: one short logged write, whatever it
  // covers. Space comes back as maintenance gets there: once nothing was written for two seconds,
  // or after a minute (Options::background_maintenance), at most once a minute.
  [[nodiscard]] Result<void> clear_node(NodeId node, const WriteOptions& options = {});
  [[nodiscard]] Result<void> clear_property(PropertyHash property,
                                            const WriteOptions& options = {});

  // Everything acknowledged so far is on the device when this returns, and folded into partitions;
  // the log of more than a few MiB of writes is given back. Costs the fold and a sync of the
  // device.
  [[nodiscard]] Result<void> flush();

  // --- Reading ---------------------------------------------------------------------------------
  // `snapshot` null: the newest version.

  // Is there an exception here? Tens of nanoseconds when there is none.
  [[nodiscard]] Result<bool> contains(const ExceptionKey& key,
                                      const Snapshot* snapshot = nullptr) const;
  // Does the node have any exception? One answer for all its properties.
  [[nodiscard]] Result<bool> has_exceptions(NodeId node, const Snapshot* snapshot = nullptr) const;

  // A copy of the exception; nothing where there is none.
  [[nodiscard]] Result<std::optional<Exception>> retrieve_exception(
      const ExceptionKey& key, const Snapshot* snapshot = nullptr) const;
  // The same without copying: a view into a pinned block.
  [[nodiscard]] Result<std::optional<PinnedException>> retrieve_view(
      const ExceptionKey& key, const Snapshot* snapshot = nullptr) const;
  // In the order asked; duplicates allowed. One version for all of them.
  [[nodiscard]] Result<std::vector<std::optional<Exception>>> bulk_retrieve(
      std::span<const ExceptionKey> keys, const Snapshot* snapshot = nullptr) const;

  // The newest version, for several reads of the same. Keeps what it sees (docs/durability.md).
  [[nodiscard]] Snapshot snapshot() const;

  // --- Queries ---------------------------------------------------------------------------------

  // A stream of the matches, in the query's order. invalid_argument: NaN, or a foreign token.
  [[nodiscard]] Result<Cursor> query(const Query& query, const Snapshot* snapshot = nullptr) const;
  // Matches, without materialising them. Heeds the conditions and the limit. Without conditions but
  // a range of nodes the directory's own counts are taken wherever nothing newer waits, and such a
  // count succeeds over records that cannot be read; verify reads them all.
  [[nodiscard]] Result<std::uint64_t> count(const Query& query,
                                            const Snapshot* snapshot = nullptr) const;
  [[nodiscard]] Result<QueryPlan> explain(const Query& query,
                                          const Snapshot* snapshot = nullptr) const;

  // Shorthands: all matches, in key order.
  [[nodiscard]] Result<std::vector<ExceptionRecord>> query_by_node(NodeId node) const;
  [[nodiscard]] Result<std::vector<ExceptionRecord>> query_by_property(PropertyHash property) const;
  [[nodiscard]] Result<std::vector<ExceptionRecord>> query_by_source(ExceptionSource source) const;
  [[nodiscard]] Result<std::vector<ExceptionRecord>> query_by_confidence_range(float min,
                                                                               float max) const;
  [[nodiscard]] Result<std::vector<ExceptionRecord>> query_by_time_range(std::int64_t start_ns,
                                                                         std::int64_t end_ns) const;

  // --- Maintenance -----------------------------------------------------------------------------
  // Long calls report to `progress` (may be null) and stop when it says so.

  // Folds, rewrites, splits, joins, retrains dictionaries, re-encodes densely, purges stale hints.
  // What was replaced stays in the backend's files until they are compacted, so that the directory
  // may be twice as large as before: compact_storage gives that back. Partitions that cannot be
  // read stay as they are and are counted in the results, with why; the call succeeds all the same.
  // Where keys were changed (Options::encryption), it ends the rotation: everything is written
  // under the current key, the files are compacted, and older keys are not needed any more. If a
  // value cannot be read, or a view is open when the compaction begins (unless it is of what is
  // stored by then) or ends, they stay on the list until the next call. Of two at once the second
  // waits for the first one's end (stage "wait"), then does all.
  [[nodiscard]] Result<OptimizationResults> optimize_storage(ProgressSink* progress = nullptr);
  // Makes the four secondary families anew from the primary. Queries stay right meanwhile.
  [[nodiscard]] Result<void> rebuild_indexes(ProgressSink* progress = nullptr);
  // Gives space back to the file system and says how much.
  [[nodiscard]] Result<CompactionResults> compact_storage(ProgressSink* progress = nullptr);
  // Reads everything: each checksum, each record, each index against the primary both ways.
  [[nodiscard]] Result<VerificationResults> verify(ProgressSink* progress = nullptr) const;

  // Records of the log that an opening could not read are set aside, and verify names them from
  // then on (docs/durability.md). This forgets them: after what they wrote was written again, or is
  // given up. How many there were. One synced write. Such a record that a later opening can read
  // counts again, and is forgotten without this.
  [[nodiscard]] Result<std::size_t> forget_lost_writes();

  // Exact: folds a pending delta first, and resolves runs that wait in partitions.
  [[nodiscard]] Result<StorageStatistics> get_storage_statistics();
  // Reads no data; counts have bounds.
  [[nodiscard]] StorageStatistics estimate_storage_statistics() const;
  // What estimate_storage_statistics knows, in the text format of Prometheus (version 0.0.4): one
  // family of samples after the other, each with its HELP and TYPE. Names begin with "caveat_" and
  // end in their unit, those of counters in "_total"; docs/operating.md lists them. Of a closed
  // store: that it is closed. Reads no data; lists the store's directory.
  [[nodiscard]] std::string metrics() const;
  // What lies under which key, by id, for each that opening the store takes; empty for a store that
  // is not encrypted. Reads everything.
  [[nodiscard]] Result<std::vector<KeyUsage>> key_usage() const;
  // Per column, over all blocks; reads every block's header.
  [[nodiscard]] Result<std::vector<ColumnStatistics>> column_statistics() const;

  // Which layout is in force, who chose it and on which evidence (tuning.h), and what is stored.
  // Reads every block's header; partitions that cannot be read are left out.
  [[nodiscard]] Result<TuningExplanation> explain_tuning() const;

  // For tools and tests: the engine itself.
  [[nodiscard]] Engine& engine() noexcept { return *engine_; }
  [[nodiscard]] const Engine& engine() const noexcept { return *engine_; }

 private:
  explicit StorageOptimizer(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

// Short for StorageOptimizer::open.
[[nodiscard]] inline Result<StorageOptimizer> open(const std::filesystem::path& path,
                                                   const Options& options = {}) {
  return StorageOptimizer::open(path, options);
}

}  // namespace caveat
