// What is different between two stores: both read in the order of keys, side by side.
#pragma once

#include <cstdint>
#include <functional>

#include "caveat/exception_view.h"
#include "tools/cli/filter/record_stream.h"

namespace caveat::cli {

struct DiffCounts {
  std::uint64_t added = 0;
  std::uint64_t removed = 0;
  std::uint64_t changed = 0;
  std::uint64_t same = 0;
  [[nodiscard]] std::uint64_t all() const noexcept { return added + removed + changed + same; }
  [[nodiscard]] bool differ() const noexcept { return added + removed + changed > 0; }
};

// Called for each difference; `before` null: added, `after` null: removed. Views are valid during
// the call. False ends the comparison.
using OnDifference =
    std::function<Result<bool>(const ExceptionView* before, const ExceptionView* after)>;

[[nodiscard]] Result<DiffCounts> compare(RecordStream& before, RecordStream& after,
                                         const OnDifference& on_difference,
                                         const std::function<bool(const DiffCounts&)>& go_on);

// Whether everything but the key is the same, as it is stored.
[[nodiscard]] bool same_content(const ExceptionView& a, const ExceptionView& b) noexcept;

}  // namespace caveat::cli
