#include "engine/tuning/choose.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>

#include "caveat/index_manager.h"
#include "engine/partition/cut_rows.h"
#include "engine/partition/key_filter.h"
#include "engine/tuning/codecs.h"

namespace caveat {

namespace {

// Candidates, the dearest in time first: to decode (partitions, codecs), to write (levels), or to
// hold in memory (dictionaries).
// Each further dictionary costs a training. A fold has no time for that, nor much use: what it
// takes stays only until optimize_storage.
constexpr std::array<std::uint32_t, 4> kDictionaries = {112 << 10, 32 << 10, 16 << 10, 0};
constexpr std::array<std::uint32_t, 2> kDictionariesOfFold = {112 << 10, 0};
constexpr std::array<std::uint32_t, 3> kCodecs = {2, 1, 0};
static_assert(static_cast<std::uint32_t>(CompressionAlgorithm::Zstd) == kCodecs[0] &&
              static_cast<std::uint32_t>(CompressionAlgorithm::Lz4) == kCodecs[1] &&
              static_cast<std::uint32_t>(CompressionAlgorithm::None) == kCodecs[2]);
constexpr std::array<std::uint32_t, 4> kPartitions = {256, 128, 64, 32};
constexpr std::array<std::uint32_t, 2> kLevels = {3, 1};
constexpr std::array<std::uint32_t, 4> kOptimizeLevels = {19, 12, 6, 3};
// Level 19 takes more than twice the time of 12: it has to gain so many per mille over it, and is
// not even tried unless 12 gains as much over 6.
constexpr std::uint64_t kGainOfHighest = 50;

// Per mille that a cheaper candidate may be larger than the smallest.
constexpr std::uint64_t tolerance_of(Tuned tuned) {
  switch (tuned) {
    case Tuned::dictionary:
      return 5;
    case Tuned::codec:
      return 50;
    case Tuned::partition:
      return 30;
    case Tuned::level:
      return 10;
    case Tuned::optimize_level:
      return 10;
  }
  return 0;
}

// A size of partitions that was chosen before is not given up for a difference in the sample: for
// smaller ones the tolerance is so much less, for as large or larger ones so much more. Per mille.
constexpr std::uint64_t kStay = 15;

// A store is expected to grow: the dictionary of a first fold stays until optimize_storage.
constexpr std::uint64_t kRecordsExpected = std::uint64_t{1} << 18;

// What a partition takes beside its block and filter: its key in the backend, its entry in the
// directory. And a pair of an index, in bits, with 256 records in a partition and for each time
// that they are halved. As stores of CLDR and of noise have them.
constexpr std::uint64_t kEntryBytes = 64;
constexpr std::uint64_t kPairBits = 5;
constexpr std::uint64_t kPairBitsOfHalving = 2;

struct Candidate {
  CodecId codec = 0;
  int level = 0;
  std::uint32_t dictionary = 0;  // bytes asked for
  CutLimits limits;
};

class Chooser {
 public:
  Chooser(const TuningSample& sample, Moment moment, const Options& options,
          std::uint32_t dictionary_id, unsigned temporal_shift, WorkerPool& workers)
      : sample_(sample),
        options_(options),
        dictionary_id_(dictionary_id),
        rules_{temporal_shift},
        workers_(workers),
        moment_(moment),
        records_(moment == Moment::fold ? std::max(sample.records, kRecordsExpected)
                                        : sample.records) {
    tuning_.moment = moment;
    tuning_.records = sample.records;
    for (const auto& rows : sample.stretches) {
      tuning_.sampled_rows += static_cast<std::uint32_t>(rows.size());
    }
    const Layout usual = Layout::of(options, nullptr);
    best_ = {usual.codec,
             moment == Moment::fold ? usual.level : usual.optimize_level,
             static_cast<std::uint32_t>(usual.dictionary_bytes),
             {usual.partition_records, usual.partition_bytes}};
  }

  Result<Chosen> choose() {
    if (tuning_.sampled_rows == 0) return Chosen{tuning_, std::nullopt};
    CAVEAT_TRY(choose_dictionary());
    if (!options_.compression) {
      CAVEAT_TRY(descend(Tuned::codec, kCodecs, [](Candidate& c, std::uint32_t value) {
        c.codec = static_cast<CodecId>(value);
      }));
    }
    if (!options_.partition_records || !options_.partition_bytes) {
      CAVEAT_TRY(descend(Tuned::partition, kPartitions, [&](Candidate& c, std::uint32_t value) {
        if (!options_.partition_records) c.limits.rows_max = value;
        if (!options_.partition_bytes) c.limits.bytes_max = value * kBytesPerRow;
      }));
    }
    if (best_.codec == static_cast<CodecId>(CompressionAlgorithm::Zstd)) {
      CAVEAT_TRY(choose_levels());
    }
    Chosen chosen{std::move(tuning_), std::nullopt};
    if (const auto* dictionary = dictionary_of(best_)) {
      chosen.dictionary = {dictionary_id_, dictionary->bytes, {}};
    }
    return chosen;
  }

