// Point reads and snapshots.
#include <algorithm>
#include <vector>

#include "adapters/c/handles.h"
#include "adapters/c/record_in.h"
#include "engine/store/core.h"
#include "engine/store/version.h"

using namespace caveat;
using namespace caveat::c;

caveat_code caveat_snapshot_create(const caveat_store* store, caveat_snapshot** snapshot,
                                   caveat_error** error) {
  if (snapshot != nullptr) *snapshot = nullptr;
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(snapshot, "snapshot"));
    CAVEAT_TRY(store_of(store));
    auto made = std::make_unique<caveat_snapshot>(store->shared);
    if (!made->snapshot.view().version) return closed_error();
    *snapshot = made.release();
    return {};
  });
}

uint64_t caveat_snapshot_sequence(const caveat_snapshot* snapshot) {
  return snapshot == nullptr || !snapshot->good() ? 0 : snapshot->snapshot.sequence();
}

void caveat_snapshot_release(caveat_snapshot* snapshot) {
  release(snapshot);
}

caveat_code caveat_contains(const caveat_store* store, const caveat_snapshot* snapshot,
                            uint64_t node, uint64_t property, int32_t* found,
                            caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(found, "found"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto* const at, snapshot_of(store, snapshot));
    CAVEAT_ASSIGN(const bool there, opened->contains({node, property}, at));
    *found = there ? 1 : 0;
    return {};
  });
}

caveat_code caveat_has_exceptions(const caveat_store* store, const caveat_snapshot* snapshot,
                                  uint64_t node, int32_t* found, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(found, "found"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto* const at, snapshot_of(store, snapshot));
    CAVEAT_ASSIGN(const bool any, opened->has_exceptions(node, at));
    *found = any ? 1 : 0;
    return {};
  });
}

caveat_code caveat_retrieve_exception(const caveat_store* store, const caveat_snapshot* snapshot,
                                      uint64_t node, uint64_t property,
                                      const caveat_record** record, caveat_error** error) {
  if (record != nullptr) *record = nullptr;
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(record, "record"));
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto* const at, snapshot_of(store, snapshot));
    CAVEAT_ASSIGN(auto found, opened->retrieve_view({node, property}, at));
    if (found) *record = own(std::move(*found));
    return {};
  });
}

caveat_code caveat_bulk_retrieve(const caveat_store* store, const caveat_snapshot* snapshot,
                                 const caveat_key* keys, size_t count,
                                 const caveat_record** records, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_ASSIGN(const auto* const opened, store_of(store));
    CAVEAT_ASSIGN(const auto* const at, snapshot_of(store, snapshot));
    CAVEAT_TRY(check_array(keys, count, sizeof(caveat_key), "keys"));
    CAVEAT_TRY(check_array(records, count, sizeof(records[0]), "records"));
    std::vector<ExceptionKey> wanted;
    wanted.reserve(count);
    for (std::size_t i = 0; i < count; ++i) wanted.push_back({keys[i].node, keys[i].property});
    CAVEAT_ASSIGN(const auto found, opened->bulk_retrieve(wanted, at));
    // All or none, also where memory ends half-way.
    struct Free {
      void operator()(const caveat_record* record) const noexcept { caveat_record_free(record); }
    };
    std::vector<std::unique_ptr<const caveat_record, Free>> made(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (found[i]) made[i].reset(own(wanted[i], *found[i]));
    }
    std::transform(made.begin(), made.end(), records, [](auto& one) { return one.release(); });
    return {};
  });
}
