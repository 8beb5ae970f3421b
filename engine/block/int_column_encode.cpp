// The encoder's half of integer columns.
//
// Every encoding that can apply is sized exactly, by a pass or two over the values and without a
// byte being written; then the smallest is written. So trying is cheap and nothing is estimated.
#include <algorithm>
#include <array>

#include "engine/block/int_column.h"
#include "engine/block/int_scratch.h"

namespace caveat::detail {
namespace {

using Values = std::span<const std::uint64_t>;

// How deep columns nest: a shaped column may hold plain ones, and those leaves.
enum Rank : unsigned { kLeaf = 0, kPlain = 1, kShaped = 2 };

constexpr std::size_t kNever = ~std::size_t{0};

std::size_t varint_bytes(std::uint64_t value) noexcept {
  return (width_of(value | 1) + 6) / 7;
}

// What one pass over values tells. The rest is asked for only where an encoding could use it.
struct Summary {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::size_t runs = 1;  // of equal values
  bool rises = true;
};

Summary summarise(Values values) noexcept {
  std::uint64_t low = values[0];
  std::uint64_t high = low;
  std::uint64_t before = low;
  std::size_t changes = 0;
  std::size_t falls = 0;
  for (const std::uint64_t value : values) {
    low = std::min(low, value);
    high = std::max(high, value);
    changes += value != before ? 1 : 0;
    falls += value < before ? 1 : 0;
    before = value;
  }
  return {low, high, changes + 1, falls == 0};
}

// Between neighbours.
struct Steps {
  std::int64_t least = INT64_MAX;
  std::int64_t most = INT64_MIN;
};

Steps steps_of(Values values) noexcept {
  Steps steps;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto step = static_cast<std::int64_t>(values[i] - values[i - 1]);
    steps.least = std::min(steps.least, step);
    steps.most = std::max(steps.most, step);
  }
  return steps;
}

// The only value that more than half may have: Boyer and Moore's vote, without a branch.
std::uint64_t candidate_of(Values values, const Summary& s) noexcept {
  if (s.high - s.low == 1) {
    std::size_t highs = 0;
    for (const std::uint64_t value : values) highs += value - s.low;
    return highs * 2 > values.size() ? s.high : s.low;
  }
  std::uint64_t candidate = values[0];
  std::int64_t votes = 0;
  for (const std::uint64_t value : values) {
    candidate = votes == 0 ? value : candidate;
    votes += value == candidate ? 1 : -1;
  }
  return candidate;
}

// Bytes of a leaf: constant or packed.
std::size_t leaf_bytes(std::size_t count, std::uint64_t low, std::uint64_t high) noexcept {
  if (low == high) return 1 + varint_bytes(low);
  const unsigned width = width_of(high - low);
  const std::uint64_t base = width_of(high) == width ? 0 : low;
  return 2 + varint_bytes(base) + packed_bytes(count, width);
}

std::size_t delta_bytes(Values values) noexcept {
  const Steps steps = steps_of(values);
  const auto range =
      static_cast<std::uint64_t>(steps.most) - static_cast<std::uint64_t>(steps.least);
  return 1 + varint_bytes(values[0]) + varint_bytes(zigzag(steps.least)) +
         leaf_bytes(values.size() - 1, 0, range);
}

std::size_t run_bytes(Values values, const Summary& s) noexcept {
  std::uint64_t least = ~std::uint64_t{0};  // length of all runs but the last, less one
  std::uint64_t most = 0;
  for (std::size_t i = 1, start = 0; i < values.size(); ++i) {
    if (values[i] == values[i - 1]) continue;
    least = std::min<std::uint64_t>(least, i - 1 - start);
    most = std::max<std::uint64_t>(most, i - 1 - start);
    start = i;
  }
  return 1 + varint_bytes(s.runs) + leaf_bytes(s.runs, s.low, s.high) +
         leaf_bytes(s.runs - 1, least, most);
}

// kNever unless more than half are the common value.
std::size_t sparse_bytes(Values values, std::uint64_t common) noexcept {
  std::size_t others = 0;
  for (const std::uint64_t value : values) others += value != common ? 1 : 0;
  if (others * 2 >= values.size()) return kNever;
  std::uint64_t low = ~std::uint64_t{0}, high = 0, least_gap = ~std::uint64_t{0}, most_gap = 0;
  for (std::size_t i = 0, next = 0; i < values.size(); ++i) {
    if (values[i] == common) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
    least_gap = std::min<std::uint64_t>(least_gap, i - next);
    most_gap = std::max<std::uint64_t>(most_gap, i - next);
    next = i + 1;
  }
  return 1 + varint_bytes(common) + varint_bytes(others) + leaf_bytes(others, least_gap, most_gap) +
         leaf_bytes(others, low, high);
}

// True if each value that is not below `from` is at most one above the highest before.
bool is_fresh(Values values, std::uint64_t from) {
  std::uint64_t next = from;
  for (const std::uint64_t value : values) {
    if (value > next) return false;
    next += value == next;
  }
  return next != from;
}

class Encoder {
 public:
  Encoder(IntScratch& scratch, std::string& out) : scratch_(scratch), out_(out) {}