 private:
  // Of what is trained the samples may be too few, or the gain too small: then there is none.
  Result<void> choose_dictionary() {
    CAVEAT_ASSIGN(const Codec* codec, codecs_of(best_.level)->find(best_.codec));
    if (!codec->uses_dictionary()) {
      best_.dictionary = 0;
      return {};
    }
    if (options_.dictionary_bytes) {
      CAVEAT_TRY(train(best_.dictionary));
      return {};
    }
    // A dictionary has at most a quarter of its samples: of sizes beyond that one will do.
    std::uint64_t available = 0;
    for (const auto& frame : sample_.frames) available += frame.size();
    std::vector<std::uint32_t> sizes(kDictionaries.begin(), kDictionaries.end());
    if (moment_ == Moment::fold)
      sizes.assign(kDictionariesOfFold.begin(), kDictionariesOfFold.end());
    while (sizes.size() > 1 && sizes[1] >= available / 4 && sizes[1] != 0) {
      sizes.erase(sizes.begin());
    }
    while (sizes.front() != 0) {
      CAVEAT_ASSIGN(const bool trained, train(sizes.front()));
      if (trained) break;
      sizes.erase(sizes.begin(), sizes.end() - 1);
    }
    return descend(Tuned::dictionary, sizes,
                   [](Candidate& c, std::uint32_t value) { c.dictionary = value; });
  }

  Result<void> choose_levels() {
    const auto set = [](Candidate& c, std::uint32_t value) { c.level = static_cast<int>(value); };
    const Candidate without = best_;
    if (!options_.compression_level) CAVEAT_TRY(descend(Tuned::level, kLevels, set));
    best_ = without;
    if (moment_ != Moment::optimize || options_.optimize_compression_level) return {};
    std::span<const std::uint32_t> levels(kOptimizeLevels);
    CAVEAT_ASSIGN(const std::uint64_t usual, measure_at(levels[1]));
    CAVEAT_ASSIGN(const std::uint64_t less, measure_at(levels[2]));
    bool highest = less * 1000 > usual * (1000 + kGainOfHighest);
    if (highest) {
      CAVEAT_ASSIGN(const std::uint64_t most, measure_at(levels[0]));
      highest = usual * 1000 > most * (1000 + kGainOfHighest);
    }
    return descend(Tuned::optimize_level, highest ? levels : levels.subspan(1), set);
  }

  Result<std::uint64_t> measure_at(std::uint32_t level) {
    Candidate candidate = best_;
    candidate.level = static_cast<int>(level);
    return measure(candidate);
  }

  [[nodiscard]] std::uint64_t allowed(Tuned tuned, std::uint32_t value) const {
    const std::uint64_t tolerance = tolerance_of(tuned);
    if (tuned != Tuned::partition || sample_.partition_records == 0) return tolerance;
    return value < sample_.partition_records ? tolerance - kStay : tolerance + kStay;
  }

  // Takes cheaper candidates as long as they are nearly as small as the smallest so far.
  template <class Set>
  Result<void> descend(Tuned tuned, std::span<const std::uint32_t> values, const Set& set) {
    Choice& choice = tuning_.of(tuned);
    std::uint64_t smallest = ~std::uint64_t{0};
    Candidate taken = best_;
    for (const std::uint32_t value : values) {
      Candidate candidate = best_;
      set(candidate, value);
      CAVEAT_ASSIGN(const std::uint64_t millibytes, measure(candidate));
      choice.trials.push_back({value, static_cast<std::uint32_t>(millibytes)});
      smallest = std::min(smallest, millibytes);
      if (millibytes * 1000 > smallest * (1000 + allowed(tuned, value))) break;
      choice.chosen = value;
      taken = candidate;
    }
    best_ = taken;
    return {};
  }

  // True where one is worth having.
  Result<bool> train(std::uint32_t bytes) {
    auto& dictionary = dictionaries_[bytes];
    if (dictionary || bytes == 0) return dictionary != nullptr;
    auto trained = train_dictionary(sample_.frames, bytes, dictionary_id_, best_.level);
    if (!trained && trained.error().code() != ErrorCode::not_found) return fail(trained.error());
    if (trained) dictionary = make_dictionary(trained->id, std::move(trained->bytes));
    return dictionary != nullptr;
  }

