// Where a generation's rows lie, on its arena; with room set aside before a write is logged.
#pragma once

#include <cstddef>
#include <vector>

#include "pool/arena.h"

namespace caveat::detail {

// Room is set aside in pieces no larger than an eighth of the arena's largest chunk. Those chunks
// are recycled by the pool; one piece for a whole batch would come fresh from the system every
// time, and its page faults cost more than the inserts.
class RowMemory {
 public:
  static constexpr std::size_t kAlign = 8;
  static constexpr std::size_t kPieceBytes = (Arena::kChunkBytesMax - 64) / 8 / kAlign * kAlign;

  explicit RowMemory(Arena& arena) : arena_(arena) {}

  // Takes with the sizes announced, in the same order, will not go to the heap:
  // begin_reserve(sum of all), then reserve(size) for each. Sizes are multiples of kAlign.
  // What was announced before and not taken will not be, since its write failed: it is dealt anew.
  void begin_reserve(std::size_t total) {
    to_come_ = total;
    dealt_room_ = current_.room();
    dealt_ = next_;
  }
  void reserve(std::size_t bytes);

  // Memory for one row; from the arena where nothing suitable was set aside.
  [[nodiscard]] char* take(std::size_t bytes) {
    while (current_.room() < bytes && next_ < pieces_.size()) advance();
    if (current_.room() < bytes) return static_cast<char*>(arena_.allocate(bytes, kAlign));
    char* taken = current_.begin;
    current_.begin += bytes;
    return taken;
  }

 private:
  struct Piece {
    char* begin = nullptr;
    char* end = nullptr;
    [[nodiscard]] std::size_t room() const noexcept {
      return static_cast<std::size_t>(end - begin);
    }
  };
  void advance() noexcept;

  Arena& arena_;
  Piece current_;
  std::vector<Piece> pieces_;  // set aside; from next_ on not yet used
  std::size_t next_ = 0;
  std::size_t dealt_ = 0;       // pieces before it are dealt to what was announced
  std::size_t dealt_room_ = 0;  // left in the last of them
  std::size_t to_come_ = 0;
};

}  // namespace caveat::detail
