#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "engine/block/columns_encode.h"
#include "engine/block/layout.h"

namespace caveat::detail {
namespace {

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
  s.node_of_row.clear();
  for (const auto& row : rows) {
    if (s.nodes.empty() || s.nodes.back() != row.view.key.node_id) {
      s.nodes.push_back(row.view.key.node_id);
      s.node_rows.push_back(0);
    } else {
      ++s.node_rows.back();
    }
    s.node_of_row.push_back(static_cast<std::uint16_t>(s.nodes.size() - 1));
  }
  s.shape = {s.node_of_row, static_cast<std::uint32_t>(s.nodes.size()), {}, 0};
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
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());

  s.trial.clear();
  put_varint(s.trial, 0);
  s.values.clear();
  for (const auto& row : rows) s.values.push_back(row.property_id);
  const auto direct = encode_ints(s.values, &s.shape, s.ints, s.trial);

  const std::size_t before = out.size();
  put_varint(out, ids.size());
  encode_ints(ids, nullptr, s.ints, out);
  s.values.clear();
  s.property_of_row.clear();
  for (const auto& row : rows) {
    const auto at = std::lower_bound(ids.begin(), ids.end(), row.property_id) - ids.begin();
    s.values.push_back(static_cast<std::uint64_t>(at));
    s.property_of_row.push_back(static_cast<std::uint16_t>(at));
  }
  const auto local = encode_ints(s.values, &s.shape, s.ints, out);
  // Local numbers let other columns follow the property. Worth some bytes where properties repeat.
  const std::size_t slack = rows.size() / ids.size() >= 3 ? rows.size() / 8 : 0;
  if (out.size() - before <= s.trial.size() + slack) {
    s.shape.property_of_row = s.property_of_row;
    s.shape.property_count = static_cast<std::uint32_t>(ids.size());
    return {"local:", local};
  }
  out.resize(before);
  out += s.trial;
  return {"direct:", direct};
}

ColumnChoice put_source_column(std::span<const BlockRow> rows, EncodeScratch& s, std::string& out) {
  s.values.clear();
  for (const auto& row : rows) s.values.push_back(static_cast<std::uint64_t>(row.view.source));
  return {"", encode_ints(s.values, &s.shape, s.ints, out)};
}

ColumnChoice put_confidence_column(std::span<const BlockRow> rows, EncodeScratch& s,
                                   std::string& out) {
  for (std::uint8_t digits = 0; digits <= kConfidenceDigits; ++digits) {
    if (!scale_exactly(rows, digits, s.values)) continue;
    out.push_back(static_cast<char>(kConfidenceDecimal + digits));
    return {"decimal:", encode_ints(s.values, &s.shape, s.ints, out)};
  }
  s.values.clear();
  for (const auto& row : rows)
    s.values.push_back(std::bit_cast<std::uint32_t>(row.view.confidence));
  out.push_back(static_cast<char>(kConfidenceBits));
  return {"bits:", encode_ints(s.values, &s.shape, s.ints, out)};
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
  return {"", encode_ints(s.values, &s.shape, s.ints, out)};
}

ColumnChoice put_value_column(std::span<const BlockRow> rows, unsigned which, EncodeScratch& s,
                              std::string& out) {
  s.values.clear();
  for (const auto& row : rows)
    s.values.push_back(static_cast<std::uint64_t>(
        (which == 0 ? row.view.inherited_value : row.view.actual_value).kind()));
  encode_ints(s.values, &s.shape, s.ints, out);
  return {"", encode_ints(s.index[which], &s.shape, s.ints, out, s.fresh_from[which])};
}

ColumnChoice put_reason_column(EncodeScratch& s, std::string& out) {
  if (!s.split) {
    out.push_back(static_cast<char>(kReasonWhole));
    return {"whole:", encode_ints(s.index[2], &s.shape, s.ints, out, s.fresh_from[2])};
  }
  out.push_back(static_cast<char>(kReasonSplit));
  put_varint(out, s.reason_bytes);
  const auto heads = encode_ints(s.index[2], &s.shape, s.ints, out, s.fresh_from[2]);
  const auto tails = encode_ints(s.index[3], &s.shape, s.ints, out, s.fresh_from[3]);
  return {"split:", heads, tails};
}

}  // namespace caveat::detail
