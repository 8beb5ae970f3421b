// One value of a column, without the values that it does not depend on. Input is untrusted here as
// in int_column_decode.cpp: what is read is in bounds, and what is not read is not checked.
#include <array>

#include "engine/block/nested_ints.h"

namespace caveat::detail {
namespace {

constexpr unsigned kMaxDepth = 5;

template <class T>
struct PointScratch {
  std::array<std::array<std::vector<T>, 2>, kMaxDepth> levels;
  std::vector<T> last;
};

template <class T>
PointScratch<T>& point_scratch() {
  thread_local PointScratch<T> scratch;
  return scratch;
}

template <class T>
class PointReader {
 public:
  PointReader(ByteReader& in, const RowPlace& place, PointScratch<T>& scratch)
      : in_(in), place_(place), scratch_(scratch) {}

  bool read(unsigned depth, std::size_t count, T& value) {
    if (depth >= kMaxDepth) return false;
    const auto encoding = static_cast<IntEncoding>(in_.byte());
    switch (encoding) {
      case IntEncoding::constant:
      case IntEncoding::packed: {
        PackedInts<T> packed;
        if (!packed.read(in_, encoding, count)) return false;
        value = packed.at(place_.row);
        return true;
      }
      case IntEncoding::delta:
        return delta(depth, count, value);
      case IntEncoding::runs:
        return runs(depth, count, value);
      case IntEncoding::sparse:
        return sparse(depth, count, value);
      case IntEncoding::dictionary:
        return dictionary(depth, count, value);
      case IntEncoding::fresh:
        return fresh(depth, count, value);
      case IntEncoding::node_delta:
        return node_delta(depth, count, value);
      case IntEncoding::by_node:
        return by_node(depth, count, value);
      case IntEncoding::by_property:
        return by_property(depth, count, value);
      default:
        return false;
    }
  }

 private:
  // A varint that fits T.
  bool number(T& value) {
    const std::uint64_t wide = in_.varint();
    value = static_cast<T>(wide);
    return in_.ok() && value == wide;
  }
  bool nested(unsigned depth, unsigned which, std::size_t count, NestedInts<T>& out) {
    return count == 0 || out.read(in_, count, scratch_.levels[depth][which]);
  }

  bool delta(unsigned depth, std::size_t count, T& value) {
    T first = 0;
    NestedInts<T> steps;
    if (!number(first) || count < 2) return false;
    const auto least = static_cast<T>(unzigzag(in_.varint()));
    if (!in_.ok() || !nested(depth, 0, count - 1, steps)) return false;
    value = static_cast<T>(first + static_cast<T>(place_.row) * least);
    for (const T step : steps.front(place_.row)) value = static_cast<T>(value + step);
    return true;
  }

  bool runs(unsigned depth, std::size_t count, T& value) {
    const std::uint64_t runs = in_.varint();
    NestedInts<T> heads, lengths;
    if (runs < 2 || runs > count || !nested(depth, 0, runs, heads) ||
        !nested(depth, 1, runs - 1, lengths))
      return false;
    std::size_t run = 0;
    for (std::size_t end = 0; run + 1 < runs; ++run) {
      const std::uint64_t length = lengths.at(run);
      if (length >= count - end) return false;
      end += length + 1;
      if (place_.row < end) break;
      if (end >= count) return false;
    }
    value = heads.at(run);
    return true;
  }

  bool sparse(unsigned depth, std::size_t count, T& value) {
    NestedInts<T> gaps, others;
    if (!number(value)) return false;
    const std::uint64_t differ = in_.varint();
    if (!in_.ok() || differ > count || !nested(depth, 0, differ, gaps) ||
        !nested(depth, 1, differ, others))
      return false;
    std::size_t at = 0;
    for (std::size_t i = 0; i < differ; ++i, ++at) {
      if (at >= count || gaps.at(i) >= count - at) return false;
      at += gaps.at(i);
      if (at == place_.row) value = others.at(i);
      if (at >= place_.row) break;
    }
    return true;
  }

  bool dictionary(unsigned depth, std::size_t count, T& value) {
    const std::uint64_t distinct = in_.varint();
    NestedInts<T> values;
    T index = 0;
    if (distinct < 2 || distinct > count || !nested(depth, 0, distinct, values) ||
        !read(depth + 1, count, index) || index >= distinct)
      return false;
    value = values.at(index);
    return true;
  }

