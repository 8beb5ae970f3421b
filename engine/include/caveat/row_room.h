// Where a reader of rows puts what it reads together.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

namespace caveat {

// Room for the text of one row at a time, used again and again: a reason that is put together from
// two halves, and what is inflated of a block that keeps nothing. One reader's at a time. Grows to
// what the largest row needed; some 10 KiB for the blocks of a store.
class RowRoom {
 public:
  // `size` bytes; what was in them before is gone. Throws std::bad_alloc.
  [[nodiscard]] char* take(std::size_t size) { return joined_.take(size); }
  // The same, of other bytes: what one row is inflated and decoded in. Aligned for any type.
  [[nodiscard]] char* work(std::size_t size) { return work_.take(size); }
  // Is it gone with the next use of this room?
  [[nodiscard]] bool holds(std::string_view text) const noexcept {
    return joined_.holds(text) || work_.holds(text);
  }
  // Gives back what an uncommonly large row left behind.
  void keep_at_most(std::size_t bytes) noexcept {
    joined_.keep_at_most(bytes);
    work_.keep_at_most(bytes);
  }

 private:
  class Piece {
   public:
    [[nodiscard]] char* take(std::size_t size) {
      if (size > size_) grow(size);
      return bytes_.get();
    }
    [[nodiscard]] bool holds(std::string_view text) const noexcept {
      return !text.empty() && text.data() >= bytes_.get() && text.data() < bytes_.get() + size_;
    }
    void keep_at_most(std::size_t bytes) noexcept {
      if (size_ <= bytes) return;
      bytes_.reset();
      size_ = 0;
    }

   private:
    void grow(std::size_t size) {
      constexpr std::size_t kFirst = 256;
      const std::size_t larger = std::max(kFirst, size + size / 2);
      bytes_ = std::make_unique_for_overwrite<char[]>(larger);
      size_ = larger;
    }

    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
  };

  Piece joined_;
  Piece work_;
};

}  // namespace caveat
