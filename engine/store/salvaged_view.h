// Stores that are what could be saved of a damaged one.
#pragma once

#include <memory>

#include "caveat/kv_backend.h"
#include "engine/partition/directory.h"

namespace caveat {

// A backend of this type is read only, and what it lacks is missing without an error: an engine
// that is opened on one does without whatever it can do without.
class SalvagedBackend : public KvBackend {};

// Partition ids from here on are of no store: they stand in for those that are lost.
inline constexpr PartitionId kStandInIds = PartitionId{1} << 35;

// As the engine reads it: of a container whose begin is lost the runs that were appended to it are
// sound, so they get a header. Above encryption, where values are plain.
[[nodiscard]] std::unique_ptr<KvBackend> make_salvaged_view(std::unique_ptr<KvBackend> inner);

}  // namespace caveat
