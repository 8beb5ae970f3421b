#include "tools/cli/report/census.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "engine/model/row.h"

namespace caveat::cli {
namespace {

// The sample: stretches of neighbouring partitions, as what is compressed together counts.
constexpr std::size_t kStretch = 4;
constexpr std::size_t kStretches = 32;
constexpr std::uint64_t kSampleBytesMax = std::uint64_t{32} << 20;

class CensusTaker {
 public:
  explicit CensusTaker(std::span<const PartitionInfo> partitions) : partitions_(partitions) {
    properties_.reserve(1024);
  }

  void add(const ExceptionView& record);
  void add_damage(const StorageError& error) { census_.damage.push_back(error.message()); }
  [[nodiscard]] Census finish();

 private:
  void enter_partition();
  void leave_partition();

  std::span<const PartitionInfo> partitions_;
  std::size_t at_ = 0;  // the partition that the records are in
  bool sampling_ = false;
  std::uint64_t sample_bytes_ = 0;  // plain
  std::unordered_map<PropertyHash, PropertyShare> properties_;
  // Of this partition: whose bytes, and how many.
  std::vector<std::pair<PropertyShare*, std::uint64_t>> here_;
  std::uint64_t here_bytes_ = 0;
  NodeId last_node_ = 0;
  Census census_;
};

// With the first record in it.
void CensusTaker::enter_partition() {
  const std::size_t step = std::max<std::size_t>(kStretch, partitions_.size() / kStretches);
  sampling_ = at_ < partitions_.size() && at_ % step < kStretch && sample_bytes_ < kSampleBytesMax;
  if (sampling_) census_.sample_stored_bytes += partitions_[at_].bytes;
}

void CensusTaker::leave_partition() {
  if (at_ < partitions_.size()) {
    const auto bytes = static_cast<double>(partitions_[at_].bytes);
    for (const auto& [share, plain] : here_) {
      share->stored_bytes += bytes * static_cast<double>(plain) / static_cast<double>(here_bytes_);
    }
  }
  here_.clear();
  here_bytes_ = 0;
}

void CensusTaker::add(const ExceptionView& record) {
  while (at_ + 1 < partitions_.size() && partitions_[at_ + 1].lower <= record.key) {
    leave_partition();
    ++at_;
  }
  if (here_.empty()) enter_partition();
  const std::uint64_t plain = plain_row_bytes(record);
  PropertyShare& share = properties_[record.key.property_hash];
  share.hash = record.key.property_hash;
  ++share.records;
  share.plain_bytes += plain;
  here_.emplace_back(&share, plain);
  here_bytes_ += plain;
  if (sampling_) {
    census_.sample.push_back(record.to_record());
    sample_bytes_ += plain;
  }

  if (census_.records == 0 || record.key.node_id != last_node_) ++census_.nodes;
  last_node_ = record.key.node_id;
  ++census_.records;
  census_.plain_bytes += plain;
  ++census_.by_source[static_cast<std::size_t>(record.source)];
  ++census_.by_kind[static_cast<std::size_t>(record.actual_value.kind())];
  const auto bucket =
      static_cast<std::size_t>(record.confidence * static_cast<float>(Census::kConfidenceBuckets));
  ++census_.by_confidence[std::min(bucket, Census::kConfidenceBuckets - 1)];
  census_.by_time.add(record.created_at);
}

Census CensusTaker::finish() {
  leave_partition();
  census_.properties.reserve(properties_.size());
  for (const auto& [hash, share] : properties_) census_.properties.push_back(share);
  std::sort(census_.properties.begin(), census_.properties.end(),
            [](const PropertyShare& a, const PropertyShare& b) {
              return a.records != b.records ? a.records > b.records : a.hash < b.hash;
            });
  return std::move(census_);
}

}  // namespace

Result<Census> take_census(const StorageOptimizer& store, std::span<const PartitionInfo> partitions,
                           ProgressSink& progress) {
  const std::uint64_t total = store.estimate_storage_statistics().total_exceptions;
  CAVEAT_ASSIGN(auto cursor, store.query({}));
  CensusTaker taker(partitions);
  constexpr std::uint64_t kRecordsPerReport = 8192;
  for (std::uint64_t done = 0;; ++done) {
    const auto read = cursor.next();
    if (!read) {
      if (read.error().code() != ErrorCode::corruption || !cursor.skip_damage()) {
        return fail(read.error());
      }
      taker.add_damage(read.error());
      continue;
    }
    const ExceptionView* const record = *read;
    if (record == nullptr) return taker.finish();
    taker.add(*record);
    if (done % kRecordsPerReport == 0 && !progress.on_progress({"count records", done, total})) {
      return fail(ErrorCode::cancelled, "");
    }
  }
}

}  // namespace caveat::cli
