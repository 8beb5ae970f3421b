#include "engine/maintenance/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/delta/delta_record.h"
#include "engine/maintenance/index_marks.h"
#include "engine/maintenance/partition_hints.h"
#include "engine/partition/container.h"
#include "engine/store/directory_page.h"
#include "engine/store/set_aside.h"
#include "engine/store/stored_pages.h"

namespace caveat {

namespace {

constexpr std::size_t kPartitionsPerWindow = 8192;
constexpr std::size_t kPartitionsPerReport = 64;

using Pairs = std::array<std::vector<PostingPair>, kIndexCount>;

class Verifier {
 public:
  Verifier(Core& core, const ReadView& view, ProgressSink* progress)
      : core_(core), version_(*view.version), delta_(view.delta()), progress_(progress) {}

  Result<VerificationResults> run() {
    const Directory& directory = *version_.directory;
    results_.partitions = directory.partition_count();
    if (core_.read_only) error(core_.read_only->message());
    for (std::size_t i = 0; i < kIndexCount; ++i) {
      readable_[i] = version_.index_complete[static_cast<std::size_t>(kIndexFamilies[i])];
      if (!readable_[i]) {
        results_.incomplete_indexes.emplace_back(to_string(kIndexFamilies[i]));
      }
    }
    // A window of partitions at a time bounds the memory for their hints.
    auto position = directory.begin();
    do {
      Pairs required;
      std::vector<PartitionId> window;
      while (position != directory.end() && window.size() < kPartitionsPerWindow) {
        if (done_ % kPartitionsPerReport == 0 &&
            !report("verify primary", done_, results_.partitions)) {
          return cancelled();
        }
        check_partition(position, required);
        window.push_back(directory.at(position).id);
        position = directory.next(position);
        ++done_;
      }
      std::sort(window.begin(), window.end());
      for (std::size_t i = 0; i < kIndexCount; ++i) {
        if (!report("verify indexes", done_, results_.partitions)) return cancelled();
        if (readable_[i]) check_index(i, window, required[i], position == directory.end());
      }
    } while (position != directory.end());
    if (!report("verify recent writes", 0, 0)) return cancelled();
    check_delta();
    check_log();
    check_pages();
    return std::move(results_);
  }

 private:
  // False: to be stopped.
  bool report(std::string_view stage, std::uint64_t done, std::uint64_t total) {
    return progress_ == nullptr || progress_->on_progress({stage, done, total});
  }
  static tl::unexpected<StorageError> cancelled() {
    return fail(ErrorCode::cancelled, "verify: stopped by its caller");
  }
  void error(std::string text) {
    ++results_.error_count;
    if (results_.errors.size() < VerificationResults::kErrorsMax) {
      results_.errors.push_back(std::move(text));
    }
  }

  void check_partition(Directory::Position position, Pairs& required) {
    const Directory& directory = *version_.directory;
    const PartitionEntry& entry = directory.at(position);
    const std::string where = "primary " + describe_key(entry.lower);
    std::string container;
    auto found = core_.backend->get(Family::primary, encode_key(entry.lower),
                                    version_.backend_snapshot.get(), container);
    if (!found) return error(where + ": " + found.error().message());
    if (!*found) return error(core_.missing_container(entry.lower).message());
    auto summary = summarise_container(container);
    if (!summary) return error(where + ": " + summary.error().message());
    if (summary->id != entry.id) return error(where + ": the container has another partition id");
    auto image =
        PartitionImage::open(std::move(container), entry.lower, directory.upper_bound(position),
                             core_.dictionaries, core_.catalogue);
    if (!image) return error(where + ": " + image.error().message());
    if (auto loaded = (*image)->load(kAllColumns); !loaded) {
      return error(where + ": " + loaded.error().message());
    }
    // The directory leaves out rows of others; pages of an older caveat did not.
    if (summary->rows != entry.rows &&
        summary->rows != entry.rows + rows_of_others(**image, core_.catalogue)) {
      error(where + ": the directory has another row count");
    }
    auto rows = (*image)->rows(*version_.clears);
    if (!rows) return error(where + ": " + rows.error().message());
    builder_.reset();
    std::optional<ExceptionKey> last;
    RowRoom room;
    for (const auto row : *rows) {
      ExceptionView view;
      if (auto read = (*image)->materialise(row, view, room); !read) {
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
      const auto id = core_.catalogue.find(view.key.property_hash);
      if (!id) {
        error(where + ": " + describe_key(view.key) + ": its property is not in the catalogue");
        continue;
      }
      builder_.add(*id, view.source, view.confidence, view.created_at);
      if (!delta_.shadows(view.key)) ++results_.records;
    }
    builder_.finish(hints_);
    for (std::size_t i = 0; i < kIndexCount; ++i) {
      for (const auto term : hints_.terms[i]) required[i].push_back({term, entry.id});
    }
  }

  // Hints of the window's partitions: none may be missing; others than the required are stale.
  // Hints of partitions that are gone are counted in the last window. Where a part of the family
  // cannot be read, what is missing is told in one sentence.
  void check_index(std::size_t index, const std::vector<PartitionId>& window,
                   std::vector<PostingPair>& required, bool last_window) {
    std::sort(required.begin(), required.end());
    const std::string family(to_string(kIndexFamilies[index]));
    auto next = required.begin();
    std::vector<PostingPair> missing;
    bool damaged = false;
    const auto walked = core_.indexes->for_each_pair(
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
          while (next != required.end() && *next < pair) missing.push_back(*next++);
          if (next != required.end() && *next == pair) {
            ++next;
          } else {
            ++results_.stale_hints;
          }
          return true;
        },
        [&](const StorageError& damage) {
          damaged = true;
          found_damaged(index, damage);
        });
    if (!walked) {
      damaged = true;
      readable_[index] = false;
      found_damaged(index, walked.error());
    }
    missing.insert(missing.end(), next, required.end());
    results_.missing_hints += missing.size();
    if (damaged) {
      if (missing.empty()) return;
      return error(
          fmt::format("{}: {} hints are not in the part that can be read", family, missing.size()));
    }
    for (const PostingPair& pair : missing) {
      error(fmt::format("{}: no hint for term {:#x} in partition {}", family, pair.term,
                        pair.partition));
    }
  }

