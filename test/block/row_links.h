// Rows as the encoder asks for them, made of what the decoder takes.
#pragma once

#include <optional>

#include "engine/block/int_column.h"

namespace caveat::detail {

inline RowLinks links_of(const RowShape& shape) {
  RowLinks links;
  std::vector<std::optional<std::uint16_t>> last(shape.property_count);
  for (std::size_t i = 0; i < shape.node_of_row.size(); ++i) {
    const auto row = static_cast<std::uint16_t>(i);
    if (i == 0 || shape.node_of_row[i] != shape.node_of_row[i - 1])
      links.first_of_node.push_back(row);
    if (shape.property_of_row.empty()) continue;
    auto& before = last[shape.property_of_row[i]];
    links.before.push_back(before.value_or(row));
    before = row;
  }
  return links;
}

}  // namespace caveat::detail
