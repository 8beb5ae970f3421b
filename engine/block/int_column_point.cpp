// One value of a column, without the values that it does not depend on. Input is untrusted here as
// in int_column_decode.cpp: what is read is in bounds, and what is not read is not checked.
#include <algorithm>
#include <array>

#include "engine/block/nested_ints.h"

namespace caveat::detail {
namespace {

template <class T>
struct PointScratch {
  std::array<std::array<std::vector<T>, 2>, kMaxColumnDepth> levels;
  std::vector<T> last;
};

template <class T>
PointScratch<T>& point_scratch() {
  thread_local PointScratch<T> scratch;
  return scratch;
}

// How many flags are set: among the first ones, with the one behind these, and among all.
class FlagCount {
 public:
  explicit FlagCount(std::size_t before) : at_(before) {}
  // Flags in [from, to) have this value. False if that is no flag's.
  bool add(std::size_t from, std::size_t to, std::uint64_t value) noexcept {
    if (value == 0 || from >= to) return value <= 1;
    before_ += std::min(to, at_) - std::min(from, at_);
    through_ += std::min(to, at_ + 1) - std::min(from, at_ + 1);
    all_ += to - from;
    return value == 1;
  }
  // All at once.
  void set(std::size_t before, bool is_set, std::size_t all) noexcept {
    before_ = before;
    through_ = before + (is_set ? 1 : 0);
    all_ = all;
  }
  // The same of flags that are a bit each.
  template <class T>
  void count(const PackedInts<T>& flags) noexcept {
    before_ = flags.ones(at_);
    through_ = flags.ones(std::min(at_ + 1, flags.count));
    all_ = flags.ones(flags.count);
  }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  [[nodiscard]] std::size_t before() const noexcept { return before_; }
  [[nodiscard]] bool is_set() const noexcept { return through_ != before_; }
  [[nodiscard]] std::size_t all() const noexcept { return all_; }

 private:
  std::size_t at_;
  std::size_t before_ = 0, through_ = 0, all_ = 0;
};

template <class T>
class PointReader {
 public:
  PointReader(ByteReader& in, const RowPlace& place, PointScratch<T>& scratch)
      : in_(in), place_(place), scratch_(scratch) {}

  // The row's value in a column of one value a row.
  bool read(unsigned depth, std::size_t count, T& value) {
    ByteReader ahead = in_;
    switch (static_cast<IntEncoding>(ahead.byte())) {
      case IntEncoding::dictionary:
        return enter(depth) && dictionary(depth, count, value);
      case IntEncoding::node_delta:
        return enter(depth) && node_delta(depth, count, value);
      case IntEncoding::by_node:
        return enter(depth) && by_node(depth, count, value);
      case IntEncoding::by_property:
        return enter(depth) && by_property(depth, count, value);
      default:
        return read_plain(depth, count, place_.row, value);
    }
  }

 private:
  enum class Walk : std::uint8_t { on, enough };

  // The value at an index of a column that leans on nothing. The index may come from flags that
  // were not looked at to their end: then it can be beyond the values that these leave.
  bool read_plain(unsigned depth, std::size_t count, std::size_t index, T& value) {
    if (!enter(depth) || index >= count) return false;
    switch (encoding_) {
      case IntEncoding::constant:
      case IntEncoding::packed: {
        PackedInts<T> packed;
        if (!packed.read(in_, encoding_, count)) return false;
        value = packed.at(index);
        return true;
      }
      case IntEncoding::delta:
        return delta(depth, count, index, value);
      case IntEncoding::runs:
        return runs(depth, count, index, value);
      case IntEncoding::sparse:
        return sparse(depth, count, index, value);
      case IntEncoding::dictionary:
        return plain_dictionary(depth, count, index, value);
      case IntEncoding::fresh:
        return fresh(depth, count, index, value);
      default:
        return false;
    }
  }

  bool enter(unsigned depth) {
    encoding_ = static_cast<IntEncoding>(in_.byte());
    return depth < kMaxColumnDepth;
  }
  // A varint that fits T.
  bool number(T& value) {
    const std::uint64_t wide = in_.varint();
    value = static_cast<T>(wide);
    return in_.ok() && value == wide;
  }
  bool nested(unsigned depth, unsigned which, std::size_t count, NestedInts<T>& out) {
    return count == 0 || out.read(in_, count, scratch_.levels[depth][which]);
  }

