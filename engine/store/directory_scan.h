// Reads a stretch of the directory off the primary itself.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/store/core.h"

namespace caveat {

class DirectoryScan {
 public:
  DirectoryScan(Core& core, std::vector<PartitionEntry>& entries)
      : core_(core), entries_(entries) {}

  // Goes on behind what the backend cannot read. In its place comes an entry whose container is not
  // there, so that whoever needs one of its keys gets an error.
  [[nodiscard]] Result<void> add(const ExceptionKey& first,
                                 const std::optional<ExceptionKey>& last);

  // Of a salvaged store: there is nothing before the first partition that there is.
  void add_missing_first();

  // Some entries are of containers that cannot be read: their ids, and so their hints, are unknown.
  [[nodiscard]] bool damaged() const noexcept { return damaged_; }
  // Stretches of which not even the partitions are known, by their first key.
  [[nodiscard]] const std::vector<std::pair<ExceptionKey, StorageError>>& lost() const noexcept {
    return lost_;
  }

 private:
  [[nodiscard]] Result<void> read(const ExceptionKey& first,
                                  const std::optional<ExceptionKey>& last);
  void add_container(const ExceptionKey& lower, std::string_view container);
  void open_base(std::string_view container);
  // The last entry ends there.
  void end_last(const ExceptionKey& upper);
  void add_lost(const ExceptionKey& lower, const StorageError& error);

  Core& core_;
  std::vector<PartitionEntry>& entries_;
  std::shared_ptr<const DecodedBlock> last_base_;  // of the last entry; null: nothing to look at
  bool damaged_ = false;
  std::vector<std::pair<ExceptionKey, StorageError>> lost_;
};

}  // namespace caveat
