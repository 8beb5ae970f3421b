// The encoder's half of integer columns.
//
// Every encoding that can apply is sized exactly, by a pass or two over the values and without a
// byte being written; then the smallest is written. So trying is cheap and nothing is estimated.
// What cannot be the smallest any more, by what is known of it so far, is not sized to the end.
#include <algorithm>
#include <array>

#include "engine/block/int_column.h"
#include "engine/block/int_passes.h"
#include "engine/block/int_scratch.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kNever = ~std::size_t{0};
constexpr std::size_t kLeastLeaf = 2;  // bytes of a constant
constexpr std::size_t kSpread = 8;     // of values a table of their range is made for

std::size_t varint_bytes(std::uint64_t value) noexcept {
  return (width_of(value | 1) + 6) / 7;
}

// Bytes of a leaf: constant or packed.
std::size_t leaf_bytes(std::size_t count, std::uint64_t low, std::uint64_t high) noexcept {
  if (low == high) return 1 + varint_bytes(low);
  const unsigned width = width_of(high - low);
  const std::uint64_t base = width_of(high) == width ? 0 : low;
  return 2 + varint_bytes(base) + packed_bytes(count, width);
}

// What a column is written as: its own encoding, then those of the columns inside it in the order
// in which they are written. Leaves are not listed: their values tell which of two they are.
struct Plan {
  std::size_t bytes = 0;
  std::size_t count = 0;
  std::array<IntEncoding, 8> encodings{};

  Plan(IntEncoding own, std::size_t total) : bytes(total), count(1), encodings{own} {}
  void add(const Plan& inside) {
    CAVEAT_ASSERT(count + inside.count <= encodings.size());
    bytes += inside.bytes;
    for (std::size_t i = 0; i < inside.count; ++i) encodings[count++] = inside.encodings[i];
  }
};

// Of columns whose numbers are Ts. A column that is one of rows may hold plain ones, and those
// leaves.
template <class T>
class Encoder {
  using Values = std::span<const T>;
  using Column = IntColumn<T>;
  using Level = typename IntBuffers<T>::Level;

 public:
  Encoder(IntBuffers<T>& buffers, IntScratch& scratch, std::string& out)
      : levels_(buffers.levels), ranks_(buffers.ranks), scratch_(scratch), out_(out) {}

  IntEncoding encode(Values values, const RowLinks* rows, std::uint64_t fresh_from) {
    const Plan plan = choose(Column(values), rows, 0, fresh_from, kNever);
    const IntEncoding* next = plan.encodings.data();
    write(next, values, rows, 0, fresh_from);
    return plan.encodings[0];
  }

 private:
  // The first of the smallest, in this order: blocks must not depend on how they are made. Where
  // that has `limit` bytes or more, any that has them too.
  Plan choose(const Column& c, const RowLinks* rows, unsigned depth, std::uint64_t fresh_from,
              std::size_t limit) {
    Plan best(IntEncoding::constant, leaf_bytes(c.size(), c.low, c.high));
    if (c.low == c.high) return best;
    best.encodings[0] = IntEncoding::packed;
    limit = std::min(limit, best.bytes);
    const auto offer = [&](const Plan& plan) {
      if (plan.bytes >= limit) return;
      best = plan;
      limit = plan.bytes;
    };
    if (c.rises || rows != nullptr) offer({IntEncoding::delta, delta_bytes(c.values)});
    if ((c.runs - 1) * 3 < c.size()) offer({IntEncoding::runs, run_bytes(c, limit)});
    // One that differs begins a run and ends one: half of the values cannot have more.
    if (c.runs / 2 * 2 < c.size()) offer({IntEncoding::sparse, sparse_bytes(c, limit)});
    if (fresh_from != kNoFresh && fresh_from <= c.high)
      offer(plan_fresh(c.values, fresh_from, depth, limit));
    if (rows != nullptr) {
      offer(plan_node_delta(c.values, *rows, depth, limit));
      offer(plan_groups(c.values, *rows, IntEncoding::by_node, fresh_from, depth, limit));
      if (!rows->before.empty())
        offer(plan_groups(c.values, *rows, IntEncoding::by_property, fresh_from, depth, limit));
    }
    if (depth < 2 && find_distinct(c, distinct_most(c, rows != nullptr, limit), levels_[depth]))
      offer(plan_dictionary(c, rows, depth, limit));
    return best;
  }

