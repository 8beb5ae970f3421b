// Containers: the values of the secondary families, keyed by their lower bound.
//
// A container holds the pairs from its key up to the key of the next one. What it holds beyond
// that is left over from a split or a join that was cut short, and readers pass over it. The first
// container of a family has the key (0, 0).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"
#include "caveat/index_manager.h"
#include "indexes/posting_segment.h"

namespace caveat::posting {

inline constexpr std::size_t kContainerKeyBytes = 16;

// Writers aim at this, and split above half as much again.
inline constexpr std::size_t kContainerBytes = std::size_t{8} << 10;
inline constexpr std::size_t kContainerPairs = std::size_t{8} << 10;
inline constexpr std::size_t kSplitBytes = kContainerBytes * 3 / 2;
inline constexpr std::size_t kSplitPairs = kContainerPairs * 3 / 2;
// A container below the first is joined with a neighbour where both stay below the others.
inline constexpr std::size_t kJoinBelowBytes = kContainerBytes / 4;
inline constexpr std::size_t kJoinedBytes = kContainerBytes * 3 / 4;
inline constexpr std::size_t kJoinedPairs = kContainerPairs * 3 / 4;
// Appended changes beyond this are merged before more are taken, so that a container stays
// bounded however far maintenance is behind.
inline constexpr std::size_t kMaxPendingBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxOperandChanges = kContainerPairs;
// What a reader accepts.
inline constexpr std::size_t kMaxContainerBytes = std::size_t{8} << 20;

static_assert(kJoinedBytes < kContainerBytes && kJoinedPairs < kContainerPairs,
              "a join must not make a container that is split again");

// Big-endian term and partition.
[[nodiscard]] std::string container_key(const PostingPair& lower);
[[nodiscard]] std::optional<PostingPair> parse_container_key(std::string_view key) noexcept;

// "property 0x00..: message"
[[nodiscard]] StorageError at_container(Family family, std::string_view key,
                                        const StorageError& error);

// What the headers of a container say.
struct ContainerSummary {
  std::size_t bytes = 0;
  std::size_t base_bytes = 0;
  std::size_t change_bytes = 0;
  std::uint64_t pairs = 0;    // of the base
  std::uint64_t adds = 0;     // appended
  std::uint64_t removes = 0;  // appended
  bool sound = true;          // false: some header is not plausible; counted up to there
};
[[nodiscard]] ContainerSummary summarise(std::string_view container) noexcept;
[[nodiscard]] bool wants_rewrite(const ContainerSummary& summary) noexcept;

// Appends the pairs of terms [lo, hi] after all changes. Sorted, unless `ordered` is false and no
// change is pending: then possibly by (partition, term).
[[nodiscard]] Result<void> read_container(std::string_view container, std::uint64_t lo,
                                          std::uint64_t hi, bool ordered,
                                          std::vector<PostingPair>& out);

// Applies changes (sorted by pair, one a pair) to sorted pairs.
void merge_changes(std::vector<PostingPair>& pairs, std::span<const PostingChange> changes);

struct EncodedContainer {
  PostingPair lower;
  std::uint64_t pairs = 0;
  std::string value;
};
// Cuts sorted pairs into containers, the first with the lower bound given; at least one.
[[nodiscard]] std::vector<EncodedContainer> encode_containers(std::span<const PostingPair> pairs,
                                                              const PostingPair& lower);

}  // namespace caveat::posting
