// Decoded posting containers, by what is in them.
//
// A query of one term would otherwise decode the thousands of pairs around it each time. The key is
// made of the checksums in the container's headers: whoever reads the same bytes under another
// snapshot finds the same entry, and nothing ever has to be invalidated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"

namespace caveat::posting {

struct ContainerStamp {
  std::uint64_t content = 0;  // of the segments' checksums, in their order
  std::uint64_t bytes = 0;
  friend bool operator==(const ContainerStamp&, const ContainerStamp&) = default;
};

// Nothing for what is not a row of segments.
[[nodiscard]] std::optional<ContainerStamp> stamp_of(std::string_view container) noexcept;

// The pairs of a container after all changes: each term once, partitions in four bytes.
class DecodedContainer {
 public:
  // Sorted pairs. Null where ids lie too far apart.
  [[nodiscard]] static std::shared_ptr<const DecodedContainer> make(
      std::span<const PostingPair> pairs);

  // Appends the pairs of terms [lo, hi], sorted.
  void append(std::uint64_t lo, std::uint64_t hi, std::vector<PostingPair>& out) const;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  std::vector<std::uint64_t> terms_;
  std::vector<std::uint32_t> starts_;  // of each term, and one past the end
  std::vector<std::uint32_t> partitions_;
  PartitionId first_ = 0;  // partitions_ count from here
};

// Where decoded containers are kept; the engine has one. Thread-safe.
class ContainerCache {
 public:
  virtual ~ContainerCache() = default;
  // Null where there is none.
  [[nodiscard]] virtual std::shared_ptr<const DecodedContainer> find(
      const ContainerStamp& stamp) = 0;
  // Notes that it was wanted, and says whether it is worth making.
  [[nodiscard]] virtual bool wants(const ContainerStamp& stamp) = 0;
  virtual void keep(const ContainerStamp& stamp,
                    std::shared_ptr<const DecodedContainer> decoded) = 0;
};

// read_container through a cache, which may be null.
[[nodiscard]] Result<void> read_cached(ContainerCache* cache, std::string_view container,
                                       std::uint64_t lo, std::uint64_t hi, bool ordered,
                                       std::vector<PostingPair>& out);

}  // namespace caveat::posting
