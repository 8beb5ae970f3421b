// Versions: what a reader sees.
//
// A version is made by the mutator (or by a seal) between its commit and its publication and never
// changes. It names the delta generations, the directory with its filters, the clears still to be
// applied and the backend's snapshot, all of one moment: a row is in exactly the places that the
// version says. A view is a version and a sequence ceiling.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "caveat/kv_backend.h"
#include "engine/delta/delta_view.h"
#include "engine/delta/generation.h"
#include "engine/partition/clear_list.h"
#include "engine/partition/directory.h"

namespace caveat {

struct Version {
  std::vector<std::shared_ptr<const Generation>> generations;  // newest first; [0] takes writes
  std::shared_ptr<const Directory> directory;
  std::shared_ptr<const ClearList> clears;
  std::shared_ptr<const KvSnapshot> backend_snapshot;
  // Everything up to here is in partitions.
  Sequence folded_through = 0;
  // False while a family is rebuilt or damaged: then every partition is a candidate of it.
  std::array<bool, kFamilyCount> index_complete{};
  // Of the families that are not complete, those that somebody failed to read.
  std::array<bool, kFamilyCount> index_damaged{};
  // Shared by the versions between two rebuilds: they look at the same index families. Once all of
  // them are gone, nobody reads those any more.
  std::shared_ptr<const bool> index_era = std::make_shared<const bool>();
  // Versions with the same number have the same directory, backend snapshot and index state.
  std::uint64_t places = 0;
  std::int64_t created_ns = 0;

  [[nodiscard]] bool same_places(const Version& other) const noexcept {
    return directory == other.directory && backend_snapshot == other.backend_snapshot &&
           index_complete == other.index_complete && index_era == other.index_era;
  }
  // Memory of the generations that wait to be folded.
  [[nodiscard]] std::size_t sealed_bytes() const noexcept {
    std::size_t sum = 0;
    for (std::size_t i = 1; i < generations.size(); ++i) sum += generations[i]->arena_bytes();
    return sum;
  }
};

struct ReadView {
  std::shared_ptr<const Version> version;
  Sequence ceiling = 0;

  [[nodiscard]] DeltaView delta() const { return DeltaView(version->generations, ceiling); }
};

}  // namespace caveat
