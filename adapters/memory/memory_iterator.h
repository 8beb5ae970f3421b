// An iterator over one family as a snapshot sees it.
#pragma once

#include <memory>
#include <utility>

#include "adapters/memory/family_table.h"
#include "caveat/kv_backend.h"

namespace caveat::detail {

// Every step takes the family's lock shared and walks to the next entry the snapshot sees. Such
// an entry stays where it is while the snapshot lives, so between steps plain pointers do.
class MemoryIterator final : public KvIterator {
 public:
  // `owned` keeps the snapshot alive where the caller gave none.
  MemoryIterator(const FamilyTable& table, Stamp stamp, std::shared_ptr<const KvSnapshot> owned)
      : table_(table), stamp_(stamp), owned_(std::move(owned)) {}

  void seek_to_first() override;
  void seek(std::string_view key) override;
  void seek_for_prev(std::string_view key) override;
  void next() override;
  void prev() override;
  [[nodiscard]] bool valid() const override { return valid_; }
  [[nodiscard]] std::string_view key() const override;
  [[nodiscard]] std::string_view value() const override;
  [[nodiscard]] Result<void> status() const override { return {}; }

 private:
  using Position = FamilyTable::Map::const_iterator;

  void settle_forward(Position position);
  // The last visible entry before `position`.
  void settle_backward(Position position);

  const FamilyTable& table_;
  Stamp stamp_;
  std::shared_ptr<const KvSnapshot> owned_;
  bool valid_ = false;
  Position position_;
  std::string_view value_;
};

}  // namespace caveat::detail
