// Records of a store in the format that was asked for.
#pragma once

#include <cstdint>
#include <string>

#include "caveat/storage_optimizer.h"
#include "tools/cli/filter/record_stream.h"
#include "tools/cli/output.h"
#include "tools/cli/property_names.h"
#include "tools/cli/record_format.h"
#include "tools/cli/record_table.h"

namespace caveat::cli {

class RecordPrinter {
 public:
  RecordPrinter(const StorageOptimizer& store, Output& output,
                RecordFormat format = RecordFormat::ndjson);

  [[nodiscard]] Result<void> print(const ExceptionView& record);
  // All that there are; `cancelled`, which says how many were printed, once a stop was requested.
  [[nodiscard]] Result<void> print_all(RecordStream& records);
  // The last of them is written.
  [[nodiscard]] Result<void> finish();
  [[nodiscard]] std::uint64_t printed() const noexcept { return printed_; }
  [[nodiscard]] StorageError interrupted() const;

 private:
  PropertyNames names_;
  Output& output_;
  RecordFormat format_;
  TableStyle style_;
  RecordTable table_;
  std::string text_;
  std::uint64_t printed_ = 0;
};

}  // namespace caveat::cli