  static std::size_t delta_bytes(Values values) noexcept {
    const auto steps = steps_of(values);
    const auto range =
        static_cast<std::uint64_t>(steps.most) - static_cast<std::uint64_t>(steps.least);
    return 1 + varint_bytes(values[0]) + varint_bytes(zigzag(steps.least)) +
           leaf_bytes(values.size() - 1, 0, range);
  }

  std::size_t run_bytes(const Column& c, std::size_t limit) {
    const std::size_t known = 1 + varint_bytes(c.runs) + leaf_bytes(c.runs, c.low, c.high);
    if (known + kLeastLeaf >= limit) return kNever;
    scratch_.marks.set(1, c.size(),
                       [values = c.values](std::size_t i) { return values[i] != values[i - 1]; });
    return known + gap_bytes(c.runs - 1, 1);  // lengths of all runs but the last, less one
  }

  // kNever unless more than half are the common value.
  std::size_t sparse_bytes(const Column& c, std::size_t limit) {
    const T common = voted(c.values);
    const std::size_t others = count_others(c.values, common);
    if (others * 2 >= c.size()) return kNever;
    T low = c.low, high = c.high;  // of the others
    if (common == low || common == high) {
      const T beyond = common == low ? high : low;
      Extremes<Ordered<T>> rest;
      for (const T value : c.values)
        rest.take(static_cast<Ordered<T>>(value == common ? beyond : value));
      low = static_cast<T>(rest.least);
      high = static_cast<T>(rest.most);
    }
    const std::size_t known =
        1 + varint_bytes(common) + varint_bytes(others) + leaf_bytes(others, low, high);
    if (known + kLeastLeaf >= limit) return kNever;
    scratch_.marks.set(0, c.size(),
                       [values = c.values, common](std::size_t i) { return values[i] != common; });
    return known + gap_bytes(others, 0);
  }

  // A leaf of what lies between marked places, the first of which is counted from `next` on.
  std::size_t gap_bytes(std::size_t count, std::size_t next) {
    std::size_t least = kNever;
    std::size_t most = 0;
    scratch_.marks.each([&](std::size_t at) {
      least = std::min(least, at - next);
      most = std::max(most, at - next);
      next = at + 1;
    });
    return leaf_bytes(count, least, most);
  }

  // `own` bytes and two columns, either of which may be empty.
  Plan plan_pair(IntEncoding encoding, std::size_t own, Values first, Values second,
                 std::uint64_t second_fresh_from, unsigned depth, std::size_t limit) {
    Plan plan(encoding, own);
    if (!first.empty() && plan.bytes < limit)
      plan.add(choose(Column(first), nullptr, depth + 1, kNoFresh, limit - plan.bytes));
    if (!second.empty() && plan.bytes < limit)
      plan.add(choose(Column(second), nullptr, depth + 1, second_fresh_from, limit - plan.bytes));
    return plan;
  }

  Plan plan_fresh(Values values, std::uint64_t from, unsigned depth, std::size_t limit) {
    Level& level = levels_[depth];
    if (!split_fresh(values, static_cast<T>(from), level)) return {IntEncoding::fresh, kNever};
    return plan_pair(IntEncoding::fresh, 1 + varint_bytes(from), level.a, level.b, kNoFresh, depth,
                     limit);
  }

  Plan plan_node_delta(Values values, const RowLinks& rows, unsigned depth, std::size_t limit) {
    Level& level = levels_[depth];
    static_cast<void>(split_nodes(values, rows, level));
    return plan_pair(IntEncoding::node_delta, 2, level.a, level.b, kNoFresh, depth, limit);
  }

