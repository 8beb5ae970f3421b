// The current version, and who still looks at older ones.
//
// Point reads pin the current version by a hazard pointer: no shared counter is touched. Snapshots
// and cursors hold a counted view. A version that is replaced is freed once nobody has it pinned
// and no view holds it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "engine/store/version.h"
#include "pool/hazard.h"

namespace caveat {

class Clock;

class VersionSet {
 public:
  using Pin = HazardPtr<Version>;

  explicit VersionSet(const Clock& clock) : clock_(clock) {}
  ~VersionSet();
  VersionSet(const VersionSet&) = delete;
  VersionSet& operator=(const VersionSet&) = delete;

  // The current version, for the length of one call. Read visible() after it, not before: rows up
  // to there are in the version, or were written while this call ran.
  [[nodiscard]] Pin pin() const noexcept { return Pin::pin(current_); }

  // Writes up to here are seen by new readers.
  [[nodiscard]] Sequence visible() const noexcept {
    return visible_.load(std::memory_order_acquire);
  }
  void make_visible(Sequence sequence) noexcept {
    visible_.store(sequence, std::memory_order_release);
  }

  // A counted view of now. Destroying it may free versions; any thread. Waits while drain() does.
  [[nodiscard]] std::shared_ptr<const ReadView> view() const;

  // Replaces the current version by what `change` makes of a copy of it. Serial. Does nothing, and
  // does not call it, after clear().
  void update(const std::function<void(Version&)>& change);

  // The current version, counted; for the mutator, which changes it by update() alone.
  [[nodiscard]] std::shared_ptr<const Version> current() const;

  [[nodiscard]] std::size_t open_views() const;
  // Versions that were replaced and are still held by a view or a read.
  [[nodiscard]] std::vector<std::shared_ptr<const Version>> held();
  // Waits until no view is open, at most so long; who wants a new one waits meanwhile, so that
  // readers who never stop end. False: some were held on to, and nothing changes. `refuse`: from
  // now on views have no version. One caller at a time.
  [[nodiscard]] bool drain(std::chrono::milliseconds at_most, bool refuse);
  [[nodiscard]] std::int64_t oldest_view_age_ns() const;

  // Frees everything, once no point read has it pinned any more. After it there is no version, for
  // good: a call that is still under way may find something to note only now.
  void clear();

 private:
  struct Registration;  // ends a view's entry in open_

  void free_retired_locked(std::vector<std::shared_ptr<const Version>>& freed);

  const Clock& clock_;
  std::atomic<const Version*> current_{nullptr};
  std::atomic<Sequence> visible_{0};

  mutable std::mutex mutex_;
  std::shared_ptr<const Version> owner_;
  std::vector<std::shared_ptr<const Version>> retired_;
  std::vector<std::weak_ptr<const Version>> replaced_;  // those that are not freed yet, and a few
  std::uint64_t places_ = 0;
  bool cleared_ = false;

  // Outlives the set where a view does: a host that keeps a snapshot too long gets no crash here.
  struct OpenViews {
    std::mutex mutex;
    std::condition_variable changed;
    std::multiset<std::int64_t> since_ns;
    bool draining = false;
    bool refused = false;
  };
  std::shared_ptr<OpenViews> open_ = std::make_shared<OpenViews>();
};

}  // namespace caveat
