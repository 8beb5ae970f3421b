// What a DecodedBlock holds behind its keys: where the columns are, and what is inflated so far.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "engine/block/int_column.h"
#include "engine/block/layout.h"

namespace caveat::detail {

// A value made on first use. Readers that come at once may make it twice; one copy is kept.
template <class T>
class Lazy {
 public:
  Lazy() = default;
  Lazy(const Lazy&) = delete;
  Lazy& operator=(const Lazy&) = delete;
  ~Lazy() { delete value_.load(std::memory_order_acquire); }

  [[nodiscard]] const T* get() const noexcept { return value_.load(std::memory_order_acquire); }
  const T* publish(std::unique_ptr<const T> made) const noexcept {
    const T* expected = nullptr;
    if (value_.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel))
      return made.release();
    return expected;
  }

 private:
  mutable std::atomic<const T*> value_{nullptr};
};

// Tag and string number of each row.
struct ValueColumn {
  std::vector<std::uint8_t> tags;  // empty for reasons
  std::vector<std::uint16_t> index;
  // Of split reasons: the second half, and the halves put together, made on first use.
  std::vector<std::uint16_t> tails;
  std::unique_ptr<std::atomic<const char*>[]> joined;
};

// Memory of joined reasons: only ever added to, so that views stay good.
struct JoinedText {
  JoinedText* next = nullptr;
  std::string text;
};

struct InflatedFrame {
  std::string bytes;
  std::vector<std::uint32_t> starts;  // of each string, and one past the end
};

struct Frame {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t raw_bytes = 0;
  std::string_view stored;
  Lazy<InflatedFrame> inflated;
};

// The string table of an opened block.
struct StringTable {
  bool separated = true;
  char separator = 0;
  std::uint32_t string_count = 0;
  std::size_t frame_count = 0;
  std::unique_ptr<Frame[]> frames;
  std::string_view lengths;  // column of lengths, where strings are not separated
  Lazy<std::vector<std::uint32_t>> decoded_lengths;
};

}  // namespace caveat::detail

namespace caveat {

struct DecodedBlock::Parts {
  std::shared_ptr<const std::string> owner;
  std::string_view block;
  const Codec* codec = nullptr;  // null: every frame is raw
  std::shared_ptr<const CompressionDictionary> dictionary;
  BlockCounters* counters = nullptr;

  std::array<std::string_view, kBlockColumnCount> columns;
  std::vector<std::uint16_t> property_of_row;  // empty where the block has no local numbers
  detail::RowShape shape;
  detail::StringTable strings;

  detail::Lazy<std::vector<ExceptionSource>> sources;
  detail::Lazy<std::vector<float>> confidences;
  detail::Lazy<std::vector<std::int64_t>> created_ats;
  std::array<detail::Lazy<detail::ValueColumn>, 3> value_columns;  // inherited, actual, reason
  std::uint64_t reason_bytes = 0;  // of all rows, where reasons are split
  std::atomic<detail::JoinedText*> joined_texts{nullptr};
  std::atomic<ColumnMask> checked{kKeyColumns};  // columns that load() has passed

  // Each makes its part if need be; null results are never returned.
  [[nodiscard]] Result<const std::vector<ExceptionSource>*> load_sources();
  [[nodiscard]] Result<const std::vector<float>*> load_confidences();
  [[nodiscard]] Result<const std::vector<std::int64_t>*> load_created_ats();
  [[nodiscard]] Result<const detail::ValueColumn*> load_values(unsigned which);

  ~Parts();

  // Values of all rows exist and are well-formed.
  [[nodiscard]] Result<void> check_values(unsigned which);
  [[nodiscard]] Result<std::string_view> reason(std::uint32_t row);
  // The same, after check_values(2).
  [[nodiscard]] std::string_view loaded_reason(std::uint32_t row) const noexcept;

  // The string of a number that is below strings.string_count.
  [[nodiscard]] Result<std::string_view> string(std::uint32_t id);
  // The same, after its frame has been inflated.
  [[nodiscard]] std::string_view loaded_string(std::uint32_t id) const noexcept;

 private:
  [[nodiscard]] Result<void> join_reasons(const detail::ValueColumn& column, std::uint32_t first,
                                          std::uint32_t last);
  [[nodiscard]] detail::Frame& frame_of(std::uint32_t id) const noexcept;
  [[nodiscard]] Result<const detail::InflatedFrame*> inflate(detail::Frame& frame);
  [[nodiscard]] Result<const std::vector<std::uint32_t>*> load_lengths();
};

namespace detail {

[[nodiscard]] inline tl::unexpected<StorageError> corrupt_block(std::string_view what) {
  return tl::make_unexpected(StorageError{ErrorCode::corruption, "block: " + std::string(what)});
}

// Reads the string table's section; `frames` is what follows it. No frame is inflated.
[[nodiscard]] Result<void> parse_string_table(std::string_view section, std::string_view frames,
                                              const BlockHeader& header, StringTable& out);

}  // namespace detail
}  // namespace caveat
