#include "engine/store/commit_queue.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <optional>
#include <utility>

#include "engine/delta/delta_record.h"
#include "engine/maintenance/fold_policy.h"
#include "engine/model/varint.h"
#include "engine/sync/sync_point.h"
#include "pool/invariant.h"

namespace caveat {

namespace {
constexpr std::size_t kRowsToPace = 32;    // fewer cost more to think about
constexpr std::size_t kRowsOfBatch = 256;  // who writes so many at once may wait longer

// The last row first: what a planted fault logs.
std::string backwards(std::string_view rows) {
  std::string turned;
  while (!rows.empty()) {
    const std::size_t bytes = sizeof(std::uint32_t) + load_fixed<std::uint32_t>(rows.data());
    turned.insert(0, rows.substr(0, bytes));
    rows.remove_prefix(bytes);
  }
  return turned;
}

}  // namespace

CommitQueue::CommitQueue(Core& core, std::function<void()> on_news)
    : core_(core), on_news_(std::move(on_news)) {}

void CommitQueue::start(Sequence next_sequence, GenerationId next_generation) {
  next_sequence_ = next_sequence;
  next_generation_ = next_generation;
  core_.versions.make_visible(next_sequence - 1);
  seal_locked();  // makes the first active generation
}

Result<void> CommitQueue::commit(RowsParts parts, Durability durability,
                                 const Precondition* precondition) {
  CAVEAT_ASSERT(!parts.empty() && parts.size() <= kPartsMax);
  if (core_.read_only) [[unlikely]]
    return fail(*core_.read_only);
  if (auto error = core_.background_errors.take()) return fail(std::move(*error));
  Request request;
  request.parts = parts;
  request.bytes = bytes_of(parts);
  request.count = count_of(parts);
  request.durability = durability;
  request.precondition = precondition;

  std::unique_lock lock(mutex_);
  (tail_ == nullptr ? head_ : tail_->behind) = &request;
  tail_ = &request;
  turn_.wait(lock, [&] { return request.done || (!leading_ && head_ == &request); });
  if (!request.done) lead(lock);
  if (request.out_of_memory) throw std::bad_alloc();
  return std::move(request.result);
}

CommitQueue::Group CommitQueue::head_group(Durability& durability) const {
  static_assert(kGroupBytesMax <= kMaxDeltaRawBytes);
  Group group;
  group.first = head_;
  durability = Durability::none;
  std::size_t bytes = 0;
  for (const Request* request = head_; request != nullptr; request = request->behind) {
    // A condition is checked against what is visible, so its request leads a group of its own. What
    // is large gains nothing by company, and only a request by itself is sure to fit a log record.
    const std::size_t with_it = bytes + request->bytes;
    if (group.size > 0 && (request->precondition != nullptr || with_it > kGroupBytesMax)) break;
    ++group.size;
    bytes = with_it;
    durability = std::max(durability, request->durability);
    if (request->precondition != nullptr) break;
  }
  return group;
}

// Leads the group that begins with the head of the queue. The head is the caller's request.
void CommitQueue::lead(std::unique_lock<std::mutex>& lock) {
  // The delta is bounded: with too many generations waiting for the fold, so do writers.
  if (core_.options.background_maintenance) {
    pace_writers(lock);
    wait_for_folds(lock);
  }
  const bool stuck = core_.options.background_maintenance && full();
  Durability durability = Durability::none;
  const Group group = head_group(durability);
  leading_ = true;
  const bool closed = closed_;
  lock.unlock();

  // Nothing, or the error of all of them. Out of memory, even for an error's words: so are they.
  std::optional<StorageError> error;
  bool out_of_memory = false;
  try {
    auto done = carry_out(group, durability, closed, stuck);
    if (!done) error = std::move(done).error();
  } catch (const std::bad_alloc&) {
    out_of_memory = true;
  }
  trim_buffers();

  lock.lock();
  leading_ = false;
  for (std::size_t i = 0; i < group.size; ++i) {
    Request* const request = head_;
    head_ = request->behind;
    if (head_ == nullptr) tail_ = nullptr;
    request->out_of_memory = out_of_memory;
    try {
      if (error) request->result = tl::make_unexpected(*error);
    } catch (const std::bad_alloc&) {
      request->out_of_memory = true;
    }
    request->done = true;
  }
  turn_.notify_all();
}

void CommitQueue::trim_buffers() noexcept {
  // (To assign an empty one would keep the memory.)
  if (joined_.capacity() > kBuffersKeptMax) std::string().swap(joined_);
  std::size_t kept = 0;
  for (const std::string& record : records_) kept += record.capacity();
  if (kept <= kBuffersKeptMax) return;
  for (std::string& record : records_) std::string().swap(record);
  static_cast<void>(std::exchange(batch_, {}));  // it holds the records once more
}

void CommitQueue::pace_writers(std::unique_lock<std::mutex>& lock) {
  if (!core_.pacer.folding()) [[likely]]
    return;
  // Who loads in bulk wants it over, and waits for a fold rather than with it.
  if (head_->count >= kBulkBatchRows) return;
  for (const Request* at = head_; at != nullptr; at = at->behind) unpaced_rows_ += at->count;
  const std::int64_t now = steady_now_ns();
  if (unpaced_rows_ < kRowsToPace && !core_.pacer.in_debt(now)) return;
  const auto version = core_.versions.pin();
  if (!version || active_->rows() == 0) return;
  const DeltaRoom room = room_in(*version);
  const std::size_t rows = std::exchange(unpaced_rows_, 0);
  const std::int64_t pause =
      core_.pacer.pause(room.bytes_of(rows), room.left_to_share(), now,
                        rows > kRowsOfBatch ? WritePacer::kBatchPauseMax : WritePacer::kPauseMax);
  if (pause == 0) return;
  folded_.wait_for(lock, std::chrono::nanoseconds(pause),
                   [&] { return closed_ || !core_.pacer.folding(); });
  core_.counters.write_stall_ns.fetch_add(steady_now_ns() - now, std::memory_order_relaxed);
}

void CommitQueue::wait_for_folds(std::unique_lock<std::mutex>& lock) {
  const auto go_on = [&] { return closed_ || !full() || core_.background_errors.any(); };
  if (go_on()) [[likely]]
    return;
  EngineCounters& counters = core_.counters;
  const std::int64_t begun = steady_now_ns();
  counters.write_stall_since_ns.store(begun, std::memory_order_relaxed);
  counters.write_stalls.fetch_add(1, std::memory_order_relaxed);
  on_news_();  // whoever saw more room a moment ago looks again
  if (core_.log.wants(Severity::warning)) {
    const auto version = core_.versions.pin();
    core_.log.send(Severity::warning, "writes", "stall_begin",
                   "writers wait for folds: more is written than can be folded",
                   {{"waiting_bytes", std::uint64_t{version->sealed_bytes()}},
                    {"waiting_generations", std::uint64_t{version->generations.size() - 1}}});
  }
  folded_.wait(lock, go_on);
  const std::int64_t took = steady_now_ns() - begun;
  counters.write_stall_since_ns.store(0, std::memory_order_relaxed);
  counters.write_stall_ns.fetch_add(took, std::memory_order_relaxed);
  core_.log.send(Severity::info, "writes", "stall_end", "writers go on",
                 {{"seconds", seconds_of_ns(took)}});
}

Result<void> CommitQueue::carry_out(const Group& group, Durability durability, bool closed,
                                    bool stuck) {
  if (closed) return closed_error();
  if (auto error = stuck ? core_.background_errors.take() : std::nullopt) {
    return fail(std::move(*error));
  }
  const Precondition* const precondition = group.first->precondition;
  if (precondition != nullptr && changed_since(*precondition)) {
    // Alone in its group, and of this thread.
    CAVEAT_ASSIGN(const RowsParts parts, precondition->look_again());
    return parts.empty() ? Result<void>() : log_and_insert(parts, durability);
  }
  return log_and_insert(group, durability);
}

Result<void> CommitQueue::log_and_insert(const Group& group, Durability durability) {
  if (group.size == 1) return log_and_insert(group.first->parts, durability);
  // One record for the whole group: one put, one checksum.
  joined_.clear();
  RowsPart all;
  const Request* request = group.first;
  for (std::size_t i = 0; i < group.size; ++i, request = request->behind) {
    for (const RowsPart& part : request->parts) joined_ += part.rows;
    all.count += request->count;
  }
  all.rows = joined_;
  return log_and_insert({&all, 1}, durability);
}

Result<void> CommitQueue::log_and_insert(RowsParts parts, Durability durability) {
  const std::size_t count = count_of(parts);
  if (!active_->empty() && active_->arena_bytes() + bytes_of(parts) > core_.memory.delta / 3) {
    GenerationOptions next;
    next.expected_rows = active_->distinct_keys();
    next.expected_nodes = active_->distinct_nodes();
    seal_locked(next);
  }
  const Sequence first = next_sequence_;
  prepare(first, parts);
  // Sequences of a failed write are not used again: its rows may yet turn up in the log.
  next_sequence_ += count;
  CAVEAT_TRY(core_.backend->write(batch_, durability));
  CAVEAT_SYNC_POINT(commit_logged);
  const bool first_rows = active_->empty();
  if (CAVEAT_PLANTED(rows_visible_early)) core_.versions.make_visible(next_sequence_ - 1);
  if (CAVEAT_PLANTED(seal_overtakes_writers)) active_->reserve(parts);  // it may be another
  active_->insert_reserved(first, parts);
  core_.versions.make_visible(next_sequence_ - 1);
  if (first_rows) on_news_();
  core_.counters.writes.fetch_add(count, std::memory_order_relaxed);
  return {};
}

// Whatever can run out of memory does so here, before the log knows of the rows.
void CommitQueue::prepare(Sequence first, RowsParts parts) {
  std::array<DeltaRecordKey, kPartsMax> keys;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    keys[i] = {active_->id(), first};
    first += parts[i].count;
  }
  // Room for the rows takes as long as two records to pack, so it comes first.
  const auto step = [&](std::size_t i) {
    if (i == 0) return active_->reserve(parts);
    const auto [rows, count] = parts[i - 1];
    std::string& record = records_[i - 1];
    record.clear();
    if (CAVEAT_PLANTED(group_logged_backwards)) {
      return encode_delta_record(keys[i - 1], backwards(rows), count, record);
    }
    encode_delta_record(keys[i - 1], rows, count, record);
  };
  if (count_of(parts) < kBulkBatchRows) {
    for (std::size_t i = 0; i <= parts.size(); ++i) step(i);
  } else {
    core_.workers.parallel_for(parts.size() + 1, step);
  }
  batch_.clear();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    batch_.put(Family::delta, encode_delta_key(keys[i]), records_[i]);
  }
}