  IntEncoding encode(Values values, const RowShape* shape, Rank rank, unsigned depth,
                     std::uint64_t fresh_from = kNoFresh) {
    const Summary summary = summarise(values);
    const Choice choice = choose(values, summary, shape, rank, depth, fresh_from);
    write(choice.encoding, values, summary, shape, rank, depth, fresh_from);
    return choice.encoding;
  }

 private:
  struct Choice {
    IntEncoding encoding = IntEncoding::packed;
    std::size_t bytes = 0;
  };

  std::size_t bytes_of(Values values, Rank rank, unsigned depth,
                       std::uint64_t fresh_from = kNoFresh, const RowShape* shape = nullptr) {
    return choose(values, summarise(values), shape, rank, depth, fresh_from).bytes;
  }

  // The first of the smallest, in this order: blocks must not depend on how they are made.
  Choice choose(Values values, const Summary& s, const RowShape* shape, Rank rank, unsigned depth,
                std::uint64_t fresh_from) {
    CAVEAT_ASSERT(!values.empty());
    Choice best{IntEncoding::constant, leaf_bytes(values.size(), s.low, s.high)};
    if (s.low == s.high) return best;
    best.encoding = IntEncoding::packed;
    if (rank == kLeaf) return best;
    const auto offer = [&](IntEncoding encoding, std::size_t bytes) {
      if (bytes < best.bytes) best = {encoding, bytes};
    };
    const bool shaped = rank == kShaped && shape != nullptr;
    if (s.rises || rank == kShaped) offer(IntEncoding::delta, delta_bytes(values));
    if ((s.runs - 1) * 3 < values.size()) offer(IntEncoding::runs, run_bytes(values, s));
    offer(IntEncoding::sparse, sparse_bytes(values, candidate_of(values, s)));
    if (fresh_from != kNoFresh && is_fresh(values, fresh_from))
      offer(IntEncoding::fresh, fresh_bytes(values, fresh_from, depth, best.bytes));
    if (shaped) {
      offer(IntEncoding::node_delta, node_delta_bytes(values, *shape, depth, best.bytes));
      offer(IntEncoding::by_node,
            grouped_bytes(values, shape, IntEncoding::by_node, fresh_from, depth, best.bytes));
      if (!shape->property_of_row.empty())
        offer(IntEncoding::by_property, grouped_bytes(values, shape, IntEncoding::by_property,
                                                      fresh_from, depth, best.bytes));
    }
    if (depth < 2 && find_distinct(values, s, depth))
      offer(IntEncoding::dictionary,
            dictionary_bytes(values, shaped ? shape : nullptr, depth, best.bytes));
    return best;
  }

  void write(IntEncoding encoding, Values values, const Summary& s, const RowShape* shape,
             Rank rank, unsigned depth, std::uint64_t fresh_from) {
    out_.push_back(static_cast<char>(encoding));
    switch (encoding) {
      case IntEncoding::constant:
        put_varint(out_, s.low);
        return;
      case IntEncoding::packed:
        return write_packed(values, s.low, s.high);
      case IntEncoding::delta:
        return write_delta(values, depth);
      case IntEncoding::runs:
        return write_runs(values, s, depth);
      case IntEncoding::sparse:
        return write_sparse(values, candidate_of(values, s), depth);
      case IntEncoding::fresh: {
        put_varint(out_, fresh_from);
        auto& level = scratch_.levels[depth];
        split_fresh(values, fresh_from, level);
        encode(level.a, nullptr, kPlain, depth + 1);
        if (!level.b.empty()) encode(level.b, nullptr, kPlain, depth + 1);
        return;
      }
      case IntEncoding::node_delta: {
        auto& level = scratch_.levels[depth];
        out_.push_back(split_nodes(values, *shape, level) ? 1 : 0);
        encode(level.a, nullptr, kPlain, depth + 1);
        if (!level.b.empty()) encode(level.b, nullptr, kPlain, depth + 1);
        return;
      }
      case IntEncoding::by_node:
      case IntEncoding::by_property: {
        auto& level = scratch_.levels[depth];
        split_groups(values, *shape, encoding, level);
        if (!level.b.empty()) encode(level.b, nullptr, kPlain, depth + 1);
        encode(level.a, nullptr, kPlain, depth + 1, fresh_from);
        return;
      }
      case IntEncoding::dictionary: {
        auto& level = scratch_.levels[depth];
        const bool shaped = rank == kShaped && shape != nullptr;
        static_cast<void>(find_distinct(values, s, depth));
        index_distinct(values, level);
        put_varint(out_, level.distinct.size());
        encode(level.distinct, nullptr, kPlain, depth + 1);
        encode(level.index, shaped ? shape : nullptr, shaped ? kShaped : kLeaf, depth + 1);
        return;
      }
      default:
        CAVEAT_ASSERT(false);
    }
  }

