// The encoder's half of integer columns.
#include <algorithm>
#include <array>

#include "engine/block/int_column.h"

namespace caveat::detail {
namespace {

using Values = std::span<const std::uint64_t>;

// Scratch of one nesting level, kept per thread: encoding allocates nothing once warm.
struct Scratch {
  std::vector<std::uint64_t> a, b;
};
Scratch& scratch(unsigned depth) {
  thread_local std::array<Scratch, 5> levels;
  return levels.at(depth);
}

// How deep columns nest: a shaped column may hold plain ones, and those leaves.
enum Rank : unsigned { kLeaf = 0, kPlain = 1, kShaped = 2 };

IntEncoding encode(Values values, const RowShape* shape, Rank rank, unsigned depth,
                   std::string& out, std::uint64_t fresh_from = kNoFresh);

void begin(std::string& out, IntEncoding encoding) {
  out.push_back(static_cast<char>(encoding));
}

void put_constant(std::uint64_t value, std::string& out) {
  begin(out, IntEncoding::constant);
  put_varint(out, value);
}

void put_packed(Values values, std::uint64_t low, std::uint64_t high, std::string& out) {
  begin(out, IntEncoding::packed);
  // A base costs bytes: without one where it would save no bit.
  const unsigned width = width_of(high - low);
  const std::uint64_t base = width_of(high) == width ? 0 : low;
  put_varint(out, base);
  out.push_back(static_cast<char>(width));
  pack_bits(values, base, width, out);
}

void put_delta(Values values, unsigned depth, std::string& out) {
  begin(out, IntEncoding::delta);
  put_varint(out, values[0]);
  std::int64_t least = INT64_MAX;
  for (std::size_t i = 1; i < values.size(); ++i)
    least = std::min(least, static_cast<std::int64_t>(values[i] - values[i - 1]));
  put_varint(out, zigzag(least));
  auto& steps = scratch(depth).a;
  steps.clear();
  for (std::size_t i = 1; i < values.size(); ++i)
    steps.push_back(values[i] - values[i - 1] - static_cast<std::uint64_t>(least));
  encode(steps, nullptr, kLeaf, depth + 1, out);
}

void put_runs(Values values, unsigned depth, std::string& out) {
  begin(out, IntEncoding::runs);
  auto& heads = scratch(depth).a;
  auto& lengths = scratch(depth).b;
  heads.clear();
  lengths.clear();
  for (const std::uint64_t value : values) {
    if (!heads.empty() && heads.back() == value) {
      ++lengths.back();
    } else {
      heads.push_back(value);
      lengths.push_back(0);  // length - 1
    }
  }
  put_varint(out, heads.size());
  encode(heads, nullptr, kLeaf, depth + 1, out);
  lengths.pop_back();  // the last run takes what is left
  if (!lengths.empty()) encode(lengths, nullptr, kLeaf, depth + 1, out);
}

void put_sparse(Values values, std::uint64_t common, unsigned depth, std::string& out) {
  begin(out, IntEncoding::sparse);
  put_varint(out, common);
  auto& gaps = scratch(depth).a;
  auto& others = scratch(depth).b;
  gaps.clear();
  others.clear();
  std::size_t next = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == common) continue;
    gaps.push_back(i - next);
    others.push_back(values[i]);
    next = i + 1;
  }
  put_varint(out, gaps.size());
  if (gaps.empty()) return;
  encode(gaps, nullptr, kLeaf, depth + 1, out);
  encode(others, nullptr, kLeaf, depth + 1, out);
}

void put_dictionary(Values values, std::span<const std::uint64_t> distinct, const RowShape* shape,
                    unsigned depth, std::string& out) {
  begin(out, IntEncoding::dictionary);
  put_varint(out, distinct.size());
  encode(distinct, nullptr, kPlain, depth + 1, out);
  std::vector<std::uint64_t> index;
  index.reserve(values.size());
  for (const std::uint64_t value : values)
    index.push_back(static_cast<std::uint64_t>(
        std::lower_bound(distinct.begin(), distinct.end(), value) - distinct.begin()));
  encode(index, shape, shape != nullptr ? kShaped : kLeaf, depth + 1, out);
}

// True if each value that is not below `from` is at most one above the highest before.
bool is_fresh(Values values, std::uint64_t from) {
  std::uint64_t next = from;
  for (const std::uint64_t value : values) {
    if (value > next) return false;
    if (value == next) ++next;
  }
  return next != from;
}

void put_fresh(Values values, std::uint64_t from, unsigned depth, std::string& out) {
  begin(out, IntEncoding::fresh);
  put_varint(out, from);
  auto& flags = scratch(depth).a;
  auto& earlier = scratch(depth).b;
  flags.clear();
  earlier.clear();
  std::uint64_t next = from;
  for (const std::uint64_t value : values) {
    flags.push_back(value == next ? 1 : 0);
    if (value == next)
      ++next;
    else
      earlier.push_back(value);
  }
  encode(flags, nullptr, kPlain, depth + 1, out);
  if (!earlier.empty()) encode(earlier, nullptr, kPlain, depth + 1, out);
}