  void found_damaged(std::size_t index, const StorageError& damage) {
    error(damage.message());
    if (damage.code() == ErrorCode::corruption) {
      mark_index_damaged(core_, version_, kIndexFamilies[index], damage);
    }
  }

  // Recent writes as they are in memory: what a fold will write.
  void check_delta() {
    for (const DeltaRow* row : delta_.select({})) {
      ++results_.records;
      if (auto valid = validate(row->view().to_exception()); !valid) {
        error("delta " + describe_key(row->key) + ": " + valid.error().message());
      }
    }
  }

  // Recent writes as the next open will find them.
  void check_log() {
    // The newest state: the version's snapshot is from before the latest commits.
    std::string bytes;
    const auto found = core_.backend->get(Family::meta, kSuperblockKey, nullptr, bytes);
    const auto superblock = found ? Superblock::decode(bytes) : tl::make_unexpected(found.error());
    if (!superblock) return error("meta: " + superblock.error().message());
    auto log = core_.backend->iterate(Family::delta, nullptr, true);
    if (!log) return error("delta: " + log.error().message());
    std::set<std::string, std::less<>> seen;
    for ((*log)->seek_to_first(); (*log)->valid(); (*log)->next()) {
      const auto key = decode_delta_key((*log)->key());
      if (!key) {
        error(key.error().message());
        continue;
      }
      if (key->generation <= superblock->dropped_generation) continue;
      ++results_.delta_records;
      if (auto sound = check_record(*key, (*log)->value()); !sound) {
        error(sound.error().message());
        seen.emplace((*log)->key());
      }
    }
    if (auto status = (*log)->status(); !status) error(status.error().message());
    check_kept(seen);
  }

  static Result<void> check_record(const DeltaRecordKey& key, std::string_view value) {
    CAVEAT_ASSIGN(DeltaRecordReader reader, DeltaRecordReader::open(key, value));
    DeltaLogRow row;
    for (bool more = true; more;) {
      CAVEAT_ASSIGN(more, reader.next(row));
    }
    return {};
  }

  // Records of the log that an earlier open could not read, and kept for repair.
  void check_kept(const std::set<std::string, std::less<>>& seen) {
    const auto kept = read_set_aside(*core_.backend);
    if (!kept) return error("meta: " + kept.error().message());
    for (const SetAside& record : *kept) {
      if (!seen.contains(record.log_key)) error(record.describe());
    }
  }

  // The directory as it is stored: the next open goes by it.
  void check_pages() {
    const auto stored = read_stored_pages(*core_.backend);
    if (!stored) return error("meta: " + stored.error().message());
    for (const StorageError& damage : stored->damage) error(damage.message());
    for (const auto& page : stored->pages) {
      if (!stored->believable(page)) continue;
      const auto decoded = decode_directory_page(page.bytes, true);
      // A newer page is not believed, which costs time; it is no damage.
      if (!decoded && decoded.error().code() != ErrorCode::unsupported_format) {
        error("meta: " + decoded.error().message());
      }
    }
  }

  [[nodiscard]] bool live(PartitionId id) const {
    const auto lower = core_.partition_ids.find(id);
    if (!lower || version_.directory->empty()) return false;
    return version_.directory->at(version_.directory->locate(*lower)).id == id;
  }

  Core& core_;
  const Version& version_;
  const DeltaView delta_;
  ProgressSink* progress_;
  VerificationResults results_;
  std::array<bool, kIndexCount> readable_{};
  std::uint64_t done_ = 0;
  HintBuilder builder_{core_.indexes->rules()};
  HintSet hints_;
};

}  // namespace

Result<VerificationResults> verify_store(Core& core, const ReadView& view, ProgressSink* progress) {
  return Verifier(core, view, progress).run();
}

}  // namespace caveat
