#include "engine/delta/row_memory.h"

#include <algorithm>

namespace caveat::detail {

void RowMemory::reserve(std::size_t bytes) {
  // As take() will go through them.
  while (bytes > dealt_room_ && dealt_ < pieces_.size()) dealt_room_ = pieces_[dealt_++].room();
  if (bytes > dealt_room_) {
    const std::size_t size = std::max(bytes, std::min(to_come_, kPieceBytes));
    pieces_.emplace_back();  // may throw, so first
    Piece& piece = pieces_.back();
    piece.begin = piece.end = static_cast<char*>(arena_.allocate(size, kAlign));
    piece.end += size;
    dealt_ = pieces_.size();
    dealt_room_ = size;
  }
  dealt_room_ -= bytes;
  to_come_ -= std::min(to_come_, bytes);
}

void RowMemory::advance() noexcept {
  current_ = pieces_[next_++];
  if (next_ == pieces_.size()) {
    pieces_.clear();
    next_ = 0;
    dealt_ = 0;
  }
}

}  // namespace caveat::detail
