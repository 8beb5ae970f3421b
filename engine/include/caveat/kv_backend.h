// The storage port: an ordered key-value store with named families.
//
// caveat keeps all that it persists behind this interface. adapters/rocksdb implements it on
// RocksDB, adapters/memory in process; a host may implement it on something else and pass it to
// StorageOptimizer::open. It is small on purpose. What an implementation must guarantee:
//
//   * Keys are compared as unsigned bytes.
//   * write() applies a batch as a whole or not at all, in the batch's order, across families.
//     (An engine-side rule makes a backend that is atomic only within one family's partition
//     correct too: every multi-step change is ordered and idempotent.)
//   * append joins the operand to what is stored under the key, byte for byte, in order; on an
//     absent key it stores the operand. Nothing is ever parsed or rejected.
//   * A snapshot sees the store as it was when made, across families, until it is destroyed.
//   * All calls are thread-safe; an iterator or a batch belongs to one thread at a time.
//
// Errors: io_error, no_space, corruption, read_only, closed as they arise; the message names the
// family. After a failed write() the batch is either absent or, after a reopen, wholly present.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat {

// The names are those of RocksDB's column families on disk, `meta` being its "default".
enum class Family : std::uint8_t {
  meta = 0,  // superblock, catalogue, dictionaries, directory pages, marks
  delta,     // recent writes: written in order, read only at open
  primary,   // partitions of columnar blocks: the truth
  property,  // the four secondary families: posting containers
  source,
  confidence,
  temporal,
};
inline constexpr std::size_t kFamilyCount = 7;  // of Family
// All families, in the order of their numbers.
inline constexpr std::array<Family, kFamilyCount> kFamilies = {
    Family::meta,   Family::delta,      Family::primary, Family::property,
    Family::source, Family::confidence, Family::temporal};
[[nodiscard]] std::string_view to_string(Family family) noexcept;  // "meta", "delta", ...

// How far a write must be when the call returns.
enum class Durability : std::uint8_t {
  none,   // may be lost when the process ends; never torn. A backend may do more than asked:
          // RocksDB's logs it like wal
  wal,    // handed to the operating system: survives a crash of the process (default)
  fsync,  // on the device: survives a loss of power
};

// Writes gathered to be applied as a whole, in order. Owns copies of all bytes. Reusable.
class KvBatch {
 public:
  // What a write does: stores, removes one key or a range, or appends to a value.
  enum class Op : std::uint8_t { put, erase, erase_range, append };
  // One write of the batch.
  struct Entry {
    Op op;                   // what it does
    Family family;           // whose key
    std::string_view key;    // erase_range: the first key erased
    std::string_view value;  // erase_range: the first key kept
  };

  // Stores, in place of what is there.
  void put(Family family, std::string_view key, std::string_view value) {
    add(Op::put, family, key, value);
  }
  // No harm where it is not.
  void erase(Family family, std::string_view key) { add(Op::erase, family, key, {}); }
  // [first, last)
  void erase_range(Family family, std::string_view first, std::string_view last) {
    add(Op::erase_range, family, first, last);
  }
  void append(Family family, std::string_view key, std::string_view operand) {
    add(Op::append, family, key, operand);
  }
  // All of the other batch after all of this one.
  void extend(const KvBatch& other);

  void clear() noexcept;                                                        // keeps its memory
  [[nodiscard]] bool empty() const noexcept { return records_.empty(); }        // no writes
  [[nodiscard]] std::size_t count() const noexcept { return records_.size(); }  // writes
  [[nodiscard]] std::size_t bytes() const noexcept { return buffer_.size(); }  // of keys and values
  // The views are valid until the batch is changed.
  [[nodiscard]] Entry entry(std::size_t index) const noexcept;

 private:
  struct Record {
    std::size_t offset;
    std::uint32_t key_size;
    std::uint32_t value_size;
    Op op;
    Family family;
  };
  void add(Op op, Family family, std::string_view key, std::string_view value);

  std::string buffer_;
  std::vector<Record> records_;
};

// Opaque; destroying it releases the versions that it held. Must not outlive its backend.
class KvSnapshot {
 public:
  virtual ~KvSnapshot() = default;
};

// Walks one family in key order. After an error valid() is false and status() says why.
class KvIterator {
 public:
  virtual ~KvIterator() = default;
  virtual void seek_to_first() = 0;                      // the family's first key
  virtual void seek(std::string_view key) = 0;           // first key >= key
  virtual void seek_for_prev(std::string_view key) = 0;  // last key <= key
  virtual void next() = 0;                               // valid() must hold
  virtual void prev() = 0;                               // valid() must hold
  [[nodiscard]] virtual bool valid() const = 0;          // stands on a key
  // Valid until the iterator moves.
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
  [[nodiscard]] virtual Result<void> status() const = 0;
};

// Whether the backend holds writes back: not at all, by slowing them down, or wholly.
enum class StallState : std::uint8_t { normal, delayed, stopped };

