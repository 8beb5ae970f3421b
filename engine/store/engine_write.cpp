#include "engine/store/engine.h"
#include "engine/store/pooled_batch.h"
#include "engine/store/set_aside.h"
#include "engine/sync/sync_point.h"

namespace caveat {

Result<void> Engine::check(const WriteOptions& options) {
  if (options.durability <= WriteOptions::Level::fsync) [[likely]]
    return {};
  return fail(ErrorCode::invalid_argument, "WriteOptions::durability: is no known level");
}

// Without maintenance in the background a filled delta is the next writer's to fold: before it
// writes, for a write must not be refused for what fails after it was logged.
Result<void> Engine::make_room() {
  if (core_.options.background_maintenance || !commits_.overfull()) [[likely]]
    return {};
  return core_.read_only ? Result<void>() : mutator_.fold_all();
}

Result<void> Engine::commit(const WriteBatch& batch, const WriteOptions& options) {
  const RowsPart part{batch.rows(), batch.count()};
  return commit(RowsParts(&part, batch.empty() ? 0 : 1), options);
}

Result<void> Engine::commit(RowsParts parts, const WriteOptions& options) {
  CAVEAT_TRY(check(options));
  if (parts.empty()) {
    if (closed_) return closed_error();
    // It has nothing of its own to bring to the device, but what came before it.
    const bool syncs = core_.durability_of(options) == Durability::fsync && !core_.read_only;
    return syncs ? core_.backend->flush() : Result<void>();
  }
  CAVEAT_TRY(make_room());
  return commits_.commit(parts, core_.durability_of(options));
}

// Optimistic: reads, decides, and commits what it decided if the key has not changed since;
// otherwise it reads and decides again while others wait. Gives what was read.
template <class Read, class Choose>
auto Engine::commit_if_unchanged(const ExceptionKey& key, const Read& read, const Choose& decide,
                                 const WriteOptions& options) -> decltype(read()) {
  CAVEAT_TRY(check(options));
  CAVEAT_TRY(make_room());
  PooledBatch batch(core_.pool);
  RowsPart part;
  decltype(read()) there;
  const auto look = [&]() -> Result<RowsParts> {
    batch->clear();
    there = read();
    if (!there) return fail(there.error());
    CAVEAT_ASSIGN(const bool writes, decide(*there, *batch));
    part = {batch->rows(), batch->count()};
    return writes ? RowsParts(&part, 1) : RowsParts();
  };
  // What is read may be newer than the sequence noted before; then it is read once more.
  CommitQueue::Precondition precondition;
  precondition.key = key;
  precondition.read_at = core_.versions.visible();
  precondition.look_again = std::ref(look);
  CAVEAT_ASSIGN(const auto parts, look());
  if (parts.empty()) return there;
  CAVEAT_SYNC_POINT(checked_write_decided);
  CAVEAT_TRY(commits_.commit(parts, core_.durability_of(options), &precondition));
  return there;
}

Result<std::optional<Exception>> Engine::commit_checked(const ExceptionKey& key,
                                                        const Decide& decide,
                                                        const WriteOptions& options) {
  return commit_if_unchanged(
      key, [&] { return retrieve(key, nullptr); }, decide, options);
}

// That a key is there the keys of its block say; its record is not read.
Result<bool> Engine::erase(const ExceptionKey& key, const WriteOptions& options) {
  return commit_if_unchanged(
      key, [&] { return contains(key, nullptr); },
      [&](bool there, WriteBatch& batch) -> Result<bool> {
        if (there) CAVEAT_TRY(batch.remove_exception(key));
        return there;
      },
      options);
}

Result<void> Engine::flush() {
  if (closed_) return closed_error();
  if (core_.read_only) return fail(*core_.read_only);
  commits_.seal();
  CAVEAT_TRY(mutator_.fold_all());
  return core_.backend->flush();
}

// Maintenance that a caller asks for sees what was written before the call: it is sealed first.
Result<OptimizationResults> Engine::optimize(ProgressSink* progress) {
  if (closed_) return closed_error();
  if (core_.read_only) return fail(*core_.read_only);
  commits_.seal();
  CAVEAT_ASSIGN(const auto done, mutator_.optimize(progress));
  core_.log.send(Severity::info, "maintenance", "optimize_done", "the store is optimized",
                 {{"partitions", done.partitions_rewritten},
                  {"bytes_before", done.bytes_before},
                  {"bytes_after", done.bytes_after},
                  {"seconds", seconds_of_ns(static_cast<std::int64_t>(done.duration_ns))}});
  return done;
}

Result<void> Engine::rebuild_indexes(ProgressSink* progress) {
  if (closed_) return closed_error();
  if (core_.read_only) return fail(*core_.read_only);
  commits_.seal();
  const std::int64_t begun = steady_now_ns();
  CAVEAT_TRY(mutator_.rebuild_indexes(progress));
  core_.log.send(Severity::info, "maintenance", "rebuild_done", "the indexes are made anew",
                 {{"seconds", seconds_of_ns(steady_now_ns() - begun)}});
  return {};
}

Result<CompactionResults> Engine::compact(ProgressSink* progress) {
  if (closed_) return closed_error();
  if (core_.read_only) return fail(*core_.read_only);
  commits_.seal();
  CAVEAT_TRY(mutator_.fold_all());
  CAVEAT_ASSIGN(const auto done, mutator_.compact(progress));
  core_.log.send(Severity::info, "maintenance", "compact_done", "the store's files are rewritten",
                 {{"disk_bytes_before", done.disk_bytes_before},
                  {"disk_bytes_after", done.disk_bytes_after},
                  {"seconds", seconds_of_ns(static_cast<std::int64_t>(done.duration_ns))}});
  return done;
}

Result<std::size_t> Engine::forget_lost_writes() {
  if (closed_) return closed_error();
  if (core_.read_only) return fail(*core_.read_only);
  const auto lock = mutator_.lock();  // whoever closes the store waits for it
  if (!core_.versions.current()) return closed_error();
  return forget_set_aside(*core_.backend);
}

}  // namespace caveat
