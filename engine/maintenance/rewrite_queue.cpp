#include "engine/maintenance/rewrite_queue.h"

#include "caveat/index_manager.h"
#include "engine/partition/container.h"

namespace caveat {

void RewriteQueue::on_stall(StallState state) noexcept {
  if (stall_.exchange(state) == state) return;
  switch (state) {
    case StallState::normal:
      log_.send(Severity::info, "backend", "stall_end", "the backend takes writes at full speed");
      break;
    case StallState::delayed:
      log_.send(Severity::warning, "backend", "stall_begin",
                "the backend slows writes down until its flushes and compactions have caught up",
                {{"stopped", false}});
      break;
    case StallState::stopped:
      log_.send(Severity::warning, "backend", "stall_begin",
                "the backend takes no writes until its flushes and compactions have caught up",
                {{"stopped", true}});
      break;
  }
}

void RewriteQueue::on_background_error(const StorageError& error) noexcept {
  try {
    on_error_(error);
  } catch (const std::bad_alloc&) {
    // The next write runs into the same fault and reports it.
  }
}

void RewriteQueue::on_family_damaged(Family family, const StorageError& error) noexcept {
  try {
    // A compaction that fails loses nothing, so no write has to fail for it.
    if (!is_index_family(family)) return on_damage_(error);
    // Marking an index is work for the mutator.
    const std::lock_guard lock(mutex_);
    damaged_.emplace_back(family, error);
  } catch (const std::bad_alloc&) {
    // The next query runs into the same damage.
  }
  wake_();
}

void RewriteQueue::on_rewrite_candidates(Family family, std::span<const std::string> keys,
                                         bool) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    for (const auto& key : keys) {
      if (family == Family::primary) {
        if (const auto lower = decode_key(key); lower && partitions_.size() < kQueueMax) {
          partitions_.insert(*lower);
        }
      } else if (index_containers_.size() < kQueueMax) {
        index_containers_.emplace(family, key);
      }
    }
  } catch (const std::bad_alloc&) {
    // Left out: the next compaction names them again.
  }
  wake_();
}

bool RewriteQueue::needs_rewrite(Family family, std::string_view,
                                 std::string_view value) const noexcept {
  if (family == Family::primary) return container_needs_rewrite(value);
  return is_index_family(family) && IndexManager::needs_rewrite(value);
}

void RewriteQueue::add_partition(const ExceptionKey& lower) {
  {
    const std::lock_guard lock(mutex_);
    if (partitions_.size() < kQueueMax) partitions_.insert(lower);
  }
  wake_();
}

std::vector<ExceptionKey> RewriteQueue::take_partitions(std::size_t count) {
  std::vector<ExceptionKey> taken;
  const std::lock_guard lock(mutex_);
  while (taken.size() < count && !partitions_.empty()) {
    taken.push_back(*partitions_.begin());
    partitions_.erase(partitions_.begin());
  }
  return taken;
}

std::vector<std::pair<Family, std::string>> RewriteQueue::take_index_containers() {
  const std::lock_guard lock(mutex_);
  std::vector<std::pair<Family, std::string>> taken(index_containers_.begin(),
                                                    index_containers_.end());
  index_containers_.clear();
  return taken;
}

std::vector<std::pair<Family, StorageError>> RewriteQueue::take_damaged() {
  const std::lock_guard lock(mutex_);
  return std::exchange(damaged_, {});
}

std::size_t RewriteQueue::size() const {
  const std::lock_guard lock(mutex_);
  return partitions_.size() + index_containers_.size();
}

}  // namespace caveat