// What a backend tells the engine. Called from the backend's own threads: an implementation
// copies, queues and returns; it never blocks, decodes or calls the backend.
class KvObserver {
 public:
  virtual ~KvObserver() = default;
  virtual void on_flush_done(Family) noexcept {}  // written writes are in a file
  // Files were merged.
  virtual void on_compaction_done(Family, std::uint64_t /*bytes_in*/,
                                  std::uint64_t /*bytes_out*/) noexcept {}
  virtual void on_stall(StallState) noexcept {}  // when it changes
  // No call was there to return it.
  virtual void on_background_error(const StorageError&) noexcept {}
  // Background work met damage in the family. Instead of on_background_error.
  virtual void on_family_damaged(Family, const StorageError& error) noexcept {
    on_background_error(error);
  }
  // Keys whose values the backend has just written out (flush, compaction, append) and for which
  // needs_rewrite() said yes. `more` tells that others were left out of the list.
  virtual void on_rewrite_candidates(Family, std::span<const std::string> /*keys*/,
                                     bool /*more*/) noexcept {}
  // Asked for values of primary and the four secondary families as they are written out. Cheap,
  // allocates nothing (but room to open an encrypted value in).
  [[nodiscard]] virtual bool needs_rewrite(Family, std::string_view /*key*/,
                                           std::string_view /*value*/) const noexcept {
    return false;
  }
};

// Space and memory, as the backend itself counts them. What it does not know is 0.
struct KvProperties {
  // One family's.
  struct PerFamily {
    std::uint64_t disk_bytes = 0;      // live files
    std::uint64_t memtable_bytes = 0;  // not yet in files
    std::uint64_t key_estimate = 0;    // the backend's guess
  };
  std::array<PerFamily, kFamilyCount> families{};  // by Family
  std::uint64_t total_disk_bytes = 0;              // every file of the directory, logs included
  std::uint64_t cache_bytes = 0;                   // of its own block cache
  std::uint64_t table_reader_bytes = 0;            // indexes and filters of open files
  std::uint64_t stall_count = 0;                   // times that writes were held back
  std::uint64_t stall_micros = 0;                  // and for how long
  StallState stall = StallState::normal;           // now
};

// What KvBackend::compact gives when it was told to stop, whatever the backend.
[[nodiscard]] inline tl::unexpected<StorageError> compaction_stopped() {
  return fail(ErrorCode::cancelled, "compact: stopped by its caller; what was done stays");
}

// The port to what keeps bytes: ordered keys in families, batches applied as a whole, snapshots.
class KvBackend {
 public:
  virtual ~KvBackend() = default;

  // Applies the batch as a whole, or nothing of it.
  [[nodiscard]] virtual Result<void> write(const KvBatch& batch, Durability durability) = 0;

  // True and the value in `value` (replaced), or false. `snapshot` null: the newest state.
  [[nodiscard]] virtual Result<bool> get(Family family, std::string_view key,
                                         const KvSnapshot* snapshot, std::string& value) = 0;

  // Like get for each key; keys are sorted and distinct. values[i] is empty and found[i] false
  // where absent. The spans are as long as keys.
  [[nodiscard]] virtual Result<void> multi_get(Family family,
                                               std::span<const std::string_view> keys,
                                               const KvSnapshot* snapshot,
                                               std::span<std::string> values,
                                               std::span<bool> found) = 0;

  // `readahead`: hint that a long stretch will be read. The snapshot must outlive the iterator.
  [[nodiscard]] virtual Result<std::unique_ptr<KvIterator>> iterate(Family family,
                                                                    const KvSnapshot* snapshot,
                                                                    bool readahead) = 0;

  // The same for the keys below `end` alone: damage behind that is no concern of the iterator. It
  // is not asked for keys from `end` on, and may show them or not.
  [[nodiscard]] virtual Result<std::unique_ptr<KvIterator>> iterate_below(
      Family family, std::string_view /*end*/, const KvSnapshot* snapshot, bool readahead) {
    return iterate(family, snapshot, readahead);
  }

  // The newest version, for any number of reads.
  [[nodiscard]] virtual Result<std::shared_ptr<const KvSnapshot>> snapshot() = 0;

  // Everything written so far is on the device when this returns. A backend with a log that has
  // grown long may give it back on the way.
  [[nodiscard]] virtual Result<void> flush() = 0;

  // Rewrites the family's files so that erased and superseded bytes go. `keep_going` (may be
  // empty) is asked now and then; false ends with `cancelled`.
  [[nodiscard]] virtual Result<void> compact(Family family,
                                             const std::function<bool()>& keep_going) = 0;

  // Empties a family without reading any of it: for one that is damaged. Not in the order of the
  // log: after a crash the family may be empty or as it was. Nobody reads or writes the family
  // meanwhile, and snapshots made before may lose sight of it, so a caller waits for who may look.
  // The default suits a backend whose erase_range does not read.
  [[nodiscard]] virtual Result<void> clear(Family family) {
    KvBatch batch;
    batch.erase_range(family, {}, std::string(64, '\xff'));
    return write(batch, Durability::wal);
  }

  // Why the store can only be read, where the backend opened it so: a part of family primary, and
  // of no other that cannot be derived, is damaged or missing. Then every call that would change
  // anything gives this error, and reads of what is missing give corruption.
  [[nodiscard]] virtual std::optional<StorageError> read_only() const { return std::nullopt; }

  // What it knows of its own space, memory and stalls.
  [[nodiscard]] virtual Result<KvProperties> properties() const = 0;

  // False for a backend that forgets when closed.
  [[nodiscard]] virtual bool persistent() const noexcept = 0;

  // At most one, set before the first write, and cleared (null) before it is destroyed. When
  // the call that clears it returns, no callback is running.
  virtual void set_observer(KvObserver* observer) = 0;

  // Ends background work and closes files. Later calls give `closed`. Snapshots and iterators
  // must be gone.
  [[nodiscard]] virtual Result<void> close() = 0;
};

}  // namespace caveat
