// Places where a test may hold a thread, and faults that it may plant in the engine.
//
// Only in builds with CAVEAT_SYNC_POINTS (the presets dev, asan and tsan). In all others the macros
// are nothing and `false`: a library for users holds neither a place nor a fault. See
// docs/decisions/0092-sync-points-and-planted-faults.md; test/schedules uses them.
#pragma once

#ifdef CAVEAT_SYNC_POINTS

#include <atomic>
#include <cstdint>

namespace caveat::sync {

// Where a thread has come to.
enum class Point : std::uint8_t {
  commit_logged,          // rows of a group are in the log, not yet in memory
  rows_inserting,         // some rows of a group are in memory, none is visible
  generation_sealing,     // the next generation is made, and the one before it not yet sealed
  checked_write_decided,  // a conditional write has read and decided, and not written
  fold_begun,             // which generations are folded is settled, nothing is done
  fold_committed,         // all rows are in partitions, and still in the log
  chunk_written,          // a chunk is on disk, and no version shows it
  rewrite_encoded,        // new containers are made of what was read, and not written
  postings_merged,        // the same of a posting container
  filters_made,           // filters were made of what was read, and not published
  rebuild_writing,        // a family is being written anew
  optimize_trained,       // an optimize has its dictionary, and has rewritten nothing
  partition_located,      // a reader knows its partition, and has not read it
  block_cache_fill,       // a reader has decoded a partition, and not cached it
  record_cache_fill,      // the same of a record
};

// What the engine does wrong if a test says so.
enum class Fault : std::uint8_t {
  seal_overtakes_writers,        // a generation is sealed under the writer that is logging to it
  seal_shown_first,              // the version behind a seal is seen before the seal is done
  checked_write_sees_no_change,  // a conditional write does not ask whether its key has changed
  checked_write_forgets_folds,   // the same of changes that were folded since
  group_logged_backwards,        // the log has a group's rows in another order than memory
  rows_visible_early,            // rows are visible before all of their batch are in memory
  fold_drops_too_much,           // a fold drops the generation that takes writes, too
  log_dropped_first,             // a fold drops the log before its rows are in partitions
  fold_takes_no_lock,            // a fold runs beside other steps
  fold_claims_later_clears,      // segments say of clears that came later that they are applied
  fold_claims_no_clears,         // segments do not say which clears came before their rows
  fold_forgets_filter,           // appended keys are not added to the partition's filter
  hints_after_chunks,            // of many partitions the hints are written behind the rows
  fold_stops_at_unreadable,      // a fold fails where a block cannot be read
  held_versions_uncounted,       // statistics leave out what open cursors and snapshots hold
  readers_ignore_snapshots,      // partitions are read as they are now
  caches_ignore_versions,        // a cached block counts for every version of its partition
  rebuild_unmarked,              // families are rebuilt without being marked incomplete on disk
  optimizes_side_by_side,        // an optimize does not wait for another one's end
  rebuild_shows_old_snapshot,    // rebuilt families are trusted by queries that see the old ones
  recovery_refuses_damage,       // a damaged block keeps the store from opening
  salvage_takes_the_oldest,      // of the states of a key a salvage gives the first
};

class Script {
 public:
  virtual void reached(Point point) = 0;  // may block
  [[nodiscard]] virtual bool planted(Fault fault) const noexcept = 0;

 protected:
  ~Script() = default;
};

// Set while no call of a store is under way.
inline std::atomic<Script*> script{nullptr};

inline void reach(Point point) {
  if (Script* now = script.load(std::memory_order_acquire)) now->reached(point);
}
[[nodiscard]] inline bool planted(Fault fault) noexcept {
  const Script* now = script.load(std::memory_order_acquire);
  return now != nullptr && now->planted(fault);
}

}  // namespace caveat::sync

#define CAVEAT_SYNC_POINT(name) ::caveat::sync::reach(::caveat::sync::Point::name)
#define CAVEAT_PLANTED(name) ::caveat::sync::planted(::caveat::sync::Fault::name)

#else

#define CAVEAT_SYNC_POINT(name) static_cast<void>(0)
#define CAVEAT_PLANTED(name) false

#endif
