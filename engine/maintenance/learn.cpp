// What a store finds out about its records: a dictionary, and the layout of its blocks.
//
// Both come from one sample, with the first large fold and with each optimize. A fold knows its own
// rows alone, so it chooses a layout only while these are at least as many as all that is stored.
#include <algorithm>

#include "engine/maintenance/mutator.h"
#include "engine/model/row.h"
#include "engine/tuning/tuning_page.h"

namespace caveat {

namespace {

constexpr std::size_t kSamplePartitions = 512;
// A stretch ends after so many partitions, however few of their records it could take.
constexpr std::size_t kPartitionsOfStretch = 16;
constexpr std::uint64_t kGrowth = 4;  // so many times the records are worth another look

std::uint64_t records_of(const Directory& directory) {
  std::uint64_t records = 0;
  for (const auto& group : directory.groups()) {
    for (const auto& entry : group->entries) records += entry.rows;
  }
  return records;
}

// At most a quarter of the records are measured: the rest is to learn from.
std::size_t stretches_of(std::uint64_t records, std::uint64_t most) {
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(records / 4 / kStretchRows, 1, most));
}

// No more than memory has room for at their full length: shorter ones would be worse samples.
std::uint64_t stretches_of_store(std::uint64_t records, std::size_t sample_bytes) {
  const std::uint64_t most =
      std::clamp<std::uint64_t>(sample_bytes / kStretchBytes, kStretches, kStretchesOfLarge);
  return std::clamp<std::uint64_t>(records / kRecordsOfStretch, kStretches, most);
}

// One run of neighbours, up to its limits. Records that are larger than these lie alone, whatever
// is chosen, and are left out.
class Stretch {
 public:
  explicit Stretch(std::size_t bytes_max) : bytes_max_(std::min(bytes_max, kStretchBytes)) {}
  [[nodiscard]] bool full() const noexcept {
    return rows_.size() >= kStretchRows || bytes_ >= bytes_max_;
  }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  // False: it is left out.
  bool add(const BlockRow& row) {
    const std::size_t bytes = plain_row_bytes(row.view);
    if (bytes > bytes_max_) return false;
    bytes_ += bytes;
    rows_.push_back(row);
    return true;
  }
  // In block order; empty from then on.
  [[nodiscard]] std::vector<BlockRow> take() {
    std::sort(rows_.begin(), rows_.end(), [](const BlockRow& a, const BlockRow& b) {
      return std::pair(a.view.key.node_id, a.property_id) <
             std::pair(b.view.key.node_id, b.property_id);
    });
    bytes_ = 0;
    return std::exchange(rows_, {});
  }

 private:
  const std::size_t bytes_max_;
  std::vector<BlockRow> rows_;
  std::size_t bytes_ = 0;
};

}  // namespace