  bool fresh(unsigned depth, std::size_t count, T& value) {
    T next = 0;
    typename NestedInts<T>::Ones ones;
    NestedInts<T> flags, earlier;
    if (!number(next) || !nested(depth, 0, count, flags) ||
        !flags.count_ones(place_.row, count, ones) || !nested(depth, 1, count - ones.all, earlier))
      return false;
    const bool is_new = flags.at(place_.row) != 0;
    value = is_new ? static_cast<T>(next + ones.before) : earlier.at(place_.row - ones.before);
    return true;
  }

  bool node_delta(unsigned depth, std::size_t count, T& value) {
    const std::uint8_t rising = in_.byte();
    NestedInts<T> firsts, steps;
    if (!in_.ok() || rising > 1 || !nested(depth, 0, place_.node_count, firsts) ||
        !nested(depth, 1, count - place_.node_count, steps))
      return false;
    value = firsts.at(place_.node);
    // Each node before, and this one, has a row without a step.
    for (std::size_t i = place_.first_row_of_node; i < place_.row; ++i) {
      const T step = steps.at(i - place_.node);
      value = static_cast<T>(value + (rising != 0 ? step : (step >> 1) ^ (~(step & 1) + 1)));
    }
    return true;
  }

  // The flags of the rows that are not their group's first, of which `before` count, and the values
  // that were not as before.
  bool flags_and_missed(unsigned depth, std::size_t groups, std::size_t count, std::size_t before,
                        NestedInts<T>& flags, NestedInts<T>& missed,
                        typename NestedInts<T>::Ones& ones) {
    if (groups == 0 || groups > count) return false;
    return nested(depth, 0, count - groups, flags) &&
           (count == groups || flags.count_ones(before, count - groups, ones)) &&
           nested(depth, 1, groups + ones.all, missed);
  }

  // The value stays until one is new: the last that was missed so far.
  bool by_node(unsigned depth, std::size_t count, T& value) {
    NestedInts<T> flags, missed;
    typename NestedInts<T>::Ones ones;
    if (!flags_and_missed(depth, place_.node_count, count, place_.row - place_.node, flags, missed,
                          ones))
      return false;
    value = missed.at(place_.node + ones.before);
    return true;
  }

  bool by_property(unsigned depth, std::size_t count, T& value) {
    const std::span<const std::uint16_t> property_of_row = place_.property_of_row;
    NestedInts<T> flags, missed;
    typename NestedInts<T>::Ones ones;
    if (property_of_row.empty() ||
        !flags_and_missed(depth, place_.property_count, count, 0, flags, missed, ones))
      return false;
    // As the decoder of all rows, but it ends at ours.
    auto& last = scratch_.last;
    last.assign(place_.property_count, T{0});
    const std::size_t flag_count = count - place_.property_count;
    const std::span<const T> values =
        flag_count != 0 ? flags.front(flag_count) : std::span<const T>();
    std::size_t flag = 0;
    T next = 0;
    T index = 0;
    for (std::size_t i = 0; i <= place_.row; ++i) {
      T& mine = last[property_of_row[i]];
      const bool first = mine == 0;
      const bool anew = first || (flag < flag_count && values[flag] != 0);
      flag += first ? 0 : 1;
      if (anew) mine = ++next;
      index = mine;
    }
    CAVEAT_ASSERT(next <= place_.property_count + ones.all);
    value = missed.at(index - 1);
    return true;
  }

  ByteReader& in_;
  const RowPlace& place_;
  PointScratch<T>& scratch_;
};

template <class T>
bool point(ByteReader& in, const RowPlace& place, std::size_t count, T& value) {
  CAVEAT_ASSERT(place.row < count && place.node < place.node_count && place.node_count <= count);
  return PointReader<T>(in, place, point_scratch<T>()).read(0, count, value) && in.ok();
}

}  // namespace

bool int_at(ByteReader& in, const RowPlace& place, std::size_t count, std::uint64_t& value) {
  return point(in, place, count, value);
}

bool int_at(ByteReader& in, const RowPlace& place, std::size_t count, std::uint32_t& value) {
  return point(in, place, count, value);
}

}  // namespace caveat::detail