  bool delta(unsigned depth, std::size_t count, std::size_t index, T& value) {
    T first = 0;
    NestedInts<T> steps;
    if (!number(first) || count < 2) return false;
    const auto least = static_cast<T>(unzigzag(in_.varint()));
    if (!in_.ok() || !nested(depth, 0, count - 1, steps)) return false;
    value = static_cast<T>(first + static_cast<T>(index) * least);
    for (const T step : steps.front(index)) value = static_cast<T>(value + step);
    return true;
  }

  // Calls use(begin, end, value) for each run until it says that this is enough; false if there are
  // not `count` values in all, as far as that was seen.
  template <class Use>
  bool for_each_run(unsigned depth, std::size_t count, const Use& use) {
    const std::uint64_t runs = in_.varint();
    NestedInts<T> heads, lengths;
    if (runs < 2 || runs > count || !nested(depth, 0, runs, heads) ||
        !nested(depth, 1, runs - 1, lengths))
      return false;
    const std::span<const T> length = lengths.front(runs - 1);
    std::size_t at = 0;
    for (std::size_t run = 0; run + 1 < runs; ++run) {
      if (length[run] >= count - at || at + length[run] + 1 >= count) return false;
      const std::size_t end = at + length[run] + 1;
      if (use(at, end, heads.at(run)) == Walk::enough) return true;
      at = end;
    }
    use(at, count, heads.at(runs - 1));
    return true;
  }
  bool runs(unsigned depth, std::size_t count, std::size_t index, T& value) {
    return for_each_run(depth, count, [&](std::size_t, std::size_t end, T head) {
      value = head;
      return index < end ? Walk::enough : Walk::on;
    });
  }

  // Few values are not the common one: how far before each, and which.
  struct Others {
    T common = 0;
    NestedInts<T> gaps, values;
    std::size_t count = 0;
  };
  bool read_others(unsigned depth, std::size_t count, Others& others) {
    if (!number(others.common)) return false;
    const std::uint64_t differ = in_.varint();
    others.count = differ;
    return in_.ok() && differ <= count && nested(depth, 0, differ, others.gaps) &&
           nested(depth, 1, differ, others.values);
  }
  // How many of them lie before `index`, and whether one is there; false if they lie beyond all
  // values, as far as that was seen.
  static bool find_other(Others& others, std::size_t count, std::size_t index, std::size_t& before,
                         bool& there) {
    before = 0;
    there = false;
    const std::span<const T> gap =
        others.count != 0 ? others.gaps.front(others.count) : std::span<const T>();
    for (std::size_t at = 0; before < others.count; ++before, ++at) {
      if (at >= count || gap[before] >= count - at) return false;
      at += gap[before];
      there = at == index;
      if (at >= index) return true;
    }
    return true;
  }
  bool sparse(unsigned depth, std::size_t count, std::size_t index, T& value) {
    Others others;
    std::size_t before = 0;
    bool there = false;
    if (!read_others(depth, count, others) || !find_other(others, count, index, before, there))
      return false;
    value = there ? others.values.at(before) : others.common;
    return true;
  }

  // The indices may lean on nodes and properties, or not.
  bool dictionary(unsigned depth, std::size_t count, T& value) {
    return dictionary_of(depth, count, value,
                         [&](T& index) { return read(depth + 1, count, index); });
  }
  bool plain_dictionary(unsigned depth, std::size_t count, std::size_t index, T& value) {
    return dictionary_of(depth, count, value,
                         [&](T& at) { return read_plain(depth + 1, count, index, at); });
  }
  template <class ReadIndex>
  bool dictionary_of(unsigned depth, std::size_t count, T& value, const ReadIndex& read_index) {
    const std::uint64_t distinct = in_.varint();
    NestedInts<T> values;
    T index = 0;
    if (distinct < 2 || distinct > count || !nested(depth, 0, distinct, values) ||
        !read_index(index) || index >= distinct)
      return false;
    value = values.at(index);
    return true;
  }

