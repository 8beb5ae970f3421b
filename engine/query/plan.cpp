#include "engine/query/plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace caveat::detail {
namespace {

// A range of several terms names a partition several times; how often, nobody knows before reading
// it. It is looked up unless even this many names per partition would make it a scan.
constexpr std::uint64_t kNamesPerPartition = 4;
// Of a range of nodes: where it leaves so few partitions, indexes are not asked; and of an index,
// which knows nothing of the range, so many ids are read for each partition that could be spared.
constexpr std::uint64_t kFewPartitions = 8;
constexpr std::uint64_t kIdsPerPartition = 64;

constexpr const char* kDrives = "The fewest candidates: it drives.";
constexpr const char* kDamaged = "Damaged: not used until rebuild_indexes has made it anew.";

IndexKind kind_of(Family family) noexcept {
  return static_cast<IndexKind>(index_slot(family) + 1);
}

class Planner {
 public:
  Planner(const QueryContext& context, const ReadView& view, const Conditions& conditions)
      : context_(context),
        version_(*view.version),
        directory_(*view.version->directory),
        conditions_(conditions) {
    plan_.description.partitions_total = directory_.partition_count();
    plan_.description.delta_rows =
        conditions.impossible ? 0 : view.delta().estimate(conditions.delta_filter());
  }

  Result<Plan> make() {
    if (conditions_.impossible) {
      drive(IndexKind::primary, PositionSet(), "A range is empty: nothing can match.");
    } else if (directory_.empty()) {
      drive(IndexKind::primary, PositionSet(), "There are no partitions yet.");
    } else {
      CAVEAT_TRY(choose());
    }
    plan_.description.partitions_visited = plan_.positions.size();
    return std::move(plan_);
  }

 private:
  Result<void> choose() {
    collect_ranges();
    if (unknown_property_) {
      drive(IndexKind::property, PositionSet(),
            "The property is not in the catalogue: no partition holds it.");
      return {};
    }
    if (conditions_.node || conditions_.nodes) {
      stretch_ = PositionSet::between(directory_, conditions_.first_key(), conditions_.last_key());
    }
    if (conditions_.node || (stretch_ && stretch_->size() <= kFewPartitions)) {
      drive_by_stretch();
      const auto* why = conditions_.node ? "Not asked: the node leaves few partitions."
                                         : "Not asked: the nodes leave few partitions.";
      for (const auto& range : ranges_) note(range.family, 0, false, why);
      return {};
    }
    CAVEAT_ASSIGN(const bool narrowed, try_indexes());
    if (narrowed) return {};
    if (stretch_) {
      drive_by_stretch();
    } else {
      drive(IndexKind::primary, PositionSet::all(directory_), "Reads every partition, in order.");
    }
    return {};
  }

  void collect_ranges() {
    const auto& rules = context_.indexes.rules();
    if (conditions_.property) {
      const auto id = context_.catalogue.find(*conditions_.property);
      unknown_property_ = !id;
      if (id) {
        const auto term = TermRules::property(*id);
        add_range({Family::property, term, term});
      }
    }
    if (conditions_.source) {
      const auto term = TermRules::source(*conditions_.source);
      add_range({Family::source, term, term});
    }
    if (conditions_.confidence) {
      add_range({Family::confidence, TermRules::confidence(conditions_.confidence->min),
                 TermRules::confidence(conditions_.confidence->max)});
    }
    if (conditions_.time) {
      add_range({Family::temporal, rules.temporal(conditions_.time->start_ns),
                 rules.temporal(conditions_.time->end_ns)});
    }
  }

  void add_range(const caveat::TermRange& range) {
    if (version_.index_complete[static_cast<std::size_t>(range.family)]) {
      ranges_.push_back(range);
    } else {
      note(range.family, directory_.partition_count(), false,
           "Not complete now: it is being rebuilt or was damaged.");
    }
  }