// Beside the catalogue, which gives ids. What is measured is spread over the whole fold. A
// dictionary is trained on the window, which is at hand.
Result<void> Mutator::learn_from_fold(const Directory& directory,
                                      std::span<const FoldTarget> window,
                                      std::span<const DeltaRow* const> rows) {
  std::size_t window_rows = 0;
  for (const auto& target : window) window_rows += target.rows.size();
  if (window_rows < kTuningRecordsMin || core_.dictionaries.current()) return {};
  const auto in_force = core_.tuning.now();
  if (in_force->tuning && core_.options.dictionary_bytes == 0) return {};
  const std::uint64_t stored = records_of(directory);
  const std::uint64_t records = stored + rows.size();
  const std::uint64_t before = in_force->tuning ? in_force->tuning->records : 0;
  if (records < std::max(before, records_at_last_lesson_) * kGrowth) return {};
  const bool choosing = rows.size() >= stored;
  if (!choosing && in_force->layout.dictionary_bytes == 0) return {};

  TuningSample sample;
  sample.records = records;
  const std::size_t stretches = choosing ? stretches_of(rows.size(), kStretches) : 0;
  const auto begin_of = [&](std::size_t k) {
    return rows.size() * k / stretches + (rows.size() / stretches - kStretchRows) / 2;
  };
  // Ids are being given at the same time: these are of the sample alone, by which it is ordered.
  std::vector<PropertyHash> ids;
  for (std::size_t k = 0; k < stretches; ++k) {
    for (const DeltaRow* row : rows.subspan(begin_of(k), kStretchRows)) {
      ids.push_back(row->key.property_hash);
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const auto id_of = [&](const DeltaRow* row) {
    const auto found = std::lower_bound(ids.begin(), ids.end(), row->key.property_hash);
    return static_cast<std::uint32_t>(found - ids.begin());
  };
  for (std::size_t k = 0; k < stretches; ++k) {
    Stretch stretch(core_.memory.sample_bytes / kStretches);
    for (std::size_t i = begin_of(k); !stretch.full() && i < begin_of(k) + kStretchRows; ++i) {
      if (rows[i]->kind == RowKind::store) stretch.add({rows[i]->view(), id_of(rows[i])});
    }
    if (!stretch.empty()) sample.stretches.push_back(stretch.take());
  }
  const auto measured = [&](std::size_t from, std::size_t to) {
    for (std::size_t k = 0; k < stretches; ++k) {
      if (from < begin_of(k) + kStretchRows && to > begin_of(k)) return true;
    }
    return false;
  };
  std::size_t sampled_bytes = 0;
  for (const auto& target : window) {
    // Stretches of neighbours, as a block holds them, spread over the window.
    constexpr std::size_t kFrameRows = 128;
    const std::size_t step = std::max<std::size_t>(kFrameRows, window_rows / 128);
    const auto at = static_cast<std::size_t>(target.rows.data() - rows.data());
    for (std::size_t i = 0; i + kFrameRows <= target.rows.size(); i += step) {
      if (measured(at + i, at + i + kFrameRows)) continue;
      std::vector<BlockRow> block;
      for (std::size_t k = i; k < i + kFrameRows; ++k) {
        if (target.rows[k]->kind == RowKind::store) block.push_back({target.rows[k]->view(), 0});
      }
      if (block.empty() || sampled_bytes > core_.memory.sample_bytes / 2) continue;
      const std::size_t before_these = sample.frames.size();
      collect_dictionary_samples(block, sample.frames);
      for (std::size_t k = before_these; k < sample.frames.size(); ++k) {
        sampled_bytes += sample.frames[k].size();
      }
    }
  }
  CAVEAT_ASSIGN(const bool trained,
                choosing ? choose_from(sample, Moment::fold)
                         : train_dictionary_from(sample.frames, in_force->layout.level));
  static_cast<void>(trained);
  records_at_last_lesson_ = records;
  return {};
}

Result<bool> Mutator::learn_from_store() {
  const auto version = core_.versions.current();
  if (!version) return closed_error();
  const std::uint64_t records = records_of(*version->directory);
  const bool choosing = records >= kTuningRecordsMin;
  const auto in_force = core_.tuning.now();
  if (!choosing && in_force->layout.dictionary_bytes == 0) return false;
  std::vector<std::shared_ptr<const PartitionImage>> keep;
  CAVEAT_ASSIGN(auto sample, sample_store(*version->directory, choosing, keep));
  sample.records = records;
  if (in_force->tuning) {
    sample.partition_records = in_force->tuning->of(Tuned::partition).chosen.value_or(0);
  }
  return choosing ? choose_from(sample, Moment::optimize)
                  : train_dictionary_from(sample.frames, in_force->layout.optimize_level);
}

Result<TuningSample> Mutator::sample_store(
    const Directory& directory, bool choosing,
    std::vector<std::shared_ptr<const PartitionImage>>& keep) const {
  TuningSample sample;
  const std::size_t count = directory.partition_count();
  const std::size_t step = std::max<std::size_t>(1, count / kSamplePartitions);
  const std::uint64_t records = records_of(directory);
  const std::size_t stretches =
      choosing
          ? std::min(count,
                     stretches_of(records, stretches_of_store(records, core_.memory.sample_bytes)))
          : 0;
  std::size_t bytes = 0;
  std::size_t at = 0;
  std::size_t begun = 0;  // stretches
  bool open = false;      // one of them wants more
  std::size_t visited = 0;
  Stretch stretch(core_.memory.sample_bytes / std::max<std::size_t>(stretches, 1));
  std::string container;
  const auto end_stretch = [&] {
    if (!stretch.empty()) sample.stretches.push_back(stretch.take());
    open = false;
  };
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p), ++at) {
    if (begun < stretches && at >= count * begun / stretches + count / stretches / 2) {
      end_stretch();
      open = true;
      visited = 0;
      ++begun;
    }
    const bool learning = at % step == 0 && bytes <= core_.memory.sample_bytes;
    if (!open && !learning) continue;
    const ExceptionKey& lower = directory.at(p).lower;
    const auto found = core_.backend->get(Family::primary, encode_key(lower), nullptr, container);
    if (!found && found.error().code() != ErrorCode::corruption) return fail(found.error());
    if (!found || !*found) continue;
    auto image = PartitionImage::open(container, lower, directory.upper_bound(p),
                                      core_.dictionaries, core_.catalogue);
    if (!image || !(*image)->base() || !(*image)->load(kAllColumns)) continue;
    const DecodedBlock& base = *(*image)->base();
    std::uint32_t row = 0;
    bool taken = false;
    const bool last = open && ++visited == kPartitionsOfStretch;
    for (; open && row < base.row_count(); ++row) {
      taken = stretch.add({base.view(row), base.property_id(row)}) || taken;
      if (stretch.full()) end_stretch();
    }
    if (last && open) end_stretch();
    if (taken) keep.push_back(*image);
    std::vector<BlockRow> rest;
    for (; learning && row < base.row_count(); ++row) {
      rest.push_back({base.view(row), base.property_id(row)});
    }
    if (rest.empty()) continue;
    const std::size_t before = sample.frames.size();
    collect_dictionary_samples(rest, sample.frames);
    for (std::size_t k = before; k < sample.frames.size(); ++k) bytes += sample.frames[k].size();
  }
  end_stretch();
  return sample;
}

