// The readers' side of one secondary family. Stateless: any thread, any snapshot.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"
#include "caveat/kv_backend.h"

namespace caveat {

namespace posting {
class ContainerCache;
}

class PostingReader {
 public:
  // `cache` is shared with the other families; may be null.
  PostingReader(Family family, KvBackend& backend, posting::ContainerCache* cache = nullptr)
      : family_(family), backend_(backend), cache_(cache) {}

  // As in IndexManager. lo <= hi.
  [[nodiscard]] Result<std::vector<PartitionId>> lookup(std::uint64_t lo, std::uint64_t hi,
                                                        const KvSnapshot* snapshot) const;
  // What a range holds, and, where it lies in few enough containers, the ids themselves: a narrow
  // range costs no more to look up than to estimate.
  struct Probe {
    PostingEstimate estimate;
    std::optional<std::vector<PartitionId>> ids;
  };
  [[nodiscard]] Result<Probe> probe(std::uint64_t lo, std::uint64_t hi,
                                    const KvSnapshot* snapshot) const;
  [[nodiscard]] Result<std::unique_ptr<PostingCursor>> cursor(std::uint64_t lo, std::uint64_t hi,
                                                              bool descending,
                                                              const KvSnapshot* snapshot) const;
  [[nodiscard]] Result<void> for_each_pair(const KvSnapshot* snapshot,
                                           const IndexManager::PairVisitor& on_pair,
                                           const IndexManager::ErrorVisitor& on_error) const;
  [[nodiscard]] Result<PostingStatistics> statistics(const KvSnapshot* snapshot) const;

 private:
  Family family_;
  KvBackend& backend_;
  posting::ContainerCache* cache_;
};

}  // namespace caveat
