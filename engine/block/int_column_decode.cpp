// The decoder's half of integer columns. Input is untrusted: each count and width is checked
// before it is used, and nesting is bounded. Loops over rows have no branch that data decides:
// flags steer conditional moves and counters instead.
#include <algorithm>
#include <array>

#include "engine/block/int_column.h"
#include "engine/block/unpack.h"

namespace caveat::detail {
namespace {

// Buffers of each nesting level, kept per thread.
template <class T>
struct DecodeScratch {
  std::array<std::array<std::vector<T>, 2>, kMaxColumnDepth> levels;
  std::vector<T> last;  // not used while nested

  [[nodiscard]] std::span<T> get(unsigned depth, unsigned which, std::size_t count) {
    return sized(levels[depth][which], count);
  }
  [[nodiscard]] static std::span<T> sized(std::vector<T>& values, std::size_t count) {
    if (values.size() < count) values.resize(count);
    return {values.data(), count};
  }
};

template <class T>
DecodeScratch<T>& decode_scratch() {
  thread_local DecodeScratch<T> scratch;
  return scratch;
}

template <class T>
class Decoder {
 public:
  using Values = std::span<T>;

  Decoder(ByteReader& in, DecodeScratch<T>& scratch) : in_(in), scratch_(scratch) {}

  bool decode(const RowShape* shape, unsigned depth, Values values) {
    if (depth >= kMaxColumnDepth || values.empty()) return false;
    switch (static_cast<IntEncoding>(in_.byte())) {
      case IntEncoding::constant: {
        T value = 0;
        if (!number(value)) return false;
        std::fill(values.begin(), values.end(), value);
        return true;
      }
      case IntEncoding::packed:
        return packed(values);
      case IntEncoding::delta:
        return delta(depth, values);
      case IntEncoding::runs:
        return runs(depth, values);
      case IntEncoding::sparse:
        return sparse(depth, values);
      case IntEncoding::dictionary:
        return dictionary(shape, depth, values);
      case IntEncoding::fresh:
        return fresh(depth, values);
      case IntEncoding::node_delta:
        return shape != nullptr && node_delta(*shape, depth, values);
      case IntEncoding::by_node:
        return shape != nullptr && by_node(*shape, depth, values);
      case IntEncoding::by_property:
        return shape != nullptr && !shape->property_of_row.empty() &&
               by_property(*shape, depth, values);
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

  bool packed(Values values) {
    T base = 0;
    if (!number(base)) return false;
    const unsigned width = in_.byte();
    if (!in_.ok() || width > sizeof(T) * 8) return false;
    const std::string_view bits = in_.take(packed_bytes(values.size(), width));
    if (!in_.ok() || !padding_is_zero(bits, values.size(), width)) return false;
    unpack_bits(bits, base, width, values);
    return true;
  }

  bool delta(unsigned depth, Values values) {
    T sum = 0;
    if (!number(sum)) return false;
    const auto least = static_cast<T>(unzigzag(in_.varint()));
    if (values.size() < 2) return false;
    values[0] = sum;
    const Values steps = values.subspan(1);
    if (!decode(nullptr, depth + 1, steps)) return false;
    for (T& step : steps) step = sum = static_cast<T>(sum + step + least);
    return true;
  }

  bool runs(unsigned depth, Values values) {
    const std::uint64_t count = in_.varint();
    if (count < 2 || count > values.size()) return false;
    const Values heads = scratch_.get(depth, 0, count);
    const Values lengths = scratch_.get(depth, 1, count - 1);
    if (!decode(nullptr, depth + 1, heads) || !decode(nullptr, depth + 1, lengths)) return false;
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

  bool sparse(unsigned depth, Values values) {
    T common = 0;
    if (!number(common)) return false;
    const std::uint64_t count = in_.varint();
    if (!in_.ok() || count > values.size()) return false;
    std::fill(values.begin(), values.end(), common);
    if (count == 0) return true;
    const Values gaps = scratch_.get(depth, 0, count);
    const Values others = scratch_.get(depth, 1, count);
    if (!decode(nullptr, depth + 1, gaps) || !decode(nullptr, depth + 1, others)) return false;
    std::size_t at = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (at >= values.size() || gaps[i] >= values.size() - at) return false;
      at += gaps[i];
      values[at++] = others[i];
    }
    return true;
  }

  bool dictionary(const RowShape* shape, unsigned depth, Values values) {
    const std::uint64_t count = in_.varint();
    if (count < 2 || count > values.size()) return false;
    const Values distinct = scratch_.get(depth, 0, count);
    if (!decode(nullptr, depth + 1, distinct) || !decode(shape, depth + 1, values)) return false;
    T most = 0;
    for (const T value : values) most = std::max(most, value);
    if (most >= count) return false;
    for (T& value : values) value = distinct[value];
    return true;
  }

  // Sum of flags, which are 0 or 1; false if any is neither.
  static bool count_flags(Values flags, std::size_t& ones) {
    T any = 0;
    std::size_t sum = 0;
    for (const T flag : flags) {
      any |= flag;
      sum += flag;
    }
    ones = sum;
    return any <= 1;
  }

  bool fresh(unsigned depth, Values values) {
    T next = 0;
    std::size_t ones = 0;
    if (!number(next) || !decode(nullptr, depth + 1, values) || !count_flags(values, ones))
      return false;
    const std::size_t old = values.size() - ones;
    const Values earlier = scratch_.get(depth, 0, old + 1);  // one more may be read, not used
    if (old != 0 && !decode(nullptr, depth + 1, earlier.first(old))) return false;
    const T* from = earlier.data();
    for (T& value : values) {
      const T is_new = value;
      value = is_new != 0 ? next : *from;
      next += is_new;
      from += 1 - is_new;
    }
    return true;
  }

  bool node_delta(const RowShape& shape, unsigned depth, Values values) {
    const std::uint8_t rising = in_.byte();
    if (!in_.ok() || rising > 1) return false;
    const Values firsts = scratch_.get(depth, 0, shape.node_count);
    const Values steps = scratch_.get(depth, 1, values.size() - shape.node_count);
    if (!decode(nullptr, depth + 1, firsts)) return false;
    if (!steps.empty() && !decode(nullptr, depth + 1, steps)) return false;
    if (rising == 0)
      for (T& step : steps) step = static_cast<T>((step >> 1) ^ (~(step & 1) + 1));
    const T* step = steps.data();
    T value = 0;
    for (std::size_t i = 0; i < values.size();) {
      const std::uint16_t node = shape.node_of_row[i];
      values[i++] = value = firsts[node];
      for (; i < values.size() && shape.node_of_row[i] == node; ++i)
        values[i] = value = static_cast<T>(value + *step++);
    }
    return true;
  }

  // The flags of all rows that are not their group's first, and the values that were not as
  // before. Both have one element more than is used, so that loops may read ahead of a condition.
  bool flags_and_missed(std::uint32_t groups, unsigned depth, std::size_t rows, Values& flags,
                        Values& missed) {
    if (groups == 0) return false;
    const std::size_t count = rows - groups;
    flags = scratch_.get(depth, 0, count + 1);
    flags[count] = 0;
    std::size_t again = 0;
    if (count != 0 && (!decode(nullptr, depth + 1, flags.first(count)) ||
                       !count_flags(flags.first(count), again)))
      return false;
    missed = scratch_.get(depth, 1, groups + again + 1);
    return decode(nullptr, depth + 1, missed.first(groups + again));
  }

  // Rows of a node are neighbours, so the value before is the one of the row before.
  bool by_node(const RowShape& shape, unsigned depth, Values values) {
    Values flags;
    Values missed;
    if (!flags_and_missed(shape.node_count, depth, values.size(), flags, missed)) return false;
    const T* flag = flags.data();
    const T* miss = missed.data();
    std::uint32_t before = 0xFFFFFFFF;
    T value = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint32_t node = shape.node_of_row[i];
      const unsigned first = node != before ? 1 : 0;
      const unsigned anew = first | static_cast<unsigned>(*flag);
      const T missed_value = *miss;
      before = node;
      flag += 1 - first;
      value = anew != 0 ? missed_value : value;
      miss += anew;
      values[i] = value;
    }
    return true;
  }

  bool by_property(const RowShape& shape, unsigned depth, Values values) {
    Values flags;
    Values missed;
    if (!flags_and_missed(shape.property_count, depth, values.size(), flags, missed)) return false;
    // Index into missed, and one more; 0 before the property's first row.
    const Values last = DecodeScratch<T>::sized(scratch_.last, shape.property_count);
    std::fill(last.begin(), last.end(), T{0});
    const T* flag = flags.data();
    T next = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      T& mine = last[shape.property_of_row[i]];
      const unsigned first = mine == 0 ? 1 : 0;
      const unsigned anew = first | static_cast<unsigned>(*flag);
      flag += 1 - first;
      next += anew;
      const T index = anew != 0 ? next : mine;
      mine = index;
      values[i] = missed[index - 1];
    }
    return true;
  }

  ByteReader& in_;
  DecodeScratch<T>& scratch_;
};

template <class T>
bool decode_column(ByteReader& in, const RowShape* shape, std::span<T> values) {
  return Decoder<T>(in, decode_scratch<T>()).decode(shape, 0, values) && in.ok();
}

}  // namespace

bool decode_ints(ByteReader& in, const RowShape* shape, std::span<std::uint64_t> values) {
  return decode_column(in, shape, values);
}

bool decode_ints(ByteReader& in, const RowShape* shape, std::span<std::uint32_t> values) {
  return decode_column(in, shape, values);
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
