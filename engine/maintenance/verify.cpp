#include "engine/maintenance/verify.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/partition/container.h"

namespace caveat {

namespace {

constexpr std::size_t kErrorsMax = 1000;
constexpr std::size_t kPartitionsPerWindow = 8192;

using Pairs = std::array<std::vector<PostingPair>, kIndexCount>;

class Verifier {
 public:
  Verifier(const Core& core, const ReadView& view, ProgressSink* progress)
      : core_(core), version_(*view.version), progress_(progress) {}

  Result<VerificationResults> run() {
    const Directory& directory = *version_.directory;
    results_.partitions = directory.partition_count();
    // A window of partitions at a time bounds the memory for their hints.
    auto position = directory.begin();
    do {
      Pairs required;
      std::vector<PartitionId> window;
      while (position != directory.end() && window.size() < kPartitionsPerWindow) {
        if (!go_on("verify primary", done_, results_.partitions)) return cancelled();
        check_partition(position, required);
        window.push_back(directory.at(position).id);
        position = directory.next(position);
        ++done_;
      }
      std::sort(window.begin(), window.end());
      if (window.empty() && done_ != 0) break;
      for (std::size_t i = 0; i < kIndexCount; ++i) {
        if (!go_on("verify indexes", done_, results_.partitions)) return cancelled();
        if (!version_.index_complete[static_cast<std::size_t>(kIndexFamilies[i])]) continue;
        CAVEAT_TRY(check_index(i, window, required[i], position == directory.end()));
      }
    } while (position != directory.end());
    return std::move(results_);
  }

 private:
  bool go_on(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    return progress_ == nullptr || done % 64 != 0 || progress_->on_progress({stage, done, total});
  }
  static tl::unexpected<StorageError> cancelled() {
    return fail(ErrorCode::cancelled, "verify: stopped by its caller");
  }
  void error(std::string text) {
    if (results_.errors.size() < kErrorsMax) results_.errors.push_back(std::move(text));
  }

  void check_partition(Directory::Position position, Pairs& required) {
    const Directory& directory = *version_.directory;
    const PartitionEntry& entry = directory.at(position);
    const std::string where = "primary " + describe_key(entry.lower);
    std::string container;
    auto found = core_.backend->get(Family::primary, encode_key(entry.lower),
                                    version_.backend_snapshot.get(), container);
    if (!found) return error(where + ": " + found.error().message());
    if (!*found) return error(where + ": the container is missing");
    auto summary = summarise_container(container);
    if (!summary) return error(where + ": " + summary.error().message());
    if (summary->id != entry.id) return error(where + ": the container has another partition id");
    if (summary->rows != entry.rows) error(where + ": the directory has another row count");
    auto image =
        PartitionImage::open(std::move(container), entry.lower, directory.upper_bound(position),
                             core_.dictionaries, core_.catalogue);
    if (!image) return error(where + ": " + image.error().message());
    if (auto loaded = (*image)->load(kAllColumns); !loaded) {
      return error(where + ": " + loaded.error().message());
    }
    auto rows = (*image)->rows(*version_.clears);
    if (!rows) return error(where + ": " + rows.error().message());
    builder_.reset();
    std::optional<ExceptionKey> last;
    for (const auto row : *rows) {
      ExceptionView view;
      if (auto read = (*image)->materialise(row, view); !read) {
        return error(where + ": " + read.error().message());
      }
      if (last && !(*last < view.key)) return error(where + ": records out of order");
      last = view.key;
      if (entry.filter && !(entry.filter->may_contain(filter_hash(view.key)) &&
                            entry.filter->may_contain(filter_hash(view.key.node_id)))) {
        error(where + ": the key filter denies " + describe_key(view.key));
      }
      if (auto valid = validate(view.to_exception()); !valid) {
        error(where + ": " + describe_key(view.key) + ": " + valid.error().message());
      }
      builder_.add(*core_.catalogue.find(view.key.property_hash), view.source, view.confidence,
                   view.created_at);
      ++results_.records;
    }
    builder_.finish(hints_);
    for (std::size_t i = 0; i < kIndexCount; ++i) {
      for (const auto term : hints_.terms[i]) required[i].push_back({term, entry.id});
    }
  }

  // Hints of the window's partitions: none may be missing; others than the required are stale.
  // Hints of partitions that are gone are counted in the last window.
  Result<void> check_index(std::size_t index, const std::vector<PartitionId>& window,
                           std::vector<PostingPair>& required, bool last_window) {
    std::sort(required.begin(), required.end());
    const std::string family(to_string(kIndexFamilies[index]));
    auto next = required.begin();
    const auto missing = [&](const PostingPair& pair) {
      ++results_.missing_hints;
      error(fmt::format("{}: no hint for term {:#x} in partition {}", family, pair.term,
                        pair.partition));
    };
    CAVEAT_TRY(core_.indexes->for_each_pair(
        kIndexFamilies[index], version_.backend_snapshot.get(),
        [&](const PostingPair& pair) {
          const bool mine = std::binary_search(window.begin(), window.end(), pair.partition);
          if (!mine) {
            if (last_window && !live(pair.partition)) {
              ++results_.stale_hints;
              ++results_.index_pairs;
            }
            return true;
          }
          ++results_.index_pairs;
          while (next != required.end() && *next < pair) missing(*next++);
          if (next != required.end() && *next == pair) {
            ++next;
          } else {
            ++results_.stale_hints;
          }
          return true;
        },
        [&](const StorageError& damage) { error(damage.message()); }));
    for (; next != required.end(); ++next) missing(*next);
    return {};
  }

  [[nodiscard]] bool live(PartitionId id) const {
    const auto lower = core_.partition_ids.find(id);
    if (!lower || version_.directory->empty()) return false;
    return version_.directory->at(version_.directory->locate(*lower)).id == id;
  }

  const Core& core_;
  const Version& version_;
  ProgressSink* progress_;
  VerificationResults results_;
  std::uint64_t done_ = 0;
  HintBuilder builder_{core_.indexes->rules()};
  HintSet hints_;
};

}  // namespace

Result<VerificationResults> verify_store(const Core& core, const ReadView& view,
                                         ProgressSink* progress) {
  return Verifier(core, view, progress).run();
}

}  // namespace caveat
