// Values and reasons of an opened block. Split reasons are put together on first use and kept.
#include <cstring>

#include "engine/block/decoded_parts.h"

namespace caveat {

using detail::corrupt_block;
using detail::JoinedText;
using detail::ValueColumn;

DecodedBlock::Parts::~Parts() {
  for (JoinedText* text = joined_texts.load(std::memory_order_acquire); text != nullptr;) {
    const std::unique_ptr<JoinedText> done(text);
    text = text->next;
  }
}

// One allocation for all rows of [first, last) that have no text yet.
Result<void> DecodedBlock::Parts::join_reasons(const ValueColumn& column, std::uint32_t first,
                                               std::uint32_t last) {
  const auto missing = [&](std::uint32_t row) {
    return column.joined[row].load(std::memory_order_acquire) == nullptr;
  };
  std::uint64_t bytes = 0;
  for (std::uint32_t row = first; row < last; ++row) {
    CAVEAT_ASSIGN(const std::string_view head, string(column.index[row]));
    CAVEAT_ASSIGN(const std::string_view tail, string(column.tails[row]));
    bytes += head.size() + tail.size();
  }
  // Keeps a hostile block from naming one long half in every row.
  if (bytes > reason_bytes) return corrupt_block("column reason: more text than the column says");
  auto made = std::make_unique<JoinedText>();
  made->text.reserve(bytes + 1);
  for (std::uint32_t row = first; row < last; ++row) {
    if (!missing(row)) continue;
    // Never reallocated: a row is written at most once, and there is room for all.
    const char* at = made->text.data() + made->text.size();
    made->text += loaded_string(column.index[row]);
    made->text += loaded_string(column.tails[row]);
    const char* expected = nullptr;
    column.joined[row].compare_exchange_strong(expected, at, std::memory_order_acq_rel);
  }
  made->next = joined_texts.load(std::memory_order_relaxed);
  while (!joined_texts.compare_exchange_weak(made->next, made.get(), std::memory_order_acq_rel)) {
  }
  static_cast<void>(made.release());
  return {};
}

Result<std::string_view> DecodedBlock::Parts::reason(std::uint32_t row) {
  CAVEAT_ASSIGN(const ValueColumn* column, load_values(2));
  if (column->joined == nullptr) return string(column->index[row]);
  if (column->joined[row].load(std::memory_order_acquire) == nullptr)
    CAVEAT_TRY(join_reasons(*column, row, row + 1));
  return loaded_reason(row);
}

std::string_view DecodedBlock::Parts::loaded_reason(std::uint32_t row) const noexcept {
  const ValueColumn& column = *value_columns[2].get();
  const std::string_view head = loaded_string(column.index[row]);
  if (column.joined == nullptr) return head;
  const std::size_t size = head.size() + loaded_string(column.tails[row]).size();
  return {column.joined[row].load(std::memory_order_acquire), size};
}

Result<void> DecodedBlock::Parts::check_values(unsigned which) {
  CAVEAT_ASSIGN(const ValueColumn* column, load_values(which));
  const auto rows = static_cast<std::uint32_t>(column->index.size());
  if (which == 2 && column->joined != nullptr) return join_reasons(*column, 0, rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    CAVEAT_ASSIGN(const std::string_view text, string(column->index[row]));
    if (which < 2) CAVEAT_TRY(checked_value(column->tags[row], text));
  }
  return {};
}

}  // namespace caveat
