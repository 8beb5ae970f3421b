// Reading on behind a place that the backend cannot read.
//
// How far the damage reaches is known to nobody: a seek into it fails, and one behind it does not.
// So keys are tried at growing distances until one succeeds, and the edge is found by bisection.
// Each with an iterator of its own: one of RocksDB's that has failed may fail for ever.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "caveat/kv_backend.h"
#include "caveat/types.h"

namespace caveat {

using MakeIterator = std::function<Result<std::unique_ptr<KvIterator>>()>;

struct BehindDamage {
  ExceptionKey key;
  std::unique_ptr<KvIterator> it;  // there
};

// Keys are `prefix` and an encoded ExceptionKey; reading has failed at or behind `from`. The first
// key behind the damage at which it succeeds; nothing if no key does.
[[nodiscard]] Result<std::optional<BehindDamage>> seek_behind_damage(const MakeIterator& make,
                                                                     std::string_view prefix,
                                                                     const ExceptionKey& from);

// The next larger key; nothing for the largest.
[[nodiscard]] std::optional<ExceptionKey> key_after(const ExceptionKey& key) noexcept;

}  // namespace caveat
