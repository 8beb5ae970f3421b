// Lines into a store, in large batches: one is parsed while the one before it is written.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <unordered_map>
#include <vector>

#include "caveat/storage_optimizer.h"
#include "tools/cli/line_source.h"
#include "tools/cli/ndjson_reader.h"

namespace caveat::cli {

struct ImportCounts {
  std::uint64_t records = 0;  // written; repeated keys count each time
  std::uint64_t bad_lines = 0;
  bool stopped = false;  // by a bad line or a signal, before the end
};

class Importer {
 public:
  struct Callbacks {
    // Told of each bad line; false stops.
    std::function<bool(std::uint64_t line, const std::string& reason)> on_bad_line;
    // Called now and then; false stops.
    std::function<bool(std::uint64_t records)> on_progress;
  };

  // Batches are cut so that what is parsed ahead stays a small share of the store's budget.
  Importer(StorageOptimizer& store, std::size_t memory_budget, Callbacks callbacks);

  // Writes everything up to where it stops; an error of the store or of the file ends it, and
  // what was written before stays: counts() says how much.
  [[nodiscard]] Result<void> run(LineSource& lines);
  [[nodiscard]] const ImportCounts& counts() const noexcept { return counts_; }

  static constexpr std::size_t kBatchRecords = StorageOptimizer::kBulkChunkRecords;
  static constexpr std::size_t kBatchBytes = StorageOptimizer::kBulkChunkBytes;

 private:
  struct Batch {
    std::string rows;  // encoded
    std::vector<std::size_t> ends;
    std::vector<std::string> new_names;
  };

  [[nodiscard]] Result<bool> take_lines(LineSource& lines);
  [[nodiscard]] bool take_line(const LineSource::Line& line, std::uint64_t number);
  [[nodiscard]] Result<void> learn_name(const ParsedRecord& record);
  [[nodiscard]] Result<void> hand_over();
  [[nodiscard]] Result<void> wait();
  [[nodiscard]] static Result<std::uint64_t> write(StorageOptimizer& store, const Batch& batch);

  StorageOptimizer& store_;
  const std::size_t batch_bytes_;
  const std::size_t batch_records_;
  Callbacks callbacks_;
  NdjsonReader reader_;
  Batch batch_;
  std::future<Result<std::uint64_t>> pending_;
  std::unordered_map<PropertyHash, std::string> names_;
  ImportCounts counts_;
  std::uint64_t accepted_ = 0;  // read, perhaps not yet written
};

}  // namespace caveat::cli