void put_node_delta(Values values, const RowShape& shape, unsigned depth, std::string& out) {
  begin(out, IntEncoding::node_delta);
  auto& firsts = scratch(depth).a;
  auto& steps = scratch(depth).b;
  firsts.clear();
  steps.clear();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i == 0 || shape.node_of_row[i] != shape.node_of_row[i - 1])
      firsts.push_back(values[i]);
    else
      steps.push_back(zigzag(static_cast<std::int64_t>(values[i] - values[i - 1])));
  }
  // Steps that only rise are stored without the sign bit.
  const bool rising =
      std::all_of(steps.begin(), steps.end(), [](std::uint64_t step) { return (step & 1) == 0; });
  if (rising)
    for (auto& step : steps) step >>= 1;
  out.push_back(rising ? 1 : 0);
  encode(firsts, nullptr, kPlain, depth + 1, out);
  if (!steps.empty()) encode(steps, nullptr, kPlain, depth + 1, out);
}

void put_grouped(Values values, std::span<const std::uint16_t> group, std::uint32_t groups,
                 IntEncoding encoding, std::uint64_t fresh_from, unsigned depth, std::string& out) {
  begin(out, encoding);
  auto& missed = scratch(depth).a;
  auto& flags = scratch(depth).b;
  missed.clear();
  flags.clear();
  std::vector<std::uint64_t> last(groups);
  std::vector<bool> seen(groups);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t g = group[i];
    const bool first = !seen[g];
    const bool miss = first || last[g] != values[i];
    if (!first) flags.push_back(miss ? 1 : 0);
    if (miss) missed.push_back(values[i]);
    seen[g] = true;
    last[g] = values[i];
  }
  if (!flags.empty()) encode(flags, nullptr, kPlain, depth + 1, out);
  encode(missed, nullptr, kPlain, depth + 1, out, fresh_from);
}

IntEncoding encode(Values values, const RowShape* shape, Rank rank, unsigned depth,
                   std::string& out, std::uint64_t fresh_from) {
  CAVEAT_ASSERT(!values.empty());
  std::uint64_t low = values[0];
  std::uint64_t high = values[0];
  std::size_t changes = 0;
  bool rises = true;
  for (std::size_t i = 1; i < values.size(); ++i) {
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
    changes += values[i] != values[i - 1];
    rises = rises && values[i] >= values[i - 1];
  }
  if (low == high) {
    put_constant(low, out);
    return IntEncoding::constant;
  }
  if (rank == kLeaf) {
    put_packed(values, low, high, out);
    return IntEncoding::packed;
  }

  // Columns nest through this function, so the candidates of each depth have buffers of their own.
  std::string best;
  std::string candidate;
  auto chosen = IntEncoding::packed;
  put_packed(values, low, high, best);
  const auto attempt = [&](IntEncoding encoding, const auto& put) {
    candidate.clear();
    put(candidate);
    if (candidate.size() >= best.size()) return;
    best.swap(candidate);
    chosen = encoding;
  };

  if (rises || rank == kShaped)
    attempt(IntEncoding::delta, [&](std::string& to) { put_delta(values, depth, to); });
  if (changes * 3 < values.size())
    attempt(IntEncoding::runs, [&](std::string& to) { put_runs(values, depth, to); });
  std::vector<std::uint64_t> distinct(values.begin(), values.end());
  std::sort(distinct.begin(), distinct.end());
  {
    // The most common value, from the longest run of equals.
    std::uint64_t common = distinct[0];
    std::size_t most = 0;
    for (std::size_t i = 0, from = 0; i <= distinct.size(); ++i) {
      if (i < distinct.size() && distinct[i] == distinct[from]) continue;
      if (i - from > most) {
        most = i - from;
        common = distinct[from];
      }
      from = i;
    }
    if (most * 2 > values.size())
      attempt(IntEncoding::sparse, [&](std::string& to) { put_sparse(values, common, depth, to); });
  }
  if (fresh_from != kNoFresh && is_fresh(values, fresh_from))
    attempt(IntEncoding::fresh, [&](std::string& to) { put_fresh(values, fresh_from, depth, to); });
  if (rank == kShaped && shape != nullptr) {
    attempt(IntEncoding::node_delta,
            [&](std::string& to) { put_node_delta(values, *shape, depth, to); });
    attempt(IntEncoding::by_node, [&](std::string& to) {
      put_grouped(values, shape->node_of_row, shape->node_count, IntEncoding::by_node, fresh_from,
                  depth, to);
    });
    if (!shape->property_of_row.empty())
      attempt(IntEncoding::by_property, [&](std::string& to) {
        put_grouped(values, shape->property_of_row, shape->property_count, IntEncoding::by_property,
                    fresh_from, depth, to);
      });
  }
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  // Not where the values are an index already (0 .. distinct - 1).
  if (depth < 2 && distinct.size() * 2 < values.size() && high - low >= distinct.size() * 2)
    attempt(IntEncoding::dictionary, [&](std::string& to) {
      put_dictionary(values, distinct, rank == kShaped ? shape : nullptr, depth, to);
    });
  out += best;
  return chosen;
}

}  // namespace

IntEncoding encode_ints(std::span<const std::uint64_t> values, const RowShape* shape,
                        std::string& out, std::uint64_t fresh_from) {
  return encode(values, shape, shape != nullptr ? kShaped : kPlain, 0, out, fresh_from);
}

}  // namespace caveat::detail
