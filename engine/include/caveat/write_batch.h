// Writes that become visible and durable as a whole.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "caveat/exception_view.h"
#include "caveat/types.h"

namespace caveat {

// Gathers stores, removals and clears; StorageOptimizer::write applies them in order, so that of
// several writes of one key the last counts. Not thread-safe. Reusable after clear().
// Holds a copy of everything, encoded as it will be logged. At most kMaxBatchBytes.
class WriteBatch {
 public:
  // Encoded; limit_exceeded beyond.
  static constexpr std::size_t kMaxBatchBytes = std::size_t{256} << 20;

  WriteBatch() = default;
  // Uses the buffer's memory; what it holds is dropped.
  explicit WriteBatch(std::string&& buffer) noexcept : rows_(std::move(buffer)) { rows_.clear(); }
  // Gives the memory back; the batch is empty then.
  [[nodiscard]] std::string release_buffer() noexcept {
    count_ = 0;
    return std::exchange(rows_, std::string());
  }

  // invalid_argument or limit_exceeded, and the batch is as it was before.
  [[nodiscard]] Result<void> store_exception(const ExceptionKey& key, const Exception& exception);
  // The same without an owning Exception; view.key is the key. The view is trusted to be one that
  // caveat handed out, or made with checked_value.
  [[nodiscard]] Result<void> store_exception(const ExceptionView& view);
  [[nodiscard]] Result<void> remove_exception(const ExceptionKey& key);
  // Removes whatever is there now, in one short write; later writes of the batch stay.
  [[nodiscard]] Result<void> clear_node(NodeId node);
  [[nodiscard]] Result<void> clear_property(PropertyHash property);

  // Adds the writes of another batch behind its own.
  [[nodiscard]] Result<void> append(const WriteBatch& other);

  void clear() noexcept;                                               // keeps its memory
  [[nodiscard]] std::size_t count() const noexcept { return count_; }  // writes
  // As they will be logged.
  [[nodiscard]] std::size_t bytes() const noexcept { return rows_.size(); }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }  // no writes

  // The rows as they are logged (docs/format/row.md): each a u32 length and a row.
  [[nodiscard]] std::string_view rows() const noexcept { return rows_; }

 private:
  std::string rows_;
  std::size_t count_ = 0;
};

}  // namespace caveat
