// Answers in words: short, and different for different records.
#pragma once

#include <fmt/format.h>
#include <xxhash.h>

#include <optional>
#include <span>
#include <string>

#include "caveat/types.h"
#include "caveat/write_batch.h"

namespace caveat::test {

[[nodiscard]] inline std::string answer_of(std::span<const ExceptionRecord> records) {
  WriteBatch rows;  // their encoding stands for them
  for (const auto& record : records) {
    if (!rows.store_exception(record.key, record.exception)) return "no records";
  }
  return fmt::format("{} records {:016x}", records.size(),
                     XXH3_64bits(rows.rows().data(), rows.rows().size()));
}

[[nodiscard]] inline std::string answer_of(const std::optional<Exception>& exception) {
  if (!exception) return "nothing";
  const ExceptionRecord record{{}, *exception};
  return answer_of(std::span(&record, 1));
}

}  // namespace caveat::test
