// Writing.
//
// A range of delta (a generation that has been folded) is erased with one range tombstone: its
// vector memtable is slow to read, the family is never exported, and it is read only at open.
// Ranges of all other families are erased key by key: range tombstones there would slow every read
// until compacted away, and 7.8 loses them when a family is exported. Those ranges are short:
// a key is a partition of hundreds of records.
#include <chrono>
#include <new>
#include <thread>
#include <vector>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/rocksdb_handles.h"
#include "adapters/rocksdb/status.h"

namespace caveat::detail {
namespace {

constexpr auto kWaitStep = std::chrono::milliseconds(1);
constexpr auto kWaitMax = std::chrono::milliseconds(50);
constexpr std::size_t kHeaderBytesPerEntry = 16;  // kind, family, two lengths

bool reads_before_it_erases(const KvBatch& batch) noexcept {
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    if (entry.op == KvBatch::Op::erase_range && entry.family != Family::delta) return true;
  }
  return false;
}

}  // namespace

// Every key of the range that is stored, or was put by the batch before this entry.
Result<void> RocksdbBackend::erase_each(rocksdb::WriteBatch& out, const KvBatch& batch,
                                        std::size_t index) const {
  const KvBatch::Entry range = batch.entry(index);
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  options.fill_cache = false;
  const rocksdb::Slice last = slice(range.value);
  options.iterate_upper_bound = &last;
  const std::unique_ptr<rocksdb::Iterator> stored(db_->NewIterator(options, handle(range.family)));
  rocksdb::Status status;
  for (stored->Seek(slice(range.key)); status.ok() && stored->Valid(); stored->Next()) {
    status = out.Delete(handle(range.family), stored->key());
  }
  if (status.ok()) status = stored->status();
  for (std::size_t i = 0; status.ok() && i < index; ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    const bool adds = entry.op == KvBatch::Op::put || entry.op == KvBatch::Op::append;
    if (adds && entry.family == range.family && range.key <= entry.key && entry.key < range.value) {
      status = out.Delete(handle(range.family), slice(entry.key));
    }
  }
  if (status.ok()) return {};
  return fail(names_.error(status, range.family, range.key));
}

Result<void> RocksdbBackend::add_to(rocksdb::WriteBatch& out, const KvBatch& batch) const {
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    rocksdb::ColumnFamilyHandle* const family = handle(entry.family);
    rocksdb::Status status;
    switch (entry.op) {
      case KvBatch::Op::put:
        status = out.Put(family, slice(entry.key), slice(entry.value));
        break;
      case KvBatch::Op::erase:
        status = out.Delete(family, slice(entry.key));
        break;
      case KvBatch::Op::append:
        status = out.Merge(family, slice(entry.key), slice(entry.value));
        break;
      case KvBatch::Op::erase_range:
        if (entry.key >= entry.value) break;  // empty; RocksDB would refuse it
        if (entry.family == Family::delta) {
          status = out.DeleteRange(family, slice(entry.key), slice(entry.value));
        } else {
          CAVEAT_TRY(erase_each(out, batch, i));
        }
        break;
    }
    if (!status.ok()) return fail(names_.error(status, entry.family, entry.key));
  }
  return {};
}

// The manager of memtables starts flushes but never makes a writer wait, so writers that outrun the
// flushes would fill memory. Only memtables that are being flushed can bring it to twice the
// bound, so waiting helps; it ends in any case, for then the flushes may be failing, and the write
// has to say so. (RocksDB's own stall stays off: hangs after a stall were mended only in 8.7.)
void RocksdbBackend::wait_for_flushes() {
  const std::size_t bound = 2 * options_.write_buffer_bytes;
  if (store_.memtables->memory_usage() <= bound) return;
  const auto begin = std::chrono::steady_clock::now();
  auto waited = begin - begin;
  while (store_.memtables->memory_usage() > bound && waited < kWaitMax) {
    std::this_thread::sleep_for(kWaitStep);
    waited = std::chrono::steady_clock::now() - begin;
  }
  events_->add_wait(std::chrono::duration_cast<std::chrono::microseconds>(waited));
}

// What was written stays written: want of memory here must not look like a failed write.
void RocksdbBackend::note_log_after_write() noexcept {
  try {
    static_cast<void>(note_log(/*sync=*/false));
  } catch (const std::bad_alloc&) {
    events_->ask_log_again();
  }
}

Result<void> RocksdbBackend::write(const KvBatch& batch, Durability durability) {
  if (batch.empty()) return durability == Durability::fsync ? flush() : Result<void>();
  const std::shared_lock open(open_mutex_);
  if (!db_) return closed();
  if (read_only_) return fail(*read_only_);
  CAVEAT_TRY(check_writable());
  wait_for_flushes();
  std::unique_lock turn(turnstile_);
  std::shared_lock shared(write_mutex_, std::defer_lock);
  std::unique_lock alone(write_mutex_, std::defer_lock);
  if (reads_before_it_erases(batch)) {
    alone.lock();
  } else {
    shared.lock();
  }
  turn.unlock();
  if (events_->stopped()) return fail(stopped_error());

  const std::size_t bytes = batch.bytes() + (batch.count() + 1) * kHeaderBytesPerEntry;
  rocksdb::WriteBatch out(bytes, 0, options_.protect_writes ? 8 : 0, 0);
  CAVEAT_TRY(add_to(out, batch));
  rocksdb::WriteOptions options;
  options.sync = durability == Durability::fsync;
  const rocksdb::Status status = db_->Write(options, &out);
  logged_bytes_.fetch_add(out.GetDataSize(), std::memory_order_relaxed);
  if (events_->take_log_changed()) note_log_after_write();
  if (status.ok()) {
    note_spared(batch);
    return {};
  }
  if (events_->stopped()) return fail(stopped_error());
  const KvBatch::Entry first = batch.entry(0);
  return fail(names_.error(status, first.family, first.key));
}

}  // namespace caveat::detail
