// How a store has laid itself out, and why: StorageOptimizer::explain_tuning().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caveat {

// Who decides about an option.
enum class ChosenBy : std::uint8_t {
  store,     // from samples of the records, or from what the store holds
  host,      // in the Options of this open
  defaults,  // nobody: it is as usual, or follows a fixed rule
};
[[nodiscard]] std::string_view to_string(
    ChosenBy chosen_by) noexcept;  // "store", "host", "default"

// One option, as it is in force now.
struct TunedOption {
  // One of the values that were measured on the sample.
  struct Candidate {
    std::string value;            // as in `TunedOption::value`
    double bytes_per_record = 0;  // on disk: block, key filter, hints, directory
  };
  std::string option;  // as in Options: "partition_records"; or the name of a part of the store
  std::string value;   // "zstd", "256", "112 KiB"
  ChosenBy chosen_by = ChosenBy::defaults;  // of `value`
  std::string why;                          // a sentence for people, with the figures
  std::vector<Candidate> candidates;  // the dearest in time or memory first; empty: none measured
};

// All of it.
struct TuningExplanation {
  std::vector<TunedOption> options;  // those of the layout, then what follows the data
  // What lies in the store, whoever asked for it: options act on blocks that are written, and an
  // older block stays as it is until it is rewritten.
  std::uint64_t partitions = 0;                               // that have a block
  std::uint64_t rows = 0;                                     // in these blocks
  std::uint64_t with_dictionary = 0;                          // blocks
  std::vector<std::pair<std::string, std::uint64_t>> codecs;  // name or number, blocks
};

}  // namespace caveat