bool CommitQueue::changed_since(const Precondition& precondition) const {
  if (CAVEAT_PLANTED(checked_write_sees_no_change)) return false;
  const auto version = core_.versions.current();
  const DeltaView delta(version->generations, kMaxSequence);
  const auto hit = delta.lookup(precondition.key);
  if (hit.kind != DeltaHit::Kind::none) return hit.sequence > precondition.read_at;
  // Not in the delta: a later change could only have left it by a fold.
  if (CAVEAT_PLANTED(checked_write_forgets_folds)) return false;
  return version->folded_through > precondition.read_at;
}

void CommitQueue::seal() {
  std::unique_lock lock(mutex_);
  turn_.wait(lock, [&] { return !leading_ || CAVEAT_PLANTED(seal_overtakes_writers); });
  if (!closed_ && !active_->empty()) seal_locked();
}

// By the leader, or under the lock while nobody leads.
void CommitQueue::seal_locked(const GenerationOptions& next) {
  auto fresh = std::make_shared<Generation>(next_generation_, core_.pool, next);
  const auto seal_active = [&] {
    CAVEAT_SYNC_POINT(generation_sealing);
    if (active_) active_->seal();
  };
  core_.versions.update([&](Version& version) {
    version.generations.insert(version.generations.begin(), fresh);
    // A fold may begin as soon as the version is seen: it takes all but the first, and only sealed
    // ones.
    if (!CAVEAT_PLANTED(seal_shown_first)) seal_active();
  });
  if (CAVEAT_PLANTED(seal_shown_first)) seal_active();
  active_ = std::move(fresh);
  ++next_generation_;
  if (core_.versions.pin()->generations.size() > 1) on_news_();
}

