#include "pool/hazard.h"

#include <algorithm>
#include <new>
#include <thread>

namespace caveat {
namespace detail {
namespace {

// Lists only grow; new elements go in front. They live for ever, so that threads that end after
// main may still pin. What they hold is bounded by the most threads and pins there ever were.
std::atomic<HazardRecord*> all_records{nullptr};
std::atomic<HazardSpare*> all_spares{nullptr};

constexpr unsigned kAllFree = (1U << HazardRecord::kSlots) - 1;

template <class T>
void push_front(std::atomic<T*>& list, T* element) noexcept {
  element->next = list.load(std::memory_order_relaxed);
  while (!list.compare_exchange_weak(element->next, element, std::memory_order_seq_cst,
                                     std::memory_order_relaxed)) {
  }
}

template <class T>
T* take_unused(std::atomic<T*>& list) noexcept {
  for (T* at = list.load(std::memory_order_acquire); at != nullptr; at = at->next) {
    bool unused = false;
    if (!at->taken.load(std::memory_order_relaxed) &&
        at->taken.compare_exchange_strong(unused, true, std::memory_order_acquire,
                                          std::memory_order_relaxed)) {
      return at;
    }
  }
  T* made = new (std::nothrow) T;
  if (made != nullptr) push_front(list, made);
  return made;
}

// Gives the record back when the thread ends. Pins in destructors of thread-locals that run later
// find no free slot and no way to get a record: they use spares.
struct ThreadExit {
  bool armed = false;
  ~ThreadExit() {
    HazardThread& mine = hazard_thread;
    mine.ended = true;
    if (mine.record == nullptr) return;
    CAVEAT_ASSERT(mine.free == kAllFree);  // a pin outlives its thread
    mine.free = 0;
    std::exchange(mine.record, nullptr)->taken.store(false, std::memory_order_release);
  }
};
thread_local ThreadExit thread_exit;

}  // namespace

HazardSlot take_hazard_slot_slow() noexcept {
  HazardThread& mine = hazard_thread;
  if (mine.record == nullptr && !mine.ended) {
    thread_exit.armed = true;  // makes the destructor run
    mine.record = take_unused(all_records);
    if (mine.record != nullptr) {
      mine.free = kAllFree;
      return take_hazard_slot();
    }
  }
  for (;;) {
    HazardSpare* spare = take_unused(all_spares);
    if (spare != nullptr) return {&spare->slot, spare};
    std::this_thread::yield();  // out of memory: wait until another pin ends
  }
}

void give_hazard_spare_back(HazardSpare* spare) noexcept {
  spare->taken.store(false, std::memory_order_release);
}

}  // namespace detail

const detail::HazardRecord* HazardDomain::records() noexcept {
  return detail::all_records.load(std::memory_order_seq_cst);
}
const detail::HazardSpare* HazardDomain::spares() noexcept {
  return detail::all_spares.load(std::memory_order_seq_cst);
}

bool HazardDomain::is_pinned(const void* object) noexcept {
  bool found = false;
  for_each_pinned([&](const void* pinned) { found |= pinned == object; });
  return found;
}

void HazardDomain::collect_pinned(std::vector<const void*>& pinned) {
  pinned.clear();
  for_each_pinned([&](const void* object) { pinned.push_back(object); });
  std::sort(pinned.begin(), pinned.end());
  pinned.erase(std::unique(pinned.begin(), pinned.end()), pinned.end());
}

}  // namespace caveat