  Plan plan_groups(Values values, const RowLinks& rows, IntEncoding encoding,
                   std::uint64_t fresh_from, unsigned depth, std::size_t limit) {
    Level& level = levels_[depth];
    split_groups(values, rows, encoding, level);
    // All values again and flags beside: without the flags it is smaller.
    if (level.a.size() == values.size()) return {encoding, kNever};
    return plan_pair(encoding, 1, level.b, level.a, fresh_from, depth, limit);
  }

  // After find_distinct.
  Plan plan_dictionary(const Column& c, const RowLinks* rows, unsigned depth, std::size_t limit) {
    Level& level = levels_[depth];
    const Values distinct = level.distinct;
    Plan plan = plan_pair(IntEncoding::dictionary, 1 + varint_bytes(distinct.size()), distinct, {},
                          kNoFresh, depth, limit);
    if (plan.bytes >= limit) return plan;
    if (rows == nullptr) {
      plan.bytes += leaf_bytes(c.size(), 0, distinct.size() - 1);
      return plan;
    }
    index_distinct(c.values, level);
    plan.add(choose(Column(level.index), rows, depth + 1, kNoFresh, limit - plan.bytes));
    return plan;
  }

  // --- Writing what is planned ---

  void write(const IntEncoding*& next, Values values, const RowLinks* rows, unsigned depth,
             std::uint64_t fresh_from) {
    Level& level = levels_[depth];
    const IntEncoding encoding = *next++;
    const auto inside = [&](Values column, std::uint64_t from = kNoFresh) {
      if (!column.empty()) write(next, column, nullptr, depth + 1, from);
    };
    if (encoding == IntEncoding::constant || encoding == IntEncoding::packed)
      return write_leaf(values);
    out_.push_back(static_cast<char>(encoding));
    switch (encoding) {
      case IntEncoding::delta:
        return write_delta(values, level);
      case IntEncoding::runs:
        return write_runs(values, level);
      case IntEncoding::sparse:
        return write_sparse(values, level);
      case IntEncoding::fresh:
        put_varint(out_, fresh_from);
        static_cast<void>(split_fresh(values, static_cast<T>(fresh_from), level));
        inside(level.a);
        return inside(level.b);
      case IntEncoding::node_delta:
        out_.push_back(split_nodes(values, *rows, level) ? 1 : 0);
        inside(level.a);
        return inside(level.b);
      case IntEncoding::by_node:
      case IntEncoding::by_property:
        split_groups(values, *rows, encoding, level);
        inside(level.b);
        return inside(level.a, fresh_from);
      case IntEncoding::dictionary:
        static_cast<void>(find_distinct(Column(values), values.size(), level));
        index_distinct(values, level);
        put_varint(out_, level.distinct.size());
        inside(level.distinct);
        return rows != nullptr ? write(next, level.index, rows, depth + 1, kNoFresh)
                               : write_leaf(level.index);
      default:
        CAVEAT_ASSERT(false);
    }
  }

  void write_leaf(Values values) {
    const Column c(values);
    out_.push_back(
        static_cast<char>(c.low == c.high ? IntEncoding::constant : IntEncoding::packed));
    if (c.low == c.high) return put_varint(out_, c.low);
    // A base costs bytes: without one where it would save no bit.
    const unsigned width = width_of(c.range());
    const T base = width_of(c.high) == width ? T{0} : c.low;
    put_varint(out_, base);
    out_.push_back(static_cast<char>(width));
    pack_bits(values, base, width, out_);
  }

  void write_delta(Values values, Level& level) {
    const auto least = steps_of(values).least;
    put_varint(out_, values[0]);
    put_varint(out_, zigzag(least));
    level.a.resize(values.size() - 1);
    for (std::size_t i = 1; i < values.size(); ++i)
      level.a[i - 1] = static_cast<T>(values[i] - values[i - 1] - static_cast<T>(least));
    write_leaf(level.a);
  }

