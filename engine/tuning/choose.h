// Choosing a layout by measuring candidates on a sample.
//
// A pure function: the same sample and options give the same choice on every machine. What decides
// are bytes; what each candidate costs in time is known beforehand and is their order
// (docs/decisions/0130).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "caveat/compressed_block.h"
#include "caveat/error.h"
#include "engine/tuning/tuning.h"
#include "pool/worker_pool.h"

namespace caveat {

// Records that fewer than this are not measured: a fold's, or a store's.
inline constexpr std::size_t kTuningRecordsMin = 4096;

// What is measured: some runs of neighbours, spread over the records. Of a large store optimize
// takes more: records of one kind in a few of eight runs tipped the choice this way or that.
inline constexpr std::size_t kStretches = 8;
inline constexpr std::size_t kStretchesOfLarge = 32;
inline constexpr std::size_t kRecordsOfStretch = std::size_t{1} << 16;  // one run more for so many
inline constexpr std::size_t kStretchRows = 256;
inline constexpr std::size_t kStretchBytes = std::size_t{256} << 10;  // raw

struct TuningSample {
  std::vector<std::vector<BlockRow>> stretches;  // each in block order, not empty
  std::vector<std::string> frames;  // for dictionaries; none of them of the stretches' rows
  std::uint64_t records = 0;        // that will share a dictionary's bytes
  // What the store chose before, which stays unless another is clearly better; 0: nothing yet.
  std::uint32_t partition_records = 0;
};

struct Chosen {
  Tuning tuning;
  std::optional<CompressionDictionary> dictionary;  // in force from now on; nothing: none is
};

// What the host says is left alone: it is not chosen, and the rest is measured with it. Fails as
// encode_block does, with a codec of the host's.
[[nodiscard]] Result<Chosen> choose_layout(const TuningSample& sample, Moment moment,
                                           const Options& options, std::uint32_t dictionary_id,
                                           unsigned temporal_shift, WorkerPool& workers);

}  // namespace caveat
