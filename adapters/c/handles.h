// What the opaque handles are. Each begins with a tag of its kind, so that a handle of another
// kind, and most that were released, are told from a good one.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "adapters/c/error_object.h"
#include "adapters/c/record_out.h"
#include "caveat/c.h"
#include "caveat/storage_optimizer.h"
#include "engine/store/core.h"
#include "engine/store/version.h"

namespace caveat::c {

enum class Kind : std::uint64_t {  // what a heap holds by chance is none of these
  store = 0x9C4E'2B7A'51D0'6F01,
  snapshot = 0x9C4E'2B7A'51D0'6F02,
  cursor = 0x9C4E'2B7A'51D0'6F03,
  batch = 0x9C4E'2B7A'51D0'6F04,
};

template <Kind kKind>
class Tagged {
 public:
  Tagged() = default;
  ~Tagged() { tag_ = 0; }
  Tagged(const Tagged&) = delete;
  Tagged& operator=(const Tagged&) = delete;
  [[nodiscard]] bool good() const noexcept { return tag_ == static_cast<std::uint64_t>(kKind); }

 private:
  volatile std::uint64_t tag_ = static_cast<std::uint64_t>(kKind);
};

// One thread at a time: of two, the second is refused and not let into a race.
class OneThread {
 public:
  class Turn {
   public:
    explicit Turn(OneThread& owner) noexcept
        : owner_(owner), mine_(!owner.taken_.exchange(true, std::memory_order_acquire)) {}
    ~Turn() {
      if (mine_) owner_.taken_.store(false, std::memory_order_release);
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    [[nodiscard]] bool mine() const noexcept { return mine_; }

   private:
    OneThread& owner_;
    const bool mine_;
  };

 private:
  std::atomic<bool> taken_{false};
};

[[nodiscard]] inline tl::unexpected<StorageError> taken(const char* name) {
  return fail(ErrorCode::busy, fmt::format("another thread is using this {}", name));
}

}  // namespace caveat::c

// The store itself is shared with its cursors and snapshots: the last of them closes it.
struct caveat_store : caveat::c::Tagged<caveat::c::Kind::store> {
  explicit caveat_store(caveat::StorageOptimizer opened)
      : shared(std::make_shared<caveat::StorageOptimizer>(std::move(opened))) {}
  std::shared_ptr<caveat::StorageOptimizer> shared;
};

struct caveat_snapshot : caveat::c::Tagged<caveat::c::Kind::snapshot> {
  explicit caveat_snapshot(std::shared_ptr<caveat::StorageOptimizer> the_store)
      : store(std::move(the_store)), snapshot(store->snapshot()) {}
  std::shared_ptr<caveat::StorageOptimizer> store;
  caveat::Snapshot snapshot;
};

struct caveat_cursor : caveat::c::Tagged<caveat::c::Kind::cursor> {
  caveat_cursor(std::shared_ptr<caveat::StorageOptimizer> the_store, caveat::Cursor the_cursor)
      : store(std::move(the_store)), cursor(std::move(the_cursor)) {}
  std::shared_ptr<caveat::StorageOptimizer> store;
  caveat::Cursor cursor;
  caveat::c::RecordOut record;
  const caveat::ExceptionView* not_shown = nullptr;  // of the cursor, for want of memory
  caveat::c::OneThread one_thread;
};

struct caveat_batch : caveat::c::Tagged<caveat::c::Kind::batch> {
  caveat::WriteBatch batch;
  caveat::c::OneThread one_thread;
};

namespace caveat::c {

// CAVEAT_INVALID_ARGUMENT where the handle is not one of its kind.
template <class Handle>
[[nodiscard]] Result<void> check(const Handle* handle, const char* name) {
  CAVEAT_TRY(need(handle, name));
  if (handle->good()) [[likely]]
    return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is no handle of that kind, or it was released", name));
}

[[nodiscard]] inline Result<StorageOptimizer*> store_of(const caveat_store* store) {
  CAVEAT_TRY(check(store, "store"));
  return store->shared.get();
}

// Null for null. A snapshot belongs to one store.
[[nodiscard]] inline Result<const Snapshot*> snapshot_of(const caveat_store* store,
                                                         const caveat_snapshot* snapshot) {
  if (snapshot == nullptr) return nullptr;
  CAVEAT_TRY(check(snapshot, "snapshot"));
  if (snapshot->store == store->shared) return &snapshot->snapshot;
  return fail(ErrorCode::invalid_argument, "snapshot: it is of another store");
}

// For calls that need no version of the store, and would not notice.
[[nodiscard]] inline Result<void> still_open(const StorageOptimizer& store) {
  if (store.snapshot().view().version) return {};
  return closed_error();
}

// For the release calls: deletes a good handle, and lets anything else be.
template <class Handle>
void release(Handle* handle) noexcept {
  if (handle != nullptr && handle->good()) delete handle;
}

}  // namespace caveat::c
