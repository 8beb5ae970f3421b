// Pooled objects of one type: scratch exceptions, vectors, decoder contexts.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

#include "caveat/memory_pool.h"
#include "pool/invariant.h"
#include "pool/poison.h"
#include "pool/spin_lock.h"
#include "pool/thread_index.h"

namespace caveat {

// How an object is made ready for its next user, and what it holds. Specialise where clear() and
// capacity() do not say it; the default leaves other objects as they were.
template <class T>
struct Recycle {
  static void reset(T& object) noexcept {
    if constexpr (requires { object.clear(); }) object.clear();
  }
  static std::size_t bytes(const T& object) noexcept {
    if constexpr (requires { object.capacity(), typename T::value_type(); }) {
      return sizeof(T) + object.capacity() * sizeof(typename T::value_type);
    } else {
      return sizeof(T);
    }
  }
};

class ObjectPoolBase {
 public:
  virtual ~ObjectPoolBase() = default;
  [[nodiscard]] virtual AllocationStatistics statistics() const noexcept = 0;
  virtual void trim() noexcept = 0;
};

// Thread-safe. Keeps at most `kept_bytes_max` bytes of objects that nobody uses.
template <class T>
class ObjectPool final : public ObjectPoolBase {
 public:
  // An object on loan; goes back when the lease ends. Move-only. The pool must outlive it.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept
        : pool_(std::exchange(other.pool_, nullptr)), object_(std::move(other.object_)) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        if (pool_ != nullptr) release();
        pool_ = std::exchange(other.pool_, nullptr);
        object_ = std::move(other.object_);
      }
      return *this;
    }
    ~Lease() {
      if (pool_ != nullptr) release();
    }
    [[nodiscard]] T& operator*() noexcept { return *object_; }
    [[nodiscard]] T* operator->() noexcept { return object_.get(); }
    // Ends the loan early; once.
    void release() noexcept {
      CAVEAT_ASSERT(pool_ != nullptr);
      std::exchange(pool_, nullptr)->take_back(std::move(object_));
    }

   private:
    friend class ObjectPool;
    Lease(ObjectPool* pool, std::unique_ptr<T> object) noexcept
        : pool_(pool), object_(std::move(object)) {}
    ObjectPool* pool_ = nullptr;
    std::unique_ptr<T> object_;
  };

  explicit ObjectPool(std::size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}

  // Throws std::bad_alloc, and what T's default constructor throws.
  [[nodiscard]] Lease acquire() {
    std::unique_ptr<T> object;
    {
      Shard& here = shard();
      const std::lock_guard lock(here.lock);
      ++here.in_use;
      if (here.count != 0) {
        object = std::move(here.objects[--here.count]);
        const std::size_t bytes = Recycle<T>::bytes(*object);
        here.kept_bytes -= here.charges[here.count];
        // A vector that is reused saves its elements' memory besides its own.
        here.avoided += bytes > sizeof(T) ? 2 : 1;
        ++here.hits;
        here.reused_bytes += bytes;
      } else {
        ++here.misses;
      }
    }
    if (object == nullptr) object = std::make_unique<T>();
    return Lease(this, std::move(object));
  }

  void trim() noexcept override {
    for (Shard& each : shards_) {
      std::array<std::unique_ptr<T>, kSlots> dropped;  // freed after the lock
      const std::lock_guard lock(each.lock);
      each.objects.swap(dropped);
      each.count = 0;
      each.kept_bytes = 0;
    }
  }

  [[nodiscard]] AllocationStatistics statistics() const noexcept override {
    AllocationStatistics result;
    std::int64_t in_use = 0;
    for (const Shard& each : shards_) {
      const std::lock_guard lock(each.lock);
      result.pool_hits += each.hits;
      result.pool_misses += each.misses;
      result.allocations_avoided += each.avoided;
      result.memory_reused_bytes += each.reused_bytes;
      result.bytes_reserved += each.kept_bytes;
      in_use += each.in_use;
    }
    // Objects on loan count with their own size: what they hold is their user's to change.
    result.bytes_in_use = in_use < 0 ? 0 : static_cast<std::uint64_t>(in_use) * sizeof(T);
    result.bytes_reserved += result.bytes_in_use;
    return result;
  }

 private:
  static constexpr std::size_t kShards = 8;
  static constexpr std::size_t kSlots = 16;

  struct alignas(detail::kCacheLine) Shard {
    mutable SpinLock lock;
    std::array<std::unique_ptr<T>, kSlots> objects;  // the first `count` are kept
    std::array<std::size_t, kSlots> charges{};
    std::size_t count = 0;
    std::size_t kept_bytes = 0;
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t avoided = 0;
    std::uint64_t reused_bytes = 0;
    std::int64_t in_use = 0;  // may be negative: leases move between threads
  };

  Shard& shard() noexcept { return shards_[detail::thread_index() % kShards]; }

  void take_back(std::unique_ptr<T> object) noexcept {
    Recycle<T>::reset(*object);
    const std::size_t bytes = Recycle<T>::bytes(*object);
    Shard& here = shard();
    const std::lock_guard lock(here.lock);
    --here.in_use;
    if (here.count == kSlots || here.kept_bytes + bytes > kept_bytes_max_ / kShards) return;
    here.charges[here.count] = bytes;
    here.objects[here.count++] = std::move(object);
    here.kept_bytes += bytes;
  }

  const std::size_t kept_bytes_max_;
  std::array<Shard, kShards> shards_;
};

namespace detail {
// Its address is the type's identity.
template <class T>
inline constexpr char kTypeTag = 0;
}  // namespace detail

template <class T>
ObjectPool<T>& MemoryPool::objects() {
  return static_cast<ObjectPool<T>&>(pool_of(
      &detail::kTypeTag<T>, [](std::size_t kept_bytes_max) -> std::unique_ptr<ObjectPoolBase> {
        return std::make_unique<ObjectPool<T>>(kept_bytes_max);
      }));
}

}  // namespace caveat