  void write_packed(Values values, std::uint64_t low, std::uint64_t high) {
    // A base costs bytes: without one where it would save no bit.
    const unsigned width = width_of(high - low);
    const std::uint64_t base = width_of(high) == width ? 0 : low;
    put_varint(out_, base);
    out_.push_back(static_cast<char>(width));
    pack_bits(values, base, width, out_);
  }

  void write_delta(Values values, unsigned depth) {
    const std::int64_t least = steps_of(values).least;
    put_varint(out_, values[0]);
    put_varint(out_, zigzag(least));
    auto& steps = scratch_.levels[depth].a;
    steps.resize(values.size() - 1);
    for (std::size_t i = 1; i < values.size(); ++i)
      steps[i - 1] = values[i] - values[i - 1] - static_cast<std::uint64_t>(least);
    encode(steps, nullptr, kLeaf, depth + 1);
  }

  void write_runs(Values values, const Summary& s, unsigned depth) {
    auto& heads = scratch_.levels[depth].a;
    auto& lengths = scratch_.levels[depth].b;  // less one
    heads.clear();
    lengths.clear();
    for (const std::uint64_t value : values) {
      if (!heads.empty() && heads.back() == value) {
        ++lengths.back();
      } else {
        heads.push_back(value);
        lengths.push_back(0);
      }
    }
    put_varint(out_, s.runs);
    encode(heads, nullptr, kLeaf, depth + 1);
    lengths.pop_back();  // the last run takes what is left
    encode(lengths, nullptr, kLeaf, depth + 1);
  }

  void write_sparse(Values values, std::uint64_t common, unsigned depth) {
    auto& gaps = scratch_.levels[depth].a;
    auto& others = scratch_.levels[depth].b;
    gaps.clear();
    others.clear();
    for (std::size_t i = 0, next = 0; i < values.size(); ++i) {
      if (values[i] == common) continue;
      gaps.push_back(i - next);
      others.push_back(values[i]);
      next = i + 1;
    }
    put_varint(out_, common);
    put_varint(out_, gaps.size());
    encode(gaps, nullptr, kLeaf, depth + 1);
    encode(others, nullptr, kLeaf, depth + 1);
  }

  // --- Encodings of two columns: `a` and `b` of a level ---

  // Flags to a, earlier numbers to b.
  static void split_fresh(Values values, std::uint64_t from, IntScratch::Level& level) {
    level.a.resize(values.size());
    level.b.resize(values.size());
    std::uint64_t next = from;
    std::size_t earlier = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t is_new = values[i] == next ? 1 : 0;
      level.a[i] = is_new;
      level.b[earlier] = values[i];
      next += is_new;
      earlier += 1 - is_new;
    }
    level.b.resize(earlier);
  }

