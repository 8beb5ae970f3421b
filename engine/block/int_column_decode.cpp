// The decoder's half of integer columns. Input is untrusted: each count and width is checked
// before it is used, and nesting is bounded.
#include <algorithm>
#include <array>

#include "engine/block/int_column.h"

namespace caveat::detail {
namespace {

using Values = std::span<std::uint64_t>;
constexpr unsigned kMaxDepth = 5;

// A buffer of each nesting level, kept per thread.
std::vector<std::uint64_t>& scratch(unsigned depth, unsigned which) {
  thread_local std::array<std::array<std::vector<std::uint64_t>, 2>, kMaxDepth> buffers;
  return buffers[depth][which];
}

bool decode(ByteReader& in, const RowShape* shape, unsigned depth, Values values);

bool packed(ByteReader& in, Values values) {
  const std::uint64_t base = in.varint();
  const unsigned width = in.byte();
  if (!in.ok() || width > 64) return false;
  const std::string_view bits = in.take(packed_bytes(values.size(), width));
  if (!in.ok() || !padding_is_zero(bits, values.size(), width)) return false;
  unpack_bits(bits, base, width, values);
  return true;
}

bool delta(ByteReader& in, unsigned depth, Values values) {
  values[0] = in.varint();
  const auto least = static_cast<std::uint64_t>(unzigzag(in.varint()));
  if (values.size() < 2) return false;
  const Values steps = values.subspan(1);
  if (!decode(in, nullptr, depth + 1, steps)) return false;
  for (std::size_t i = 1; i < values.size(); ++i) values[i] += values[i - 1] + least;
  return true;
}

bool runs(ByteReader& in, unsigned depth, Values values) {
  const std::uint64_t count = in.varint();
  if (count < 2 || count > values.size()) return false;
  auto& heads = scratch(depth, 0);
  auto& lengths = scratch(depth, 1);
  heads.resize(count);
  lengths.resize(count - 1);
  if (!decode(in, nullptr, depth + 1, heads) || !decode(in, nullptr, depth + 1, lengths))
    return false;
  std::size_t at = 0;
  for (std::size_t run = 0; run + 1 < count; ++run) {
    const std::uint64_t length = lengths[run];
    if (length >= values.size() - at) return false;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(at), length + 1, heads[run]);
    at += length + 1;
    if (at >= values.size()) return false;  // the last run would be empty
  }
  std::fill(values.begin() + static_cast<std::ptrdiff_t>(at), values.end(), heads[count - 1]);
  return true;
}

bool sparse(ByteReader& in, unsigned depth, Values values) {
  const std::uint64_t common = in.varint();
  const std::uint64_t count = in.varint();
  if (!in.ok() || count > values.size()) return false;
  std::fill(values.begin(), values.end(), common);
  if (count == 0) return true;
  auto& gaps = scratch(depth, 0);
  auto& others = scratch(depth, 1);
  gaps.resize(count);
  others.resize(count);
  if (!decode(in, nullptr, depth + 1, gaps) || !decode(in, nullptr, depth + 1, others))
    return false;
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (at >= values.size() || gaps[i] >= values.size() - at) return false;
    at += gaps[i];
    values[at++] = others[i];
  }
  return true;
}

bool dictionary(ByteReader& in, const RowShape* shape, unsigned depth, Values values) {
  const std::uint64_t count = in.varint();
  if (count < 2 || count > values.size()) return false;
  auto& distinct = scratch(depth, 0);
  distinct.resize(count);
  if (!decode(in, nullptr, depth + 1, distinct) || !decode(in, shape, depth + 1, values))
    return false;
  for (std::uint64_t& value : values) {
    if (value >= count) return false;
    value = distinct[value];
  }
  return true;
}

bool fresh(ByteReader& in, unsigned depth, Values values) {
  std::uint64_t next = in.varint();
  auto& earlier = scratch(depth, 0);
  if (!in.ok() || !decode(in, nullptr, depth + 1, values)) return false;
  std::size_t old = 0;
  for (const std::uint64_t flag : values) {
    if (flag > 1) return false;
    old += flag == 0;
  }
  earlier.resize(old);
  if (old != 0 && !decode(in, nullptr, depth + 1, earlier)) return false;
  old = 0;
  for (std::uint64_t& value : values) value = value == 1 ? next++ : earlier[old++];
  return true;
}

