// The fields of a record as people read them: what tables and cards are made of.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "caveat/exception_view.h"

namespace caveat::cli {

// The fields, in the order in which they are shown.
enum RecordField : std::size_t {
  kNode,
  kProperty,
  kInherited,
  kActual,
  kSource,
  kConfidence,
  kTime,
  kReason,
  kFieldCount
};

using RecordCells = std::array<std::string, kFieldCount>;

[[nodiscard]] const RecordCells& shown_names();

// Texts that are safe on a terminal (see printable). `local`: the time in the user's zone, with its
// offset; else in UTC.
[[nodiscard]] RecordCells cells_of(const ExceptionView& record,
                                   const std::optional<std::string>& property_name, bool local);

}  // namespace caveat::cli
