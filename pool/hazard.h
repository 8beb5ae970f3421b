// Hazard pointers (Michael, 2004): a reader pins an object with one store to memory of its own, so
// that readers on many cores never write to the same cache line.
//
// Who replaces an object unpublishes it first (a seq_cst store to the atomic that readers pin
// from), keeps it on a list of its own, and frees it once no slot names it. The rule that makes
// this safe: a reader publishes the pointer in its slot and then reads the source again; if the
// source still holds it, every later scan sees the slot. All four accesses are seq_cst.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "pool/invariant.h"
#include "pool/thread_index.h"

namespace caveat {

namespace detail {

// The slots of one thread: one cache line. Records are never freed, only passed on to later
// threads, so that a scan may walk them without a lock.
struct alignas(kCacheLine) HazardRecord {
  static constexpr unsigned kSlots = 6;
  std::atomic<const void*> slots[kSlots]{};
  HazardRecord* next = nullptr;
  std::atomic<bool> taken{true};
};
static_assert(sizeof(HazardRecord) == kCacheLine);

// One slot that any thread may take when its own are used up.
struct HazardSpare {
  std::atomic<const void*> slot{nullptr};
  std::atomic<bool> taken{true};
  HazardSpare* next = nullptr;
};

struct HazardThread {
  HazardRecord* record = nullptr;
  unsigned free = 0;   // a bit for each free slot
  bool ended = false;  // the thread's record was given back for good
};
inline constinit thread_local HazardThread hazard_thread;

// A slot and where it came from.
struct HazardSlot {
  std::atomic<const void*>* slot = nullptr;
  HazardSpare* spare = nullptr;  // null: of the thread's own
};
[[nodiscard]] HazardSlot take_hazard_slot_slow() noexcept;
void give_hazard_spare_back(HazardSpare* spare) noexcept;

[[nodiscard]] inline HazardSlot take_hazard_slot() noexcept {
  HazardThread& mine = hazard_thread;
  if (mine.free == 0) [[unlikely]]
    return take_hazard_slot_slow();
  const auto i = static_cast<unsigned>(std::countr_zero(mine.free));
  mine.free &= mine.free - 1;
  return {&mine.record->slots[i], nullptr};
}

inline void give_hazard_slot_back(HazardSlot slot) noexcept {
  slot.slot->store(nullptr, std::memory_order_release);
  if (slot.spare != nullptr) [[unlikely]]
    return give_hazard_spare_back(slot.spare);
  HazardThread& mine = hazard_thread;
  const auto i = static_cast<unsigned>(slot.slot - mine.record->slots);
  CAVEAT_ASSERT(i < HazardRecord::kSlots && (mine.free >> i & 1) == 0);  // same thread, once
  mine.free |= 1U << i;
}

// How a pin is taken. Tests put a bug or a delay in its place.
struct HazardPinPolicy {
  static constexpr bool kRecheck = true;
  static void before_publish() noexcept {}
};

}  // namespace detail

// Keeps what a source pointed to from being freed. Ends on the thread that took it; a thread may
// hold many, but more than HazardRecord::kSlots at once cost more each.
template <class T, class Policy = detail::HazardPinPolicy>
class HazardPtr {
 public:
  HazardPtr() = default;  // holds nothing
  HazardPtr(HazardPtr&& other) noexcept
      : slot_(std::exchange(other.slot_, {})), object_(std::exchange(other.object_, nullptr)) {}
  HazardPtr& operator=(HazardPtr&& other) noexcept {
    if (this != &other) {
      reset();
      slot_ = std::exchange(other.slot_, {});
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~HazardPtr() { reset(); }

  // What `source` points to now; may be null.
  [[nodiscard]] static HazardPtr pin(const std::atomic<const T*>& source) noexcept {
    HazardPtr result;
    result.slot_ = detail::take_hazard_slot();
    const T* object = source.load(std::memory_order_relaxed);
    for (;;) {
      Policy::before_publish();
      result.slot_.slot->store(object, std::memory_order_seq_cst);
      const T* again = source.load(std::memory_order_seq_cst);
      if (again == object || !Policy::kRecheck) break;
      object = again;
    }
    result.object_ = object;
    return result;
  }

  void reset() noexcept {
    if (slot_.slot == nullptr) return;
    detail::give_hazard_slot_back(slot_);
    slot_ = {};
    object_ = nullptr;
  }

  [[nodiscard]] const T* get() const noexcept { return object_; }
  [[nodiscard]] const T& operator*() const noexcept { return *object_; }
  [[nodiscard]] const T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  detail::HazardSlot slot_;
  const T* object_ = nullptr;
};

// All slots of the process, for those who free. Call after unpublishing.
class HazardDomain {
 public:
  [[nodiscard]] static bool is_pinned(const void* object) noexcept;

  // Calls visit(const void*) for every slot that names an object; an object may come twice.
  // What was unpublished before the call and is not visited may be freed.
  template <class Visit>
  static void for_each_pinned(Visit&& visit) {
    for (const detail::HazardRecord* at = records(); at != nullptr; at = at->next) {
      for (const auto& slot : at->slots) {
        if (const void* object = slot.load(std::memory_order_seq_cst)) visit(object);
      }
    }
    for (const detail::HazardSpare* at = spares(); at != nullptr; at = at->next) {
      if (const void* object = at->slot.load(std::memory_order_seq_cst)) visit(object);
    }
  }

  // The same as a sorted set, for large lists of retired objects. Throws std::bad_alloc.
  static void collect_pinned(std::vector<const void*>& pinned);

 private:
  [[nodiscard]] static const detail::HazardRecord* records() noexcept;
  [[nodiscard]] static const detail::HazardSpare* spares() noexcept;
};

}  // namespace caveat
