#include "tools/cli/salvage.h"

#include <unordered_set>
#include <utility>

namespace caveat::cli {
namespace {

constexpr std::size_t kBatchRecords = 8192;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

class Copier {
 public:
  Copier(const StorageOptimizer& from, StorageOptimizer& to) : from_(from), to_(to) {}

  Result<void> add(const ExceptionView& record) {
    records_.push_back(record.to_record());
    bytes_ += record.reason.size() + record.inherited_value.payload().size() +
              record.actual_value.payload().size();
    return records_.size() < kBatchRecords && bytes_ < kBatchBytes ? Result<void>() : hand_over();
  }

  Result<void> hand_over() {
    for (const auto& record : records_) {
      const PropertyHash property = record.key.property_hash;
      if (!known_.insert(property).second) continue;
      if (const auto name = from_.property_name(property)) {
        CAVEAT_ASSIGN(const auto registered, to_.register_property(*name));
        static_cast<void>(registered);
      }
    }
    CAVEAT_ASSIGN(const auto stored, to_.bulk_store(records_));
    written_ += stored;
    records_.clear();
    bytes_ = 0;
    return {};
  }

  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
  [[nodiscard]] bool at_begin() const noexcept { return records_.empty(); }

 private:
  const StorageOptimizer& from_;
  StorageOptimizer& to_;
  std::vector<ExceptionRecord> records_;
  std::size_t bytes_ = 0;
  std::unordered_set<PropertyHash> known_;
  std::uint64_t written_ = 0;
};

}  // namespace

Result<Salvage> salvage(const StorageOptimizer& from, StorageOptimizer& to,
                        const std::function<bool(std::uint64_t)>& on_progress) {
  Salvage result;
  Copier copier(from, to);
  CAVEAT_ASSIGN(auto cursor, from.query({}));
  std::optional<ExceptionKey> last;
  bool in_gap = false;  // the last one, behind which nothing was read yet
  for (;;) {
    const auto record = cursor.next();
    if (!record) {
      if (!cursor.skip_damage()) return fail(record.error());
      if (!std::exchange(in_gap, true)) result.gaps.push_back({{}, last, std::nullopt});
      result.gaps.back().reasons.push_back(record.error().message());
      continue;
    }
    if (*record == nullptr) break;
    last = (*record)->key;
    if (std::exchange(in_gap, false)) result.gaps.back().behind = last;
    CAVEAT_TRY(copier.add(**record));
    if (copier.at_begin() && !on_progress(copier.written())) {
      result.stopped = true;
      break;
    }
  }
  CAVEAT_TRY(copier.hand_over());
  result.records = copier.written();
  return result;
}

}  // namespace caveat::cli
