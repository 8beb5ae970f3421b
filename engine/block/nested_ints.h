// A column inside of another, read at some of its values only.
//
// Most nested columns are constant or packed: their values are where arithmetic says. Any other is
// decoded whole, into room that the thread keeps.
#pragma once

#include <span>
#include <vector>

#include "engine/block/int_column.h"
#include "engine/block/unpack.h"

namespace caveat::detail {

// The head of a column that is constant (width 0) or packed.
template <class T>
struct PackedInts {
  T base = 0;
  unsigned width = 0;
  std::string_view bits;
  std::size_t count = 0;

  // What follows the encoding byte; false if that makes no sense.
  [[nodiscard]] bool read(ByteReader& in, IntEncoding encoding, std::size_t values) noexcept {
    const std::uint64_t wide = in.varint();
    base = static_cast<T>(wide);
    count = values;
    if (base != wide) return false;
    if (encoding == IntEncoding::packed) {
      width = in.byte();
      if (width > sizeof(T) * 8) return false;
      bits = in.take(packed_bytes(values, width));
    }
    return in.ok() && padding_is_zero(bits, values, width);
  }

  // index < count.
  [[nodiscard]] T at(std::size_t index) const noexcept {
    CAVEAT_ASSERT(index < count);
    return width == 0 ? base : unpack_one(bits, base, width, index);
  }

  // Are they flags, a bit each?
  [[nodiscard]] bool is_bits() const noexcept { return width == 1 && base == 0; }
  // How many of the first flags are set.
  [[nodiscard]] std::size_t ones(std::size_t flags) const noexcept {
    CAVEAT_ASSERT(is_bits() && flags <= count);
    std::size_t sum = 0;
    std::size_t byte = 0;
    for (; (byte + 8) * 8 <= flags; byte += 8)
      sum += ones_of(get_fixed<std::uint64_t>(bits.data() + byte));
    std::uint64_t rest = 0;
    const std::size_t left = flags - byte * 8;
    std::memcpy(&rest, bits.data() + byte, (left + 7) / 8);
    return sum + (left == 0 ? 0 : ones_of(rest & (~std::uint64_t{0} >> (64 - left))));
  }

  // The first `values` of them.
  void front(std::span<T> values) const noexcept {
    unpack_bits(bits.substr(0, packed_bytes(values.size(), width)), base, width, values);
  }
};

template <class T>
class NestedInts {
 public:
  // `room` must outlive this and be nobody else's meanwhile. `count` > 0.
  [[nodiscard]] bool read(ByteReader& in, std::size_t count, std::vector<T>& room) {
    room_ = &room;
    ByteReader ahead = in;
    const auto encoding = static_cast<IntEncoding>(ahead.byte());
    is_packed_ = encoding == IntEncoding::constant || encoding == IntEncoding::packed;
    if (is_packed_) {
      if (!packed_.read(ahead, encoding, count)) return false;
      in = ahead;
      return true;
    }
    return decode_ints(in, nullptr, all(count)) && in.ok();
  }

  // Null unless it is constant or packed.
  [[nodiscard]] const PackedInts<T>* packed() const noexcept {
    return is_packed_ ? &packed_ : nullptr;
  }
  [[nodiscard]] bool is_constant() const noexcept { return is_packed_ && packed_.width == 0; }
  // index < count.
  [[nodiscard]] T at(std::size_t index) const noexcept {
    if (is_packed_) return packed_.at(index);
    CAVEAT_ASSERT(room_ != nullptr && index < room_->size());
    return (*room_)[index];
  }

  // The first `count`; good until the room is used again.
  [[nodiscard]] std::span<const T> front(std::size_t count) {
    const std::span<T> values = all(count);
    if (is_packed_ && count != 0) packed_.front(values);
    return values;
  }

 private:
  [[nodiscard]] std::span<T> all(std::size_t count) {
    if (room_->size() < count) room_->resize(count);
    return {room_->data(), count};
  }

  PackedInts<T> packed_;
  std::vector<T>* room_ = nullptr;
  bool is_packed_ = false;
};

}  // namespace caveat::detail
