// What a store has chosen for itself, and on which evidence.
//
// A store whose host does not say how blocks are to be laid out measures candidates on a sample of
// its own records and takes, of each option, the cheapest candidate that is nearly as small as the
// smallest. All that was measured is kept (tuning_page.h) and shown (explain.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "caveat/options.h"

namespace caveat {

// What is chosen. The numbers are on disk. A partition's rows and bytes are one choice: it stands
// for the rows, and the bytes are kBytesPerRow for each.
enum class Tuned : std::uint8_t {
  dictionary = 1,      // bytes; 0: none
  codec = 2,           // CompressionAlgorithm
  partition = 3,       // rows
  level = 4,           // of folds
  optimize_level = 5,  // of optimize_storage
};
inline constexpr std::size_t kTunedCount = 5;
inline constexpr std::size_t kBytesPerRow = 128;

// One candidate, as the sample had it.
struct Trial {
  std::uint32_t value = 0;
  std::uint32_t millibytes = 0;  // thousandths of a byte a record, on disk, all that depends on it
  friend bool operator==(const Trial&, const Trial&) = default;
};

// From the dearest candidate that was tried, or the usual one, on; nothing is chosen where it is
// not the store's to choose.
struct Choice {
  std::optional<std::uint32_t> chosen;  // the value of one of the trials
  std::vector<Trial> trials;
  friend bool operator==(const Choice&, const Choice&) = default;
};

// When a store learns.
enum class Moment : std::uint8_t { fold = 1, optimize = 2 };

struct Tuning {
  Moment moment = Moment::fold;
  std::uint32_t sampled_rows = 0;  // measured
  std::uint64_t records = 0;       // that the store had then
  std::array<Choice, kTunedCount> choices;

  [[nodiscard]] Choice& of(Tuned tuned) noexcept {
    return choices[static_cast<std::size_t>(tuned) - 1];
  }
  [[nodiscard]] const Choice& of(Tuned tuned) const noexcept {
    return choices[static_cast<std::size_t>(tuned) - 1];
  }
  friend bool operator==(const Tuning&, const Tuning&) = default;
};

// What new blocks are made by.
struct Layout {
  CodecId codec = static_cast<CodecId>(CompressionAlgorithm::Zstd);
  int level = 3;
  int optimize_level = 12;
  std::size_t partition_records = 256;
  std::size_t partition_bytes = std::size_t{32} << 10;
  std::size_t dictionary_bytes = std::size_t{112} << 10;

  // What the host says, else what the store has chosen (null: nothing), else the defaults above.
  [[nodiscard]] static Layout of(const Options& options, const Tuning* tuning) noexcept;
};

}  // namespace caveat
