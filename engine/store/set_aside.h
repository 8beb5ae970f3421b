// Records of the log that could not be read when the store was opened.
//
//   meta key 'Q', then the record's key in the log      value: its bytes there
//
// The fold drops the log they came from, so they are all that is left of a write that is lost.
// They are kept until the log gives the record back whole, or the owner says that they may go.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "caveat/kv_backend.h"

namespace caveat {

inline constexpr char kSetAside = 'Q';

[[nodiscard]] std::string set_aside_key(std::string_view log_key);

struct SetAside {
  std::string log_key;
  std::size_t bytes = 0;
  // Which record it is, and that it is kept.
  [[nodiscard]] std::string describe() const;
};

// In the order of their keys.
[[nodiscard]] Result<std::vector<SetAside>> read_set_aside(KvBackend& backend);

// Removes all of them, and the records themselves where the log still has them: the next open would
// set them aside again. How many. Safe to repeat after a crash.
[[nodiscard]] Result<std::size_t> forget_set_aside(KvBackend& backend);

}  // namespace caveat