std::size_t CommitQueue::sealed_bytes_max() const {
  return std::max(core_.memory.delta / 3 * 2, core_.sealed_bytes_max());
}

DeltaRoom CommitQueue::room_in(const Version& version) const {
  DeltaRoom room;
  room.generation = core_.memory.delta / 3;
  room.sealed_max = sealed_bytes_max();
  for (std::size_t i = 1; i < version.generations.size(); ++i) {
    room.sealed += DeltaRoom::sealed_bytes(version.generations[i]->arena_bytes(), room.generation,
                                           Arena::kChunkBytesMax);
  }
  room.active_bytes = active_->arena_bytes();
  room.active_rows = active_->rows();
  room.expected_rows = active_->options().expected_rows;
  return room;
}

bool CommitQueue::full() const {
  const auto version = core_.versions.pin();
  if (!version || version->generations.size() <= 2) return false;
  return room_in(*version).left() == 0;
}

void CommitQueue::on_folded() {
  const std::lock_guard lock(mutex_);
  folded_.notify_all();
}

bool CommitQueue::overfull() const {
  const auto version = core_.versions.pin();
  return version && version->generations.size() > 1;
}

std::size_t CommitQueue::waiting() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Request* at = head_; at != nullptr; at = at->behind) ++count;
  return count;
}

void CommitQueue::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  folded_.notify_all();
  turn_.wait(lock, [&] { return !leading_ && head_ == nullptr; });
}

}  // namespace caveat