Result<bool> Mutator::choose_from(const TuningSample& sample, Moment moment) {
  auto measured = choose_layout(sample, moment, core_.options, core_.dictionaries.next_id(),
                                core_.indexes->rules().temporal_shift, core_.workers);
  if (!measured) {
    // A codec of the host's refused: what it does not refuse is written with what is in force.
    const Layout layout = core_.tuning.now()->layout;
    if (layout.dictionary_bytes == 0) return false;
    return train_dictionary_from(sample.frames,
                                 moment == Moment::fold ? layout.level : layout.optimize_level);
  }
  Chosen& chosen = *measured;
  const bool trained = chosen.dictionary.has_value();
  if (trained) CAVEAT_TRY(core_.dictionaries.add(std::move(*chosen.dictionary), *core_.backend));
  const auto& choices = chosen.tuning.choices;
  if (std::all_of(choices.begin(), choices.end(),
                  [](const Choice& choice) { return choice.trials.empty(); })) {
    return trained;  // all of it is the host's
  }
  std::string page;
  encode_tuning(chosen.tuning, page);
  KvBatch batch;
  batch.put(Family::meta, kTuningKey, page);
  CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
  core_.tuning.set(std::move(chosen.tuning));
  const Layout layout = core_.tuning.now()->layout;
  core_.log.send(Severity::info, "maintenance", "layout_chosen",
                 "the store has chosen the layout of its blocks",
                 {{"codec", std::uint64_t{layout.codec}},
                  {"partition_records", std::uint64_t{layout.partition_records}},
                  {"dictionary_bytes", std::uint64_t{layout.dictionary_bytes}}});
  return trained;
}

Result<bool> Mutator::train_dictionary_from(std::span<const std::string> samples, int level) {
  const std::size_t bytes = core_.tuning.now()->layout.dictionary_bytes;
  auto trained = train_dictionary(samples, bytes, core_.dictionaries.next_id(), level);
  if (!trained) {
    // Too little to learn from, or nothing gained: not an error.
    if (trained.error().code() == ErrorCode::not_found) return false;
    return fail(trained.error());
  }
  CAVEAT_TRY(core_.dictionaries.add(std::move(*trained), *core_.backend));
  return true;
}

}  // namespace caveat
