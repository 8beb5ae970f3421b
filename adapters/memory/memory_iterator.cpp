#include "adapters/memory/memory_iterator.h"

#include <mutex>

#include "pool/invariant.h"

namespace caveat::detail {

void MemoryIterator::settle_forward(Position position) {
  valid_ = false;
  for (; position != table_.map().end(); ++position) {
    if (const ValueVersion* version = position->second.versions.at(stamp_)) {
      position_ = position;
      value_ = version->view();
      valid_ = true;
      return;
    }
  }
}

void MemoryIterator::settle_backward(Position position) {
  valid_ = false;
  while (position != table_.map().begin()) {
    --position;
    if (const ValueVersion* version = position->second.versions.at(stamp_)) {
      position_ = position;
      value_ = version->view();
      valid_ = true;
      return;
    }
  }
}

void MemoryIterator::seek_to_first() {
  const std::shared_lock lock(table_.mutex());
  settle_forward(table_.map().begin());
}

void MemoryIterator::seek(std::string_view key) {
  const std::shared_lock lock(table_.mutex());
  settle_forward(table_.map().lower_bound(key));
}

void MemoryIterator::seek_for_prev(std::string_view key) {
  const std::shared_lock lock(table_.mutex());
  settle_backward(table_.map().upper_bound(key));
}

void MemoryIterator::next() {
  CAVEAT_ASSERT(valid_);
  const std::shared_lock lock(table_.mutex());
  settle_forward(std::next(position_));
}

void MemoryIterator::prev() {
  CAVEAT_ASSERT(valid_);
  const std::shared_lock lock(table_.mutex());
  settle_backward(position_);
}

std::string_view MemoryIterator::key() const {
  CAVEAT_ASSERT(valid_);
  return position_->first;
}

std::string_view MemoryIterator::value() const {
  CAVEAT_ASSERT(valid_);
  return value_;
}

}  // namespace caveat::detail
