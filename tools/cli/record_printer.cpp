#include "tools/cli/record_printer.h"

#include "tools/cli/ndjson_writer.h"

namespace caveat::cli {
namespace {
constexpr std::size_t kNamesMax = 100'000;  // then the cache of names starts anew
}

const std::optional<std::string>& RecordPrinter::name_of(PropertyHash property) {
  const auto found = names_.find(property);
  if (found != names_.end()) return found->second;
  if (names_.size() >= kNamesMax) names_.clear();
  return names_.emplace(property, store_.property_name(property)).first->second;
}

Result<void> RecordPrinter::print(const ExceptionView& record) {
  line_.clear();
  append_json_record(record, name_of(record.key.property_hash), line_);
  line_ += '\n';
  ++printed_;
  return output_.write(line_);
}

Result<void> RecordPrinter::print(Cursor& cursor, std::size_t count) {
  while (count-- > 0) {
    CAVEAT_ASSIGN(const auto* record, cursor.next());
    if (record == nullptr) return {};
    CAVEAT_TRY(print(*record));
  }
  return {};
}

Result<void> RecordPrinter::print_all(Cursor& cursor) {
  return print(cursor, ~std::size_t{0});
}

}  // namespace caveat::cli
