// Holds the one observer of a backend, so that it can be taken away safely.
//
// A callback runs under a shared lock; clearing takes the lock alone, and so returns only when no
// callback is running. An observer must therefore not clear itself from inside a callback.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "caveat/kv_backend.h"

namespace caveat::detail {

class ObserverSlot {
 public:
  void set(KvObserver* observer) {
    const std::unique_lock lock(mutex_);
    observer_ = observer;
  }

  // Calls f(observer) if there is one.
  template <class F>
  void notify(F&& f) const {
    const std::shared_lock lock(mutex_);
    if (observer_ != nullptr) f(*observer_);
  }

  // Calls f with the observer or null.
  template <class F>
  void visit(F&& f) const {
    const std::shared_lock lock(mutex_);
    f(static_cast<const KvObserver*>(observer_));
  }

 private:
  mutable std::shared_mutex mutex_;
  KvObserver* observer_ = nullptr;
};

// The index families: what is in them can be derived from the primary.
[[nodiscard]] constexpr bool derivable(Family family) noexcept {
  return family == Family::property || family == Family::source || family == Family::confidence ||
         family == Family::temporal;
}

// Only values of these families are ever worth rewriting.
[[nodiscard]] constexpr bool rewritable(Family family) noexcept {
  switch (family) {
    case Family::meta:
    case Family::delta:
      return false;
    case Family::primary:
    case Family::property:
    case Family::source:
    case Family::confidence:
    case Family::temporal:
      return true;
  }
  return false;
}

}  // namespace caveat::detail
