// Records of a store as lines of JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "caveat/storage_optimizer.h"
#include "tools/cli/output.h"

namespace caveat::cli {

class RecordPrinter {
 public:
  RecordPrinter(const StorageOptimizer& store, Output& output) : store_(store), output_(output) {}
  [[nodiscard]] Result<void> print(const ExceptionView& record);
  // At most so many of those that a cursor gives.
  [[nodiscard]] Result<void> print(Cursor& cursor, std::size_t count);
  [[nodiscard]] Result<void> print_all(Cursor& cursor);
  [[nodiscard]] std::uint64_t printed() const noexcept { return printed_; }

 private:
  const std::optional<std::string>& name_of(PropertyHash property);

  const StorageOptimizer& store_;
  Output& output_;
  std::unordered_map<PropertyHash, std::optional<std::string>> names_;
  std::string line_;
  std::uint64_t printed_ = 0;
};

}  // namespace caveat::cli