  // Counts flags without laying them out where that can be.
  bool count_flags(unsigned depth, std::size_t count, FlagCount& flags) {
    ByteReader ahead = in_;
    const auto encoding = static_cast<IntEncoding>(ahead.byte());
    if (encoding == IntEncoding::sparse) {
      in_ = ahead;
      return count_sparse_flags(depth, count, flags);
    }
    if (encoding == IntEncoding::runs) {
      in_ = ahead;
      bool are_flags = true;
      return for_each_run(depth, count,
                          [&](std::size_t begin, std::size_t end, T value) {
                            are_flags &= flags.add(begin, end, value);
                            return Walk::on;
                          }) &&
             are_flags;
    }
    NestedInts<T> values;
    if (!nested(depth, 0, count, values)) return false;
    if (const PackedInts<T>* packed = values.packed(); packed != nullptr && packed->is_bits()) {
      flags.count(*packed);
      return true;
    }
    const auto all = values.front(count);
    for (std::size_t i = 0; i < count; ++i)
      if (!flags.add(i, i + 1, all[i])) return false;
    return true;
  }

  // Of flags that are not the common one: all are the other.
  bool count_sparse_flags(unsigned depth, std::size_t count, FlagCount& flags) {
    Others others;
    std::size_t before = 0;
    bool there = false;
    if (!read_others(depth, count, others) || others.common > 1) return false;
    for (std::size_t i = 0; i < others.count; ++i) {
      if (others.values.at(i) + others.common != 1) return false;
      if (others.values.is_constant()) break;
    }
    if (!find_other(others, count, flags.at(), before, there)) return false;
    if (others.common == 0) {
      flags.set(before, there, others.count);
    } else {
      flags.set(flags.at() - before, !there && flags.at() < count, count - others.count);
    }
    return true;
  }

  bool fresh(unsigned depth, std::size_t count, std::size_t index, T& value) {
    T next = 0;
    FlagCount flags(index);
    if (!number(next) || !count_flags(depth, count, flags)) return false;
    const std::size_t old = count - flags.all();
    // Read in any case: what follows begins behind it.
    T earlier = 0;
    const std::size_t at = flags.is_set() ? 0 : index - flags.before();
    if ((old != 0 || !flags.is_set()) && !read_plain(depth + 1, old, at, earlier)) return false;
    value = flags.is_set() ? static_cast<T>(next + flags.before()) : earlier;
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

  // Flags say which rows, of those that are not their node's first, have a new value; a value stays
  // until one is new.
  bool by_node(unsigned depth, std::size_t count, T& value) {
    const std::size_t groups = place_.node_count;
    FlagCount flags(place_.row - place_.node);
    if (count != groups && !count_flags(depth, count - groups, flags)) return false;
    return read_plain(depth + 1, groups + flags.all(), place_.node + flags.before(), value);
  }

  bool by_property(unsigned depth, std::size_t count, T& value) {
    const std::span<const std::uint16_t> property_of_row = place_.property_of_row;
    const std::size_t groups = place_.property_count;
    if (property_of_row.empty() || groups == 0 || groups > count) return false;
    const std::size_t flag_count = count - groups;
    NestedInts<T> flags;
    if (!nested(depth, 0, flag_count, flags)) return false;
    const std::span<const T> flag =
        flag_count != 0 ? flags.front(flag_count) : std::span<const T>();
    std::size_t again = 0;
    T any = 0;
    for (const T each : flag) {
      any |= each;
      again += each;
    }
    if (any > 1) return false;
    // As the decoder of all rows, but it ends at ours.
    auto& last = scratch_.last;
    last.assign(groups, T{0});
    std::size_t next_flag = 0;
    T next = 0;
    for (std::size_t i = 0; i <= place_.row; ++i) {
      T& mine = last[property_of_row[i]];
      const bool first = mine == 0;
      const bool anew = first || (next_flag < flag_count && flag[next_flag] != 0);
      next_flag += first ? 0 : 1;
      if (anew) mine = ++next;
    }
    const T index = last[property_of_row[place_.row]];
    CAVEAT_ASSERT(index >= 1 && index <= groups + again);
    return read_plain(depth + 1, groups + again, index - 1, value);
  }

  ByteReader& in_;
  const RowPlace& place_;
  PointScratch<T>& scratch_;
  IntEncoding encoding_ = IntEncoding::reserved;
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
