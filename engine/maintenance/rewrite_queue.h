// The compaction hook: what the backend noticed and the mutator has to do.
//
// The backend calls from its own threads as it writes containers out. Here they are only named and
// queued; the maintenance thread does the rest.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "caveat/kv_backend.h"
#include "caveat/types.h"
#include "engine/store/event_log.h"

namespace caveat {

class RewriteQueue final : public KvObserver {
 public:
  // `wake`: there is work; must not block. `on_error`: the backend failed in the background.
  // `on_damage`: it met damage there, which stops nothing. Stalls go to the log.
  using Told = std::function<void(const StorageError&)>;
  RewriteQueue(std::function<void()> wake, Told on_error, Told on_damage, const EventLog& log)
      : wake_(std::move(wake)),
        on_error_(std::move(on_error)),
        on_damage_(std::move(on_damage)),
        log_(log) {}

  void on_stall(StallState state) noexcept override;
  void on_background_error(const StorageError& error) noexcept override;
  void on_family_damaged(Family family, const StorageError& error) noexcept override;
  void on_rewrite_candidates(Family family, std::span<const std::string> keys,
                             bool more) noexcept override;
  [[nodiscard]] bool needs_rewrite(Family family, std::string_view key,
                                   std::string_view value) const noexcept override;

  // Asks for a rewrite of a partition.
  void add_partition(const ExceptionKey& lower);
  // Takes up to `count` partitions off the queue, lowest bounds first.
  [[nodiscard]] std::vector<ExceptionKey> take_partitions(std::size_t count);
  [[nodiscard]] std::vector<std::pair<Family, std::string>> take_index_containers();
  // Index families that the backend found damaged.
  [[nodiscard]] std::vector<std::pair<Family, StorageError>> take_damaged();

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] StallState stall() const noexcept { return stall_.load(); }

 private:
  static constexpr std::size_t kQueueMax = std::size_t{1} << 20;

  const std::function<void()> wake_;
  const Told on_error_;
  const Told on_damage_;
  const EventLog& log_;
  std::atomic<StallState> stall_{StallState::normal};
  mutable std::mutex mutex_;
  std::set<ExceptionKey> partitions_;
  std::set<std::pair<Family, std::string>> index_containers_;
  std::vector<std::pair<Family, StorageError>> damaged_;
};

}  // namespace caveat
