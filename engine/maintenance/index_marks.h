// Which secondary families queries may trust.
//
// A mark is in three places: in versions, for queries; in the superblock, for the next open; and in
// the IndexManager, which leaves a marked family alone. Damage is marked in the current version as
// soon as anybody meets it, so that queries scan; the mutator takes it over before its next commit.
// Hints are dropped only once the superblock says so, or in the same batch. docs/decisions/0075.
#pragma once

#include <span>

#include "engine/store/core.h"

namespace caveat {

class Publication;

// Any thread. `seen`: the version whose hints could not be read. What is marked already, or was
// built anew since, stays as it is. True if this was the first to find it.
bool mark_index_damaged(Core& core, const Version& seen, Family family, const StorageError& error);

// --- The mutator's ---

// Takes what was found damaged into `superblock` and suspends it. True if that changes the
// superblock, which must then be written before hints are missing.
[[nodiscard]] bool adopt_index_damage(Core& core, Superblock& superblock);

// Marks the families, everywhere.
[[nodiscard]] Result<void> set_index_complete(Core& core, Publication& publication,
                                              std::span<const Family> families, bool complete);

}  // namespace caveat
