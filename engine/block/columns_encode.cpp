#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "engine/block/columns_encode.h"
#include "engine/block/layout.h"

namespace caveat::detail {
namespace {

constexpr std::uint16_t kNoRow = 0xFFFF;

// value x 10^digits as an integer, where dividing gives back the very same float.
bool scale_exactly(std::span<const BlockRow> rows, unsigned digits,
                   std::vector<std::uint64_t>& out) {
  double power = 1;
  for (unsigned i = 0; i < digits; ++i) power *= 10;
  out.clear();
  for (const auto& row : rows) {
    const double scaled = std::nearbyint(static_cast<double>(row.view.confidence) * power);
    if (static_cast<float>(scaled / power) != row.view.confidence) return false;
    out.push_back(static_cast<std::uint64_t>(scaled));
  }
  return true;
}

// Lets other columns lean on the rows' properties, which are numbers below `properties` each.
void link_properties(std::span<const std::uint64_t> property_of_row, std::size_t properties,
                     EncodeScratch& s) {
  s.last_of_property.assign(properties, kNoRow);
  s.links.before.resize(property_of_row.size());
  for (std::size_t i = 0; i < property_of_row.size(); ++i) {
    std::uint16_t& last = s.last_of_property[property_of_row[i]];
    const auto row = static_cast<std::uint16_t>(i);
    s.links.before[i] = last == kNoRow ? row : last;
    last = row;
  }
}

}  // namespace

std::string ColumnChoice::name() const {
  std::string text(form);
  text += to_string(encoding);
  if (second == IntEncoding::reserved) return text;
  text += '+';
  return text += to_string(second);
}

ColumnChoice put_node_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out) {
  s.nodes.clear();
  s.node_rows.clear();
  s.links.first_of_node.clear();
  s.links.before.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint64_t node = rows[i].view.key.node_id;
    if (!s.nodes.empty() && s.nodes.back() == node) {
      ++s.node_rows.back();
      continue;
    }
    s.nodes.push_back(node);
    s.node_rows.push_back(0);
    s.links.first_of_node.push_back(static_cast<std::uint16_t>(i));
  }
  put_varint(out, s.nodes.size());
  const auto chosen = encode_ints(s.nodes, nullptr, s.ints, out);
  // One node has all rows.
  const auto lengths =
      s.nodes.size() > 1 ? encode_ints(s.node_rows, nullptr, s.ints, out) : IntEncoding::constant;
  return {"", chosen, lengths};
}

ColumnChoice put_property_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                 std::string& out) {
  auto& ids = s.properties;
  ids.clear();
  for (const auto& row : rows) ids.push_back(row.property_id);
  if (s.nodes.size() > 1) {  // one node has its ids ascending, each once
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }

  s.trial.clear();
  put_varint(s.trial, 0);
  s.values.clear();
  for (const auto& row : rows) s.values.push_back(row.property_id);
  const auto direct = encode_ints(s.values, &s.links, s.ints, s.trial);

  const std::size_t before = out.size();
  put_varint(out, ids.size());
  encode_ints(ids, nullptr, s.ints, out);
  s.values.clear();
  for (const auto& row : rows) s.values.push_back(place_of<std::uint64_t>(ids, row.property_id));
  const auto local = encode_ints(s.values, &s.links, s.ints, out);
  // Local numbers let other columns follow the property. Worth some bytes where properties repeat.
  const std::size_t slack = rows.size() / ids.size() >= 3 ? rows.size() / 8 : 0;
  if (out.size() - before <= s.trial.size() + slack) {
    link_properties(s.values, ids.size(), s);
    return {"local:", local};
  }
  out.resize(before);
  out += s.trial;
  return {"direct:", direct};
}

ColumnChoice put_source_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out) {
  s.values.clear();
  for (const auto& row : rows) s.values.push_back(static_cast<std::uint64_t>(row.view.source));
  return {"", encode_ints(s.values, &s.links, s.ints, out)};
}

ColumnChoice put_confidence_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                   std::string& out) {
  for (std::uint8_t digits = 0; digits <= kConfidenceDigits; ++digits) {
    if (!scale_exactly(rows, digits, s.values)) continue;
    out.push_back(static_cast<char>(kConfidenceDecimal + digits));
    return {"decimal:", encode_ints(s.values, &s.links, s.ints, out)};
  }
  s.values.clear();
  for (const auto& row : rows)
    s.values.push_back(std::bit_cast<std::uint32_t>(row.view.confidence));
  out.push_back(static_cast<char>(kConfidenceBits));
  return {"bits:", encode_ints(s.values, &s.links, s.ints, out)};
}

ColumnChoice put_time_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out) {
  std::int64_t least = INT64_MAX;
  for (const auto& row : rows) least = std::min(least, row.view.created_at);
  std::uint64_t factor = 0;
  s.values.clear();
  for (const auto& row : rows) {
    s.values.push_back(static_cast<std::uint64_t>(row.view.created_at) -
                       static_cast<std::uint64_t>(least));
    if (factor != 1 && (factor == 0 || s.values.back() % factor != 0))
      factor = std::gcd(factor, s.values.back());
  }
  if (factor == 0) factor = 1;
  // The least time is mostly a multiple of the factor too.
  const bool aligned =
      least % static_cast<std::int64_t>(std::min<std::uint64_t>(factor, INT64_MAX)) == 0 &&
      factor <= INT64_MAX;
  put_varint(out, factor);
  out.push_back(aligned ? 1 : 0);
  put_varint(out, zigzag(aligned ? least / static_cast<std::int64_t>(factor) : least));
  if (factor > 1)
    for (auto& value : s.values) value /= factor;
  return {"", encode_ints(s.values, &s.links, s.ints, out)};
}

ColumnChoice put_value_column(std::span<const BlockRow> rows, unsigned which, EncodeScratch& s,
                              std::string& out) {
  s.values.clear();
  for (const auto& row : rows)
    s.values.push_back(static_cast<std::uint64_t>(
        (which == 0 ? row.view.inherited_value : row.view.actual_value).kind()));
  encode_ints(s.values, &s.links, s.ints, out);
  return {"", encode_ints(s.index[which], &s.links, s.ints, out, s.fresh_from[which])};
}

ColumnChoice put_reason_column(EncodeScratch& s, std::string& out) {
  if (!s.split) {
    out.push_back(static_cast<char>(kReasonWhole));
    return {"whole:", encode_ints(s.index[2], &s.links, s.ints, out, s.fresh_from[2])};
  }
  out.push_back(static_cast<char>(kReasonSplit));
  put_varint(out, s.reason_bytes);
  const auto heads = encode_ints(s.index[2], &s.links, s.ints, out, s.fresh_from[2]);
  const auto tails = encode_ints(s.index[3], &s.links, s.ints, out, s.fresh_from[3]);
  return {"split:", heads, tails};
}

}  // namespace caveat::detail