  void write_runs(Values values, Level& level) {
    auto& heads = level.a;
    auto& lengths = level.b;  // less one
    heads.clear();
    lengths.clear();
    for (const T value : values) {
      if (!heads.empty() && heads.back() == value) {
        ++lengths.back();
      } else {
        heads.push_back(value);
        lengths.push_back(0);
      }
    }
    put_varint(out_, heads.size());
    write_leaf(heads);
    lengths.pop_back();  // the last run takes what is left
    write_leaf(lengths);
  }

  void write_sparse(Values values, Level& level) {
    const T common = voted(values);
    auto& gaps = level.a;
    auto& others = level.b;
    gaps.clear();
    others.clear();
    for (std::size_t i = 0, next = 0; i < values.size(); ++i) {
      if (values[i] == common) continue;
      gaps.push_back(static_cast<T>(i - next));
      others.push_back(values[i]);
      next = i + 1;
    }
    put_varint(out_, common);
    put_varint(out_, gaps.size());
    write_leaf(gaps);
    write_leaf(others);
  }

  // --- Encodings of two columns: `a` and `b` of a level ---

  // Flags to a, earlier numbers to b. False if a value is more than one above the highest before,
  // or none is new.
  static bool split_fresh(Values values, T from, Level& level) {
    level.a.resize(values.size());
    level.b.resize(values.size());
    T* const flags = level.a.data();
    T* const old = level.b.data();
    T next = from;
    std::size_t earlier = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const T value = values[i];
      if (value > next) return false;
      const T is_new = value == next ? 1 : 0;
      flags[i] = is_new;
      old[earlier] = value;
      next = static_cast<T>(next + is_new);
      earlier += std::size_t{1} - is_new;
    }
    level.b.resize(earlier);
    return next != from;
  }

  // First values to a, steps to b; true if no step is negative, when they go without a sign bit.
  static bool split_nodes(Values values, const RowLinks& rows, Level& level) {
    const std::size_t nodes = rows.first_of_node.size();
    level.a.resize(nodes);
    level.b.resize(values.size() - nodes);
    T* step = level.b.data();
    T bits = 0;
    for (std::size_t node = 0; node < nodes; ++node) {
      const std::size_t first = rows.first_of_node[node];
      const std::size_t end = rows.end_of_node(node, values.size());
      level.a[node] = values[first];
      const T* const value = &values[first];
      for (std::size_t i = 1; i < end - first; ++i) {
        step[i - 1] = zigzag_of(static_cast<T>(value[i] - value[i - 1]));
        bits = static_cast<T>(bits | step[i - 1]);
      }
      step += end - first - 1;
    }
    if ((bits & 1) != 0) return false;
    for (T& each : level.b) each = static_cast<T>(each >> 1);
    return true;
  }

  // Values that are not as before to a, flags of all rows but each group's first to b.
  static void split_groups(Values values, const RowLinks& rows, IntEncoding encoding,
                           Level& level) {
    level.a.resize(values.size());
    level.b.resize(values.size() + 1);  // written to once more after the last flag
    T* const misses = level.a.data();
    T* const flags = level.b.data();
    std::size_t missed = 0;
    std::size_t flagged = 0;
    if (encoding == IntEncoding::by_node) {
      for (std::size_t node = 0; node < rows.first_of_node.size(); ++node) {
        std::size_t i = rows.first_of_node[node];
        const std::size_t end = rows.end_of_node(node, values.size());
        misses[missed++] = values[i];
        for (++i; i < end; ++i) {
          const unsigned differs = values[i] != values[i - 1] ? 1 : 0;
          flags[flagged++] = static_cast<T>(differs);
          misses[missed] = values[i];
          missed += differs;
        }
      }
    } else {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t before = rows.before[i];
        const unsigned differs = values[i] != values[before] ? 1 : 0;
        const unsigned first = i == before ? 1 : 0;
        flags[flagged] = static_cast<T>(differs);
        flagged += 1 - first;
        misses[missed] = values[i];
        missed += first | differs;
      }
    }
    level.a.resize(missed);
    level.b.resize(flagged);
  }

  // --- Dictionary ---

  // How many distinct values a dictionary may have that pays: each is there twice at the least, on
  // the average. Not where the values are an index already (0 .. distinct - 1).
  static std::size_t distinct_most(const Column& c, bool of_rows, std::size_t limit) noexcept {
    const std::size_t most = std::min<std::size_t>((c.size() - 1) / 2, c.range() / 2);
    if (of_rows) return most;
    // The index is packed: in so few bits that there are less than `limit` bytes.
    constexpr std::size_t kBeside = 9;  // encoding, count, 4 of the values, 3 of the index
    const std::size_t width = limit > kBeside ? (limit - kBeside) * 8 / c.size() : 0;
    return width < 32 ? std::min(most, std::size_t{1} << width) : most;
  }

  // The distinct values, ascending; false if they are more than `most`, or one.
  bool find_distinct(const Column& c, std::size_t most, Level& level) {
    if (most < 2 || (c.rises && c.runs > most)) return false;
    level.distinct.clear();
    ranks_.clear();
    if (c.range() / kSpread < c.size()) return find_dense(c, most, level.distinct);
    if (!scratch_.set.collect(c.values, most, level.distinct)) return false;
    std::sort(level.distinct.begin(), level.distinct.end());
    return true;
  }

  // Where values are near each other, a table of all that lie between finds and sorts them.
  bool find_dense(const Column& c, std::size_t most, std::vector<T>& distinct) {
    ranks_.assign(std::size_t{c.range()} + 1, 0);
    std::size_t count = 0;
    T* const ranks = ranks_.data();
    const T low = c.low;
    for (const T value : c.values) {
      T& seen = ranks[value - low];
      count += std::size_t{1} - seen;
      seen = 1;
    }
    if (count > most) return false;
    distinct.resize(count);
    T* const to = distinct.data();
    T rank = 0;
    for (std::size_t i = 0; i < ranks_.size(); ++i) {
      const T seen = ranks[i];
      to[rank] = static_cast<T>(low + i);
      ranks[i] = rank;
      rank = static_cast<T>(rank + seen);
    }
    distinct.resize(count);
    return true;
  }

  // After find_distinct, with nothing but the distinct values themselves looked through between.
  void index_distinct(Values values, Level& level) {
    level.index.resize(values.size());
    if (ranks_.empty()) {
      for (std::size_t i = 0; i < values.size(); ++i)
        level.index[i] = static_cast<T>(place_of<T>(level.distinct, values[i]));
    } else {
      const T low = level.distinct.front();
      for (std::size_t i = 0; i < values.size(); ++i) level.index[i] = ranks_[values[i] - low];
    }
  }

  std::array<Level, kMaxColumnDepth>& levels_;
  std::vector<T>& ranks_;
  IntScratch& scratch_;
  std::string& out_;
};

template <class T>
IntEncoding encode_as(std::span<const std::uint64_t> values, const RowLinks* rows,
                      IntScratch& scratch, std::string& out, std::uint64_t fresh_from) {
  auto& buffers = scratch.buffers<T>();
  Encoder<T> encoder(buffers, scratch, out);
  if constexpr (sizeof(T) == 8) {
    return encoder.encode(values, rows, fresh_from);
  } else {
    buffers.values.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) buffers.values[i] = static_cast<T>(values[i]);
    return encoder.encode(buffers.values, rows, fresh_from);
  }
}

}  // namespace

IntEncoding encode_ints(std::span<const std::uint64_t> values, const RowLinks* rows,
                        IntScratch& scratch, std::string& out, std::uint64_t fresh_from) {
  CAVEAT_ASSERT(!values.empty());
  std::uint64_t bits = 0;
  for (const std::uint64_t value : values) bits |= value;
  const auto encode = is_roomy<std::uint16_t>(bits, values.size())   ? encode_as<std::uint16_t>
                      : is_roomy<std::uint32_t>(bits, values.size()) ? encode_as<std::uint32_t>
                                                                     : encode_as<std::uint64_t>;
  return encode(values, rows, scratch, out, fresh_from);
}

}  // namespace caveat::detail
