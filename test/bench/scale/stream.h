// As many records as are wanted out of one data set, made as they are needed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "test/bench/caveat_views.h"
#include "test/bench/data/dataset.h"

namespace caveat::bench {

// Copy after copy of the data set: nodes shifted by the set's width, times moved by up to a day, as
// the comparison scales its data. Each copy comes in an order of its own. Record i is the same
// whenever it is asked for, so that answers can be checked without keeping them.
class Stream {
 public:
  Stream(const peers::Dataset& data, std::uint64_t records, bool shuffled, std::uint64_t seed);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] peers::Record at(std::uint64_t i) const noexcept;
  [[nodiscard]] std::uint64_t nodes_end() const noexcept { return nodes_end_; }

 private:
  [[nodiscard]] std::uint64_t place(std::uint64_t i) const noexcept;

  const peers::Dataset& data_;
  std::uint64_t size_;
  std::uint64_t seed_;
  bool shuffled_;  // over all copies, not within each
  std::uint64_t shift_ = 0;
  std::uint64_t nodes_end_ = 0;
};

}  // namespace caveat::bench
