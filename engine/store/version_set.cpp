#include "engine/store/version_set.h"

#include <algorithm>
#include <thread>

#include "caveat/ports.h"
#include "caveat/snapshot.h"

namespace caveat {

std::uint64_t Snapshot::sequence() const noexcept {
  return view_->ceiling;
}

VersionSet::~VersionSet() {
  clear();
}

std::shared_ptr<const ReadView> VersionSet::view() const {
  auto made = std::make_unique<ReadView>();
  const std::int64_t now = clock_.now_ns();
  auto open = open_;
  {
    std::unique_lock lock(open->mutex);
    open->changed.wait(lock, [&] { return !open->draining; });
    if (open->refused) return made;
    open->since_ns.insert(now);
  }
  ReadView* const view = made.release();
  std::shared_ptr<const ReadView> result(view, [open, now](const ReadView* ended) {
    delete ended;
    const std::lock_guard lock(open->mutex);
    open->since_ns.erase(open->since_ns.find(now));
    if (open->draining && open->since_ns.empty()) open->changed.notify_all();
  });
  // Under the lock no version is published, so that all rows up to the ceiling are in this one.
  const std::lock_guard lock(mutex_);
  view->version = owner_;
  view->ceiling = visible();
  return result;
}

void VersionSet::update(const std::function<void(Version&)>& change) {
  std::vector<std::shared_ptr<const Version>> freed;  // destroyed after the lock is gone
  const std::lock_guard lock(mutex_);
  if (cleared_) return;
  auto next = owner_ ? std::make_shared<Version>(*owner_) : std::make_shared<Version>();
  next->created_ns = clock_.now_ns();
  freed.reserve(retired_.size() + 1);
  retired_.reserve(retired_.size() + 1);
  replaced_.reserve(replaced_.size() + 1);
  // The last that can fail: what it did besides, once it returned, is as sure as the new version.
  change(*next);
  if (!owner_ || !next->same_places(*owner_)) next->places = ++places_;
  std::erase_if(replaced_, [](const auto& version) { return version.expired(); });
  if (owner_) {
    replaced_.push_back(owner_);
    retired_.push_back(std::move(owner_));
  }
  owner_ = std::move(next);
  current_.store(owner_.get(), std::memory_order_seq_cst);
  free_retired_locked(freed);
}

void VersionSet::free_retired_locked(std::vector<std::shared_ptr<const Version>>& freed) {
  std::erase_if(retired_, [&](std::shared_ptr<const Version>& version) {
    if (HazardDomain::is_pinned(version.get())) return false;
    freed.push_back(std::move(version));
    return true;
  });
}

std::shared_ptr<const Version> VersionSet::current() const {
  const std::lock_guard lock(mutex_);
  return owner_;
}

std::size_t VersionSet::open_views() const {
  const std::lock_guard lock(open_->mutex);
  return open_->since_ns.size();
}

std::vector<std::shared_ptr<const Version>> VersionSet::held() {
  {
    std::vector<std::shared_ptr<const Version>> freed;  // destroyed after the lock is gone
    const std::lock_guard lock(mutex_);
    free_retired_locked(freed);
  }
  std::vector<std::shared_ptr<const Version>> held;
  const std::lock_guard lock(mutex_);
  for (const auto& version : replaced_) {
    if (auto alive = version.lock()) held.push_back(std::move(alive));
  }
  return held;
}

bool VersionSet::drain(std::chrono::milliseconds at_most, bool refuse) {
  std::unique_lock lock(open_->mutex);
  open_->draining = true;
  const bool none = open_->changed.wait_for(lock, at_most, [&] { return open_->since_ns.empty(); });
  open_->draining = false;
  open_->refused = open_->refused || (none && refuse);
  open_->changed.notify_all();
  return none;
}

std::int64_t VersionSet::oldest_view_age_ns() const {
  const std::lock_guard lock(open_->mutex);
  if (open_->since_ns.empty()) return 0;
  // A clock that was set back has made none of them older.
  return std::max<std::int64_t>(0, clock_.now_ns() - *open_->since_ns.begin());
}

void VersionSet::clear() {
  std::vector<std::shared_ptr<const Version>> freed;
  std::shared_ptr<const Version> last;
  {
    const std::lock_guard lock(mutex_);
    cleared_ = true;
    current_.store(nullptr, std::memory_order_seq_cst);
    freed.swap(retired_);
    last.swap(owner_);
  }
  // Point reads that have begun are short, and none begins any more.
  const auto wait_for_pins = [](const Version* version) {
    while (HazardDomain::is_pinned(version)) std::this_thread::yield();
  };
  for (const auto& version : freed) wait_for_pins(version.get());
  if (last) wait_for_pins(last.get());
}

}  // namespace caveat
