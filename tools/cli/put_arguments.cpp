#include "tools/cli/put_arguments.h"

#include <fmt/format.h>

#include "caveat/ports.h"
#include "engine/model/row.h"
#include "tools/cli/command.h"
#include "tools/cli/line_source.h"
#include "tools/cli/ndjson_reader.h"
#include "tools/cli/query_arguments.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

// A bad record is bad data, not a wrong command line.
StorageError as_data_error(const StorageError& error) {
  return {ErrorCode::limit_exceeded, "record: " + error.message()};
}

Result<PutArguments::Named> read_record(std::string_view padded_line) {
  NdjsonReader reader;
  std::string row;
  const auto parsed = reader.read(padded_line, row);
  if (!parsed) return fail(as_data_error(parsed.error()));
  PutArguments::Named named;
  named.record = decode_trusted_row(row).record.to_record();
  if (parsed->named) named.name = std::string(parsed->property);
  return named;
}

Result<PutArguments::Named> read_standard_input() {
  CAVEAT_ASSIGN(auto lines, LineSource::open("-"));
  LineSource::Line line;
  CAVEAT_ASSIGN(const bool found, lines.next(line));
  if (!found) return fail(as_data_error({ErrorCode::invalid_argument, "the input is empty"}));
  if (line.refused) return fail(as_data_error(*line.refused));
  CAVEAT_ASSIGN(auto named, read_record(line.text));
  CAVEAT_ASSIGN(const bool more, lines.next(line));
  if (more)
    return fail(as_data_error({ErrorCode::invalid_argument, "more than one line; use import"}));
  return named;
}

Result<PropertyValue> value_of(std::string_view option, const std::string& json) {
  NdjsonReader reader;
  std::string bytes;
  const auto read = reader.read_value(json, bytes);
  if (!read) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: {} (text needs quotes of its own: '\"text\"')", option,
                            read.error().message()));
  }
  std::string_view rest = bytes;
  CAVEAT_ASSIGN(const auto view, decode_value(rest));
  return view.to_value();
}

Result<Exception> exception_of(const PutArguments& arguments) {
  Exception exception;
  CAVEAT_ASSIGN(exception.inherited_value, value_of("--inherited", arguments.inherited));
  CAVEAT_ASSIGN(exception.actual_value, value_of("--actual", arguments.actual));
  exception.reason = arguments.reason;
  CAVEAT_ASSIGN(exception.source, parse_source("--source", arguments.source));
  const auto confidence = parse_confidence_range(arguments.confidence);
  if (!confidence) return fail(confidence.error().within("--confidence"));
  if (confidence->min != confidence->max) {
    return fail(ErrorCode::invalid_argument, "--confidence: one number is needed, not a range");
  }
  exception.confidence = confidence->min;
  if (arguments.created_at.empty()) {
    exception.created_at = system_clock().now_ns();
    return exception;
  }
  const auto time = parse_time(arguments.created_at);
  if (!time) return fail(time.error().within("--created-at"));
  exception.created_at = *time;
  return exception;
}

bool any_field(const PutArguments& a) {
  return !a.node.empty() || !a.property.empty() || !a.property_hash.empty() || !a.actual.empty();
}

}  // namespace

Result<PutArguments::Named> PutArguments::record() const {
  if (!json.empty()) {
    if (any_field(*this)) {
      return fail(ErrorCode::invalid_argument, "put takes a record or options, not both");
    }
    if (json == "-") return read_standard_input();
    auto padded = json;
    padded.append(kLinePadding, '\0');
    return read_record(std::string_view(padded).substr(0, json.size()));
  }
  if (node.empty() || actual.empty() || property.empty() == property_hash.empty()) {
    return fail(ErrorCode::invalid_argument,
                "put needs a record, or --node, --property or --property-hash, and --actual");
  }
  Named named;
  CAVEAT_ASSIGN(named.record.key.node_id, parse_unsigned("--node", node));
  CAVEAT_ASSIGN(named.record.key.property_hash, property_of(property, property_hash));
  if (!property.empty()) named.name = property;
  CAVEAT_ASSIGN(named.record.exception, exception_of(*this));
  return named;
}

void add_put_options(Command& command, PutArguments& a) {
  command.add_option("RECORD", a.json, "A record as NDJSON, or - for standard input");
  command.add_option("--node", a.node, "The node's number")->type_name("N");
  auto* name = command.add_option("--property", a.property, "The property's name");
  name->type_name("NAME");
  command.add_option("--property-hash", a.property_hash, "Its hash, where it has no name")
      ->type_name("HASH")
      ->excludes(name);
  command.add_option("--inherited", a.inherited, "The inherited value (default null)")
      ->type_name("JSON");
  command.add_option("--actual", a.actual, "The actual value")->type_name("JSON");
  command.add_option("--reason", a.reason, "Why they differ")->type_name("TEXT")->may_be_empty();
  command.add_option("--source", a.source, "Where it is from (default Explicit)")
      ->type_name("SOURCE")
      ->suggestions(source_names());
  command.add_option("--confidence", a.confidence, "From 0 to 1 (default 1.0)")->type_name("X");
  command.add_option("--created-at", a.created_at, "An RFC 3339 time (default now)")
      ->type_name("TIME");
}

}  // namespace caveat::cli
