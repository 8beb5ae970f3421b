#include "tools/cli/record_printer.h"

#include <fmt/format.h>

#include "tools/cli/csv_writer.h"
#include "tools/cli/ndjson_writer.h"
#include "tools/cli/record_card.h"
#include "tools/cli/signals.h"
#include "tools/cli/terminal.h"

namespace caveat::cli {

namespace {
TableStyle style_of(RecordFormat format) {
  auto style = table_style_of_standard_output();
  style.one_as_card = format == RecordFormat::table_or_card;
  return style;
}
}  // namespace

RecordPrinter::RecordPrinter(const StorageOptimizer& store, Output& output, RecordFormat format)
    : names_(store), output_(output), format_(format), style_(style_of(format)), table_(style_) {}

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
    case RecordFormat::table_or_card:
      table_.add(cells_of(record, name, style_.on_terminal), text_);
      break;
    case RecordFormat::card:
      if (printed_ > 0) text_ += '\n';
      append_card(cells_of(record, name, style_.on_terminal), text_);
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
  table_.finish(text_);
  if (format_ == RecordFormat::csv && printed_ == 0) text_ += csv_header();
  CAVEAT_TRY(output_.write(text_));
  return output_.finish();
}

StorageError RecordPrinter::interrupted() const {
  return {ErrorCode::cancelled, "interrupted after " + counted(printed_, "record")};
}

}  // namespace caveat::cli
