// The versions of one key, oldest first.
//
// A version is seen by snapshots q with begin <= q < end; `end` is kLive for the current one. To
// erase is to set an end, which allocates nothing. An append shares the buffer of the version
// before it and writes behind that version's bytes: readers of the shorter one never look there,
// so appending costs the operand alone, even under snapshots.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace caveat::detail {

using Stamp = std::uint64_t;  // of a batch; larger is later
inline constexpr Stamp kLive = ~Stamp{0};

struct ValueVersion {
  Stamp begin = 0;
  Stamp end = kLive;
  std::shared_ptr<char[]> data;
  std::size_t size = 0;
  std::size_t capacity = 0;

  [[nodiscard]] std::string_view view() const noexcept { return {data.get(), size}; }
};

class VersionChain {
 public:
  // All changes of one batch carry its stamp; until the batch is published nobody sees them.
  void put(Stamp stamp, std::string_view value);
  void append(Stamp stamp, std::string_view operand);
  void erase(Stamp stamp) noexcept;

  // Takes back everything of a batch that failed half way.
  void roll_back(Stamp stamp) noexcept;

  // Null where the key is absent at that time.
  [[nodiscard]] const ValueVersion* at(Stamp stamp) const noexcept;
  // The current one, published or not.
  [[nodiscard]] const ValueVersion* newest() const noexcept;

  // Drops what neither the present nor one of the snapshots (sorted) sees.
  void prune(std::span<const Stamp> snapshots) noexcept;
  // Gives back the room that appends left behind, where no snapshot can be reading.
  void shrink(std::span<const Stamp> snapshots);

  [[nodiscard]] bool empty() const noexcept { return versions_.empty(); }
  // Nothing left to prune, now or later.
  [[nodiscard]] bool settled() const noexcept {
    return versions_.size() == 1 && versions_.front().end == kLive;
  }
  // Heap bytes, values included.
  [[nodiscard]] std::size_t bytes() const noexcept;

 private:
  void push(Stamp stamp, std::shared_ptr<char[]> data, std::size_t size, std::size_t capacity);

  std::vector<ValueVersion> versions_;
};

}  // namespace caveat::detail