bool node_delta(ByteReader& in, const RowShape& shape, unsigned depth, Values values) {
  const std::uint8_t rising = in.byte();
  if (!in.ok() || rising > 1) return false;
  auto& firsts = scratch(depth, 0);
  auto& steps = scratch(depth, 1);
  firsts.resize(shape.node_count);
  steps.resize(values.size() - shape.node_count);
  if (!decode(in, nullptr, depth + 1, firsts)) return false;
  if (!steps.empty() && !decode(in, nullptr, depth + 1, steps)) return false;
  std::size_t first = 0;
  std::size_t step = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == 0 || shape.node_of_row[i] != shape.node_of_row[i - 1]) {
      values[i] = firsts[first++];
    } else {
      const std::uint64_t by = steps[step++];
      values[i] = values[i - 1] + (rising != 0 ? by : static_cast<std::uint64_t>(unzigzag(by)));
    }
  }
  return true;
}

bool grouped(ByteReader& in, std::span<const std::uint16_t> group, std::uint32_t groups,
             unsigned depth, Values values) {
  if (groups == 0) return false;
  auto& flags = scratch(depth, 0);
  auto& missed = scratch(depth, 1);
  flags.assign(values.size() - groups, 0);
  if (!flags.empty() && !decode(in, nullptr, depth + 1, flags)) return false;
  std::size_t misses = groups;
  for (const std::uint64_t flag : flags) {
    if (flag > 1) return false;
    misses += flag;
  }
  missed.resize(misses);
  if (!decode(in, nullptr, depth + 1, missed)) return false;
  constexpr std::uint32_t kUnseen = ~std::uint32_t{0};
  thread_local std::vector<std::uint32_t> last;  // index into missed; not used while nested
  last.assign(groups, kUnseen);
  std::size_t flag = 0;
  std::uint32_t miss = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t& mine = last[group[i]];
    if (mine == kUnseen || flags[flag++] == 1) mine = miss++;
    values[i] = missed[mine];
  }
  return true;
}

bool decode(ByteReader& in, const RowShape* shape, unsigned depth, Values values) {
  if (depth >= kMaxDepth || values.empty()) return false;
  switch (static_cast<IntEncoding>(in.byte())) {
    case IntEncoding::constant:
      std::fill(values.begin(), values.end(), in.varint());
      return in.ok();
    case IntEncoding::packed:
      return packed(in, values);
    case IntEncoding::delta:
      return delta(in, depth, values);
    case IntEncoding::runs:
      return runs(in, depth, values);
    case IntEncoding::sparse:
      return sparse(in, depth, values);
    case IntEncoding::dictionary:
      return dictionary(in, shape, depth, values);
    case IntEncoding::fresh:
      return fresh(in, depth, values);
    case IntEncoding::node_delta:
      return shape != nullptr && node_delta(in, *shape, depth, values);
    case IntEncoding::by_node:
      return shape != nullptr && grouped(in, shape->node_of_row, shape->node_count, depth, values);
    case IntEncoding::by_property:
      return shape != nullptr && !shape->property_of_row.empty() &&
             grouped(in, shape->property_of_row, shape->property_count, depth, values);
    default:
      return false;
  }
}

}  // namespace

bool decode_ints(ByteReader& in, const RowShape* shape, std::span<std::uint64_t> values) {
  return decode(in, shape, 0, values) && in.ok();
}

std::string_view to_string(IntEncoding encoding) noexcept {
  switch (encoding) {
    case IntEncoding::constant:
      return "constant";
    case IntEncoding::packed:
      return "packed";
    case IntEncoding::delta:
      return "delta";
    case IntEncoding::runs:
      return "runs";
    case IntEncoding::sparse:
      return "sparse";
    case IntEncoding::dictionary:
      return "dictionary";
    case IntEncoding::fresh:
      return "fresh";
    case IntEncoding::node_delta:
      return "node_delta";
    case IntEncoding::by_node:
      return "by_node";
    case IntEncoding::by_property:
      return "by_property";
    default:
      return "unknown";
  }
}

}  // namespace caveat::detail
