// A store put together by hand: partitions with runs and clears, indexes with stale hints, a delta
// of several generations, and beside it a plain map that knows what every query must find.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "caveat/memory_pool.h"
#include "engine/cache/index_cache.h"
#include "engine/query/cursor_impl.h"
#include "engine/query/query_engine.h"
#include "test/model/random_record.h"
#include "test/support/backend_double.h"

namespace caveat::test {

using Truth = std::map<ExceptionKey, Exception>;

// The reader of the world: opens images from kept containers, anew on each load.
class WorldReader final : public PartitionReader {
 public:
  explicit WorldReader(const Catalogue& catalogue) : catalogue_(catalogue) {}

  Result<std::shared_ptr<const PartitionImage>> load(const Version& version,
                                                     Directory::Position position, CacheUse use,
                                                     BlockForm form) const override;
  Result<std::vector<std::shared_ptr<const PartitionImage>>> load_many(
      const Version& version, std::span<const Directory::Position> positions, CacheUse use,
      BlockForm form) const override;
  Result<std::shared_ptr<const PartitionImage>> with_columns(
      const Version& version, Directory::Position position,
      std::shared_ptr<const PartitionImage> image, CacheUse use) const override;
  std::optional<Directory::Position> find_partition(const Version& version,
                                                    PartitionId id) const override;

  std::unordered_map<PartitionId, std::string> containers;
  std::optional<PartitionId> damaged;       // loading it fails
  ErrorCode alone = ErrorCode::corruption;  // what it fails with where nothing else is loaded
  bool keep_images = false;                 // load each once: for measuring
  mutable std::uint64_t loads = 0;
  mutable std::uint64_t widened = 0;  // images that were asked for their columns as well

 private:
  const Catalogue& catalogue_;
  CodecRegistry codecs_ = CodecRegistry::built_in(3);
  SimpleBlockResolver resolver_{codecs_};
  mutable std::unordered_map<PartitionId, std::shared_ptr<const PartitionImage>> images_;
  mutable std::unordered_map<PartitionId, Directory::Position> places_;
};

// Of some families no iterator can be made.
class IllBackend final : public BackendDouble {
 public:
  using BackendDouble::BackendDouble;
  Result<std::unique_ptr<KvIterator>> iterate(Family family, const KvSnapshot* snapshot,
                                              bool readahead) override {
    const auto found = ill.find(family);
    if (found != ill.end()) return fail(found->second, "planted in an index");
    return BackendDouble::iterate(family, snapshot, readahead);
  }
  std::map<Family, ErrorCode> ill;
};

struct WorldOptions {
  std::size_t nodes = 40;
  std::size_t properties = 12;
  std::size_t base_records = 500;
  std::size_t partition_rows = 16;  // at most
  bool uneven = true;               // many partitions smaller than that
  std::size_t run_writes = 120;
  std::size_t delta_writes = 80;
  std::size_t generations = 2;
  std::size_t clears = 3;       // in each of the two phases
  unsigned stale_percent = 10;  // hints that lead nowhere, of all partitions
  unsigned few_values = 2;      // one record in this many has one of a few confidences and times
};

// A world at rest: nothing over the base of its partitions.
[[nodiscard]] inline WorldOptions folded() {
  WorldOptions options;
  options.run_writes = 0;
  options.delta_writes = 0;
  options.generations = 0;
  options.clears = 0;
  return options;
}

class QueryWorld {
 public:
  QueryWorld(std::uint64_t seed, const WorldOptions& options);

  [[nodiscard]] QueryContext context() {
    return {reader_, *indexes_, catalogue_, counters_, candidates_, 8};
  }
  [[nodiscard]] std::shared_ptr<const ReadView> view() const { return view_; }
  [[nodiscard]] std::shared_ptr<ReadView> changed_view() const;  // with a version of its own
  // The same, and its snapshot is of the backend as it is now.
  [[nodiscard]] std::shared_ptr<const ReadView> view_now() const;
  [[nodiscard]] IllBackend& backend() { return *backend_; }
  [[nodiscard]] const Truth& truth() const { return truth_; }
  [[nodiscard]] WorldReader& reader() { return reader_; }
  [[nodiscard]] QueryCounters& counters() { return counters_; }
  [[nodiscard]] RandomRecords& random() { return random_; }
  [[nodiscard]] const Catalogue& catalogue() const { return catalogue_; }
  [[nodiscard]] PropertyHash property(std::size_t i) const { return properties_[i]; }
  [[nodiscard]] const WorldOptions& options() const { return options_; }

  [[nodiscard]] ExceptionKey random_key();
  [[nodiscard]] Exception random_exception();
  [[nodiscard]] Query random_query();
  [[nodiscard]] Query::NodeRange random_nodes();

  // What a query must give, by looking at every record.
  [[nodiscard]] std::vector<ExceptionRecord> expected(const Query& query) const;

 private:
  struct Part {
    ExceptionKey lower;
    PartitionId id = 0;
    std::map<ExceptionKey, Exception> base;
    std::vector<std::map<ExceptionKey, std::optional<Exception>>> runs;
    std::vector<Sequence> run_as_of;
  };
  void make_base();
  void make_runs();
  void make_delta();
  void store_parts();
  void store_hints();
  void clear_truth(RowKind kind, const ExceptionKey& key);
  Part& part_of(const ExceptionKey& key);

  MemoryPool pool_;
  WorldOptions options_;
  RandomRecords random_;
  std::unique_ptr<IllBackend> backend_ = std::make_unique<IllBackend>(shared_memory_backend());
  Catalogue catalogue_;
  mutable std::uint64_t changed_ = 0;
  mutable CandidateCache candidates_{std::size_t{64} << 10};
  IndexCache index_cache_{std::size_t{256} << 10};
  std::unique_ptr<IndexManager> indexes_;
  WorldReader reader_{catalogue_};
  QueryCounters counters_;
  std::vector<PropertyHash> properties_;
  std::vector<Part> parts_;
  Truth truth_;
  Sequence sequence_ = 0;
  Sequence base_as_of_ = 0;
  ClearList clears_;
  std::vector<std::shared_ptr<const Generation>> generations_;
  std::shared_ptr<const ReadView> view_;
};

}  // namespace caveat::test