  // First values to a, steps to b; true if no step is negative, when they go without a sign bit.
  static bool split_nodes(Values values, const RowShape& shape, IntScratch::Level& level) {
    level.a.resize(shape.node_count);
    level.b.resize(values.size() - shape.node_count);
    std::uint64_t* step = level.b.data();
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < values.size();) {
      const std::uint16_t node = shape.node_of_row[i];
      level.a[node] = values[i];
      for (++i; i < values.size() && shape.node_of_row[i] == node; ++i) {
        *step = zigzag(static_cast<std::int64_t>(values[i] - values[i - 1]));
        signs |= *step++ & 1;
      }
    }
    if (signs == 0)
      for (std::uint64_t& each : level.b) each >>= 1;
    return signs == 0;
  }

  // Values that are not as before to a, flags of all rows but each group's first to b.
  void split_groups(Values values, const RowShape& shape, IntEncoding encoding,
                    IntScratch::Level& level) {
    const bool by_node = encoding == IntEncoding::by_node;
    const auto group = by_node ? shape.node_of_row : shape.property_of_row;
    const std::uint32_t groups = by_node ? shape.node_count : shape.property_count;
    level.a.resize(values.size());
    level.b.resize(values.size() + 1);  // written to once more after the last flag
    scratch_.seen.assign(groups, 0);
    if (scratch_.last.size() < groups) scratch_.last.resize(groups);
    std::size_t misses = 0;
    std::size_t flags = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t g = group[i];
      const unsigned first = 1U - scratch_.seen[g];
      const unsigned differs = scratch_.last[g] != values[i] ? 1 : 0;
      level.b[flags] = differs;
      flags += 1 - first;
      level.a[misses] = values[i];
      misses += first | differs;
      scratch_.seen[g] = 1;
      scratch_.last[g] = values[i];
    }
    level.a.resize(misses);
    level.b.resize(flags);
  }

  // Bytes of a level's two columns, or more than `limit` as soon as that is sure.
  std::size_t pair_bytes(Values first, Values second, std::uint64_t second_fresh_from,
                         unsigned depth, std::size_t limit) {
    const std::size_t one = first.empty() ? 0 : bytes_of(first, kPlain, depth + 1);
    if (one >= limit || second.empty()) return one;
    return one + bytes_of(second, kPlain, depth + 1, second_fresh_from);
  }

  std::size_t fresh_bytes(Values values, std::uint64_t from, unsigned depth, std::size_t limit) {
    auto& level = scratch_.levels[depth];
    split_fresh(values, from, level);
    return 1 + varint_bytes(from) + pair_bytes(level.a, level.b, kNoFresh, depth, limit);
  }

  std::size_t node_delta_bytes(Values values, const RowShape& shape, unsigned depth,
                               std::size_t limit) {
    auto& level = scratch_.levels[depth];
    static_cast<void>(split_nodes(values, shape, level));
    return 2 + pair_bytes(level.a, level.b, kNoFresh, depth, limit);
  }

  std::size_t grouped_bytes(Values values, const RowShape* shape, IntEncoding encoding,
                            std::uint64_t fresh_from, unsigned depth, std::size_t limit) {
    auto& level = scratch_.levels[depth];
    split_groups(values, *shape, encoding, level);
    return 1 + pair_bytes(level.b, level.a, fresh_from, depth, limit);
  }

  // --- Dictionary ---

  // The distinct values, ascending; false where a dictionary of them cannot pay. Not where the
  // values are an index already (0 .. distinct - 1).
  bool find_distinct(Values values, const Summary& s, unsigned depth) {
    const std::uint64_t range = s.high - s.low;
    if (range < 4) return false;  // two distinct values at the least
    auto& distinct = scratch_.levels[depth].distinct;
    distinct.clear();
    const std::size_t most = (values.size() - 1) / 2;  // distinct * 2 < values
    if (!scratch_.set.collect(values, std::min<std::uint64_t>(most, range / 2), distinct))
      return false;
    std::sort(distinct.begin(), distinct.end());
    return true;
  }

  // After find_distinct.
  static void index_distinct(Values values, IntScratch::Level& level) {
    level.index.resize(values.size());
    const std::uint64_t* const first = level.distinct.data();
    std::uint64_t before = 0;
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i == 0 || values[i] != before) {
        before = values[i];
        const std::uint64_t* base = first;
        for (std::size_t left = level.distinct.size(); left > 1;) {
          const std::size_t half = left / 2;
          base = base[half] <= before ? base + half : base;
          left -= half;
        }
        at = static_cast<std::uint64_t>(base - first);
      }
      level.index[i] = at;
    }
  }

  std::size_t dictionary_bytes(Values values, const RowShape* shape, unsigned depth,
                               std::size_t limit) {
    auto& level = scratch_.levels[depth];
    const std::size_t own =
        1 + varint_bytes(level.distinct.size()) + bytes_of(level.distinct, kPlain, depth + 1);
    if (own >= limit) return own;
    if (shape == nullptr) return own + leaf_bytes(values.size(), 0, level.distinct.size() - 1);
    index_distinct(values, level);
    return own + bytes_of(level.index, kShaped, depth + 1, kNoFresh, shape);
  }

  IntScratch& scratch_;
  std::string& out_;
};

}  // namespace

IntEncoding encode_ints(std::span<const std::uint64_t> values, const RowShape* shape,
                        IntScratch& scratch, std::string& out, std::uint64_t fresh_from) {
  return Encoder(scratch, out)
      .encode(values, shape, shape != nullptr ? kShaped : kPlain, 0, fresh_from);
}

}  // namespace caveat::detail