  [[nodiscard]] const CompressionDictionary* dictionary_of(const Candidate& candidate) {
    const auto found = dictionaries_.find(candidate.dictionary);
    const auto codec = codecs_of(candidate.level)->find(candidate.codec);
    return found != dictionaries_.end() && codec && (*codec)->uses_dictionary()
               ? found->second.get()
               : nullptr;
  }

  const CodecRegistry* codecs_of(int level) {
    auto& registry = registries_[level];
    if (!registry) registry = std::make_unique<CodecRegistry>(codecs_at(options_, level));
    return registry.get();
  }

  // Thousandths of a byte a record, on disk.
  Result<std::uint64_t> measure(const Candidate& candidate) {
    const auto known = std::pair(std::tuple(candidate.codec, candidate.level, candidate.dictionary),
                                 std::pair(candidate.limits.rows_max, candidate.limits.bytes_max));
    const auto found = measured_.find(known);
    if (found != measured_.end()) return found->second;
    CAVEAT_ASSIGN(const std::uint64_t millibytes, measure_anew(candidate));
    measured_[known] = millibytes;
    return millibytes;
  }

  Result<std::uint64_t> measure_anew(const Candidate& candidate) {
    if (candidate.dictionary != 0) CAVEAT_TRY(train(candidate.dictionary));
    BlockContext context;
    context.codec_id = candidate.codec;
    CAVEAT_ASSIGN(context.codec, codecs_of(candidate.level)->find(candidate.codec));
    context.dictionary = dictionary_of(candidate);
    std::vector<Result<std::uint64_t>> bytes(sample_.stretches.size(), std::uint64_t{0});
    workers_.parallel_for(bytes.size(), [&](std::size_t i) {
      bytes[i] = stretch_bytes(sample_.stretches[i], context, candidate.limits);
    });
    std::uint64_t total = 0;
    for (const auto& one : bytes) {
      if (!one) return fail(one.error());
      total += *one;
    }
    std::uint64_t millibytes = total * 1000 / tuning_.sampled_rows;
    if (context.dictionary != nullptr) {
      millibytes += context.dictionary->bytes.size() * 1000 / std::max<std::uint64_t>(1, records_);
    }
    return millibytes;
  }

  Result<std::uint64_t> stretch_bytes(std::span<const BlockRow> rows, const BlockContext& context,
                                      const CutLimits& limits) const {
    std::uint64_t bytes = 0;
    std::uint64_t pairs = 0;
    std::size_t begin = 0;
    std::string block;
    HintBuilder builder(rules_);
    HintSet hints;
    const auto ends = cut_rows(rows, limits);
    for (const std::size_t end : ends) {
      block.clear();
      CAVEAT_TRY(encode_block(rows.subspan(begin, end - begin), context, block));
      std::size_t nodes = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const ExceptionView& view = rows[i].view;
        builder.add(rows[i].property_id, view.source, view.confidence, view.created_at);
        if (i == begin || rows[i - 1].view.key.node_id != view.key.node_id) ++nodes;
      }
      builder.finish(hints);
      for (const auto& terms : hints.terms) pairs += terms.size();
      bytes += block.size() + KeyFilter(end - begin + nodes).memory_bytes() + kEntryBytes;
      begin = end;
    }
    const std::size_t smaller = kPartitions[0] * ends.size() / rows.size();  // than 256 records
    const auto halvings = static_cast<std::uint64_t>(std::bit_width(smaller | 1U) - 1);
    return bytes + pairs * (kPairBits + kPairBitsOfHalving * halvings) / 8;
  }

  const TuningSample& sample_;
  const Options& options_;
  const std::uint32_t dictionary_id_;
  const TermRules rules_;
  WorkerPool& workers_;
  const Moment moment_;
  const std::uint64_t records_;
  Tuning tuning_;
  Candidate best_;
  std::map<std::pair<std::tuple<CodecId, int, std::uint32_t>, std::pair<std::size_t, std::size_t>>,
           std::uint64_t>
      measured_;
  std::map<int, std::unique_ptr<CodecRegistry>> registries_;
  std::map<std::uint32_t, std::shared_ptr<const CompressionDictionary>> dictionaries_;
};

}  // namespace

Result<Chosen> choose_layout(const TuningSample& sample, Moment moment, const Options& options,
                             std::uint32_t dictionary_id, unsigned temporal_shift,
                             WorkerPool& workers) {
  return Chooser(sample, moment, options, dictionary_id, temporal_shift, workers).choose();
}

}  // namespace caveat
