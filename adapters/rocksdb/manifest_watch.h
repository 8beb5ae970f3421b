// Tells how much of the current MANIFEST is on the device: after each sync of it, and when another
// one becomes the current.
#pragma once

#include <rocksdb/env.h>

#include <functional>
#include <memory>

#include "adapters/rocksdb/manifest_note.h"

namespace caveat::detail {

// Called on RocksDB's threads, one call at a time; it must not throw, nor ask RocksDB anything.
using OnManifest = std::function<void(const ManifestNote&)>;

// The environment with that done, which keeps the given one alive.
[[nodiscard]] std::shared_ptr<rocksdb::Env> with_manifest_watch(
    const std::shared_ptr<rocksdb::Env>& env, OnManifest told);

}  // namespace caveat::detail
