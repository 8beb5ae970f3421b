// Lines of JSON to records. Strict: whatever is not in docs/cli.md is refused with a sentence
// that names the field.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "caveat/types.h"

namespace caveat::cli {

// Bytes that must be readable (not meaningful) behind a line given to NdjsonReader.
inline constexpr std::size_t kLinePadding = 64;

struct ParsedRecord {
  ExceptionKey key;
  bool named = false;         // else only the hash is known
  std::string_view property;  // valid until the reader's next call
};

class NdjsonReader {
 public:
  NdjsonReader();
  ~NdjsonReader();
  NdjsonReader(const NdjsonReader&) = delete;
  NdjsonReader& operator=(const NdjsonReader&) = delete;

  // Appends the record to `rows` as an encoded store row (engine/model/row.h); nothing on error.
  // `line` is one JSON object with kLinePadding readable bytes behind it.
  [[nodiscard]] Result<ParsedRecord> read(std::string_view line, std::string& rows);

  // One value, as on a command line: appends its plain encoding.
  [[nodiscard]] Result<void> read_value(std::string_view json, std::string& out);

 private:
  struct Parser;  // simdjson's, which is a header of its own size
  std::unique_ptr<Parser> parser_;
  std::string values_;
  std::string name_;  // what came as $bytes
  std::string reason_;
};

}  // namespace caveat::cli
