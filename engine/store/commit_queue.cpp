#include "engine/store/commit_queue.h"

#include <new>

#include "engine/delta/delta_record.h"
#include "engine/sync/sync_point.h"
#include "pool/invariant.h"

namespace caveat {

CommitQueue::CommitQueue(Core& core, std::function<void()> on_news)
    : core_(core), on_news_(std::move(on_news)) {}

void CommitQueue::start(Sequence next_sequence, GenerationId next_generation) {
  next_sequence_ = next_sequence;
  next_generation_ = next_generation;
  core_.versions.make_visible(next_sequence - 1);
  seal_locked();  // makes the first active generation
}

Result<CommitQueue::Outcome> CommitQueue::commit(std::string_view rows, std::size_t count,
                                                 Durability durability,
                                                 const Precondition* precondition) {
  if (count == 0) return Outcome::committed;
  if (core_.read_only) [[unlikely]]
    return fail(*core_.read_only);
  if (auto error = core_.background_errors.take()) return fail(std::move(*error));
  Request request;
  request.rows = rows;
  request.count = count;
  request.durability = durability;
  request.precondition = precondition;

  std::unique_lock lock(mutex_);
  queue_.push_back(&request);
  turn_.wait(lock, [&] { return request.done || (!leading_ && queue_.front() == &request); });
  if (!request.done) lead(lock);
  if (request.out_of_memory) throw std::bad_alloc();
  return std::move(request.result);
}

// Leads the group that begins with the head of the queue. The head is the caller's request.
void CommitQueue::lead(std::unique_lock<std::mutex>& lock) {
  // The delta is bounded: with too many generations waiting for the fold, so do writers.
  if (core_.options.background_maintenance) wait_for_folds(lock);
  const bool stuck = core_.options.background_maintenance && full();
  auto& group = group_;
  group.clear();
  Durability durability = Durability::none;
  std::size_t bytes = 0;
  for (Request* request : queue_) {
    // A condition is checked against what is visible, so its request leads a group of its own.
    if (!group.empty() && (request->precondition != nullptr || bytes > kGroupBytesMax)) break;
    group.push_back(request);
    bytes += request->rows.size();
    durability = std::max(durability, request->durability);
    if (request->precondition != nullptr) break;
  }
  leading_ = true;
  const bool closed = closed_;
  lock.unlock();

  Result<void> written;
  bool out_of_memory = false;
  if (closed) {
    written = closed_error();
  } else if (auto error = stuck ? core_.background_errors.take() : std::nullopt) {
    written = fail(std::move(*error));
  } else if (group.front()->precondition != nullptr &&
             changed_since(*group.front()->precondition)) {
    group.front()->result = Outcome::conflict;
  } else {
    try {
      written = log_and_insert(group, durability);
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  }

  lock.lock();
  leading_ = false;
  for (Request* request : group) {
    CAVEAT_ASSERT(queue_.front() == request);
    queue_.pop_front();
    if (!written) request->result = tl::make_unexpected(written.error());
    request->out_of_memory = out_of_memory;
    request->done = true;
  }
  turn_.notify_all();
}

void CommitQueue::wait_for_folds(std::unique_lock<std::mutex>& lock) {
  const auto go_on = [&] { return closed_ || !full() || core_.background_errors.any(); };
  if (go_on()) [[likely]]
    return;
  EngineCounters& counters = core_.counters;
  const std::int64_t begun = steady_now_ns();
  counters.write_stall_since_ns.store(begun, std::memory_order_relaxed);
  counters.write_stalls.fetch_add(1, std::memory_order_relaxed);
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

Result<void> CommitQueue::log_and_insert(const std::vector<Request*>& group,
                                         Durability durability) {
  // One record for the whole group: one put, one checksum.
  std::string_view rows = group.front()->rows;
  std::size_t count = group.front()->count;
  if (group.size() > 1) {
    joined_.clear();
    count = 0;
    for (const Request* request : group) {
      joined_ += request->rows;
      count += request->count;
    }
    rows = joined_;
  }
  if (!active_->empty() && active_->arena_bytes() + rows.size() > core_.memory.delta / 3) {
    seal_locked();
  }
  const DeltaRecordKey key{active_->id(), next_sequence_};
  record_.clear();
  if (CAVEAT_PLANTED(group_logged_backwards)) {
    std::string backwards;
    for (auto request = group.rbegin(); request != group.rend(); ++request) {
      backwards += (*request)->rows;
    }
    encode_delta_record(key, backwards, count, record_);
  } else {
    encode_delta_record(key, rows, count, record_);
  }
  batch_.clear();
  batch_.put(Family::delta, encode_delta_key(key), record_);
  // Whatever can run out of memory does so before the log knows of the rows.
  active_->reserve(rows, count);
  // Sequences of a failed write are not used again: its rows may yet turn up in the log.
  const Sequence first = next_sequence_;
  next_sequence_ += count;
  CAVEAT_TRY(core_.backend->write(batch_, durability));
  CAVEAT_SYNC_POINT(commit_logged);
  const bool first_rows = active_->empty();
  if (CAVEAT_PLANTED(rows_visible_early)) core_.versions.make_visible(next_sequence_ - 1);
  active_->insert_rows(first, rows, count);
  core_.versions.make_visible(next_sequence_ - 1);
  if (first_rows) on_news_();
  core_.counters.writes.fetch_add(count, std::memory_order_relaxed);
  return {};
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
  if (!closed_ && active_ && !active_->empty()) seal_locked();
}

// By the leader, or under the lock while nobody leads.
void CommitQueue::seal_locked() {
  if (active_) active_->seal();
  GenerationOptions options;
  active_ = std::make_shared<Generation>(next_generation_++, core_.pool, options);
  core_.versions.update(
      [&](Version& version) { version.generations.insert(version.generations.begin(), active_); });
  if (core_.versions.pin()->generations.size() > 1) on_news_();
}

bool CommitQueue::full() const {
  const auto version = core_.versions.pin();
  if (!version || version->generations.size() <= 2) return false;
  const std::size_t waiting = version->sealed_bytes();
  return waiting > core_.memory.delta / 3 * 2 && waiting > core_.sealed_bytes_max();
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
  return queue_.size();
}

void CommitQueue::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  folded_.notify_all();
  turn_.wait(lock, [&] { return !leading_ && queue_.empty(); });
}

}  // namespace caveat