  // True if the indexes leave few enough partitions; then `plan_` holds them.
  Result<bool> try_indexes() {
    if (ranges_.empty()) return false;
    const std::optional<CandidateKey> key = cache_key();
    if (key && use_cached(*key)) return true;
    const std::uint64_t total = directory_.partition_count();
    // What is read without an index.
    const std::uint64_t otherwise = stretch_ ? stretch_->size() : total;
    const std::uint64_t most = otherwise * kScanPercent / 100;
    const auto* snapshot = version_.backend_snapshot.get();

    std::vector<std::uint64_t> most_pairs;
    const std::uint64_t ids_max =
        stretch_ ? std::min(total * kScanPercent / 100, otherwise * kIdsPerPartition) : most;
    for (const auto& range : ranges_) {
      most_pairs.push_back(ids_max * (range.lo == range.hi ? 1 : kNamesPerPartition));
    }
    CAVEAT_ASSIGN(auto found, context_.indexes.candidates(ranges_, {}, snapshot, most_pairs));
    std::size_t used = 0;
    for (const auto& step : found.steps) {
      used += step.used ? 1U : 0U;
      if (step.damage) context_.reader.index_damaged(version_, step.range.family, *step.damage);
    }
    if (used == 0) {
      for (const auto& step : found.steps) {
        note(step.range.family, step.damage ? total : std::min(step.estimate.pairs, total), false,
             step.damage ? kDamaged
                         : "Would leave most partitions: reading all in order is cheaper.");
      }
      return false;
    }
    std::uint64_t leaves = found.partitions.size();
    if (stretch_) {
      plan_.positions =
          positions_of(context_, version_, found.partitions, plan_.gone).within(*stretch_);
      leaves = plan_.positions.size();
    }
    const bool narrow = leaves <= most;
    bool first = true;
    for (const auto& step : found.steps) {
      const auto visits = step.damage              ? total
                          : step.used && used == 1 ? leaves
                                                   : std::min(step.estimate.pairs, total);
      note(step.range.family, visits, step.used && narrow, reason(step, narrow, first));
      first = first && !step.used;
    }
    if (!narrow) return false;

    if (!stretch_) {
      plan_.positions = positions_of(context_, version_, found.partitions, plan_.gone);
      if (key) context_.candidates.keep(*key, {plan_.positions, plan_.gone});
    }
    drive_by(std::find_if(found.steps.begin(), found.steps.end(), [](const auto& step) {
               return step.used;
             })->range.family);
    return true;
  }

  // After the conditions' notes.
  void drive_by(Family family) {
    plan_.description.index = kind_of(family);
    if (stretch_) {
      note_primary(stretch_->size(), true, "The records of the nodes lie together.");
      return;
    }
    const bool alone = ranges_.size() == 1 && plan_.description.candidates.size() == 1;
    if (alone) plan_.sole_index = index_slot(family);
    note_primary(directory_.partition_count(), false, "Would read every partition.");
  }

  // Of a query whose candidates one term of one index gives.
  [[nodiscard]] std::optional<CandidateKey> cache_key() const {
    if (ranges_.size() != 1 || ranges_.front().lo != ranges_.front().hi) return std::nullopt;
    return CandidateKey{version_.places, ranges_.front().family, ranges_.front().lo};
  }
  bool use_cached(const CandidateKey& key) {
    const auto known = context_.candidates.find(key);
    if (known == nullptr) return false;
    plan_.positions = stretch_ ? known->positions.within(*stretch_) : known->positions;
    plan_.gone = known->gone;
    note(key.family, plan_.positions.size() + (stretch_ ? 0 : known->gone), true, kDrives);
    drive_by(key.family);
    return true;
  }

  static const char* reason(const IndexCandidates::Step& step, bool narrow, bool first) {
    if (step.damage) return kDamaged;
    if (!narrow) return "Leaves most partitions: reading all in order is cheaper.";
    if (!step.used) return "Would not narrow enough to pay for reading it.";
    return first ? kDrives : "Narrows the candidates further.";
  }

  void drive_by_stretch() {
    drive(IndexKind::primary, *stretch_,
          conditions_.node ? "The records of a node lie together."
                           : "The records of the nodes lie together.");
  }
  void drive(IndexKind index, PositionSet positions, const char* why) {
    plan_.description.index = index;
    const auto visits = positions.size();
    plan_.positions = std::move(positions);
    auto& candidates = plan_.description.candidates;
    candidates.insert(candidates.begin(), {index, visits, true, why});
  }
  void note_primary(std::uint64_t visits, bool used, const char* why) {
    plan_.description.candidates.push_back({IndexKind::primary, visits, used, why});
  }
  void note(Family family, std::uint64_t visits, bool used, const char* why) {
    plan_.description.candidates.push_back({kind_of(family), visits, used, why});
  }

  const QueryContext& context_;
  const Version& version_;
  const Directory& directory_;
  const Conditions& conditions_;
  std::vector<caveat::TermRange> ranges_;  // of complete families
  bool unknown_property_ = false;
  std::optional<PositionSet> stretch_;  // that a node or a range of them leaves
  Plan plan_;
};

}  // namespace

PositionSet positions_of(const QueryContext& context, const Version& version,
                         const std::vector<PartitionId>& ids, std::uint64_t& gone) {
  std::vector<Directory::Position> positions;
  positions.reserve(ids.size());
  for (const PartitionId id : ids) {
    if (const auto position = context.reader.find_partition(version, id)) {
      positions.push_back(*position);
    } else {
      ++gone;
    }
  }
  std::sort(positions.begin(), positions.end(), [](const auto& a, const auto& b) {
    return a.group != b.group ? a.group < b.group : a.index < b.index;
  });
  return PositionSet::of(*version.directory, std::move(positions));
}

Result<Plan> make_plan(const QueryContext& context, const ReadView& view,
                       const Conditions& conditions) {
  return Planner(context, view, conditions).make();
}

}  // namespace caveat::detail
