#include "tools/cli/record_printer.h"

#include <fmt/format.h>

#include "tools/cli/csv_writer.h"
#include "tools/cli/ndjson_writer.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {

Result<void> RecordPrinter::print(const ExceptionView& record) {
  text_.clear();
  const auto& name = names_.of(record.key.property_hash);
  switch (format_) {
    case RecordFormat::ndjson:
      append_json_record(record, name, text_);
      text_ += '\n';
      break;
    case RecordFormat::csv:
      if (printed_ == 0) text_ += csv_header();
      append_csv_record(record, name, text_);
      break;
    case RecordFormat::table:
      table_.add(record, name, text_);
      break;
  }
  ++printed_;
  return output_.write(text_);
}

Result<void> RecordPrinter::print_all(RecordStream& records) {
  for (;;) {
    CAVEAT_ASSIGN(const auto* const record, records.next());
    if (record == nullptr) return {};
    CAVEAT_TRY(print(*record));
    if (stop_requested()) return fail(interrupted());
  }
}

Result<void> RecordPrinter::finish() {
  text_.clear();
  if (format_ == RecordFormat::table) table_.finish(text_);
  if (format_ == RecordFormat::csv && printed_ == 0) text_ += csv_header();
  CAVEAT_TRY(output_.write(text_));
  return output_.finish();
}

StorageError RecordPrinter::interrupted() const {
  return {ErrorCode::cancelled, fmt::format("interrupted after {} records", grouped(printed_))};
}

}  // namespace caveat::cli
