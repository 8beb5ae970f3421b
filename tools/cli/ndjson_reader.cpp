#include "tools/cli/ndjson_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>

#include "engine/model/row.h"
#include "engine/model/value_encoding.h"
#include "tools/cli/ndjson_value.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

using simdjson::dom::element;

enum Field : std::size_t {
  kNode,
  kProperty,
  kPropertyHash,
  kInherited,
  kActual,
  kReason,
  kSource,
  kCreatedAt,
  kConfidence,
  kFieldCount
};
constexpr std::array<std::string_view, kFieldCount> kFieldNames = {
    "node",   "property", "property_hash", "inherited", "actual",
    "reason", "source",   "created_at",    "confidence"};

constexpr std::size_t kCapacityKept = std::size_t{16} << 20;

struct Fields {
  std::array<element, kFieldCount> values;
  std::array<bool, kFieldCount> present{};
};

tl::unexpected<StorageError> bad(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}
tl::unexpected<StorageError> bad(Field field, std::string_view message) {
  return bad(fmt::format("{}: {}", kFieldNames[field], message));
}

std::string_view reason_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "the line is no UTF-8";
    case simdjson::NUMBER_ERROR:
      return "a number is malformed or out of range";
    case simdjson::DEPTH_ERROR:
      return "it is nested too deep";
    case simdjson::EMPTY:
      return "the line is empty";
    case simdjson::UNCLOSED_STRING:
      return "a string does not end";
    case simdjson::STRING_ERROR:
      return "a string is malformed";
    default:
      return "it is no JSON";
  }
}

Result<Fields> gather(const simdjson::dom::object& object) {
  Fields fields;
  for (const auto field : object) {
    std::size_t index = 0;
    while (index < kFieldCount && kFieldNames[index] != field.key) ++index;
    if (index == kFieldCount) return bad(fmt::format("\"{}\" is no field of a record", field.key));
    if (fields.present[index]) return bad(Field(index), "the field appears twice");
    fields.present[index] = true;
    fields.values[index] = field.value;
  }
  if (fields.present[kProperty] && fields.present[kPropertyHash]) {
    return bad("property and property_hash exclude each other");
  }
  for (std::size_t index = 0; index < kFieldCount; ++index) {
    if (fields.present[index] || index == kPropertyHash) continue;
    if (index == kProperty && fields.present[kPropertyHash]) continue;
    return bad(Field(index), "the field is missing");
  }
  return fields;
}

Result<std::uint64_t> unsigned_of(const Fields& fields, Field field) {
  std::uint64_t value = 0;
  if (fields.values[field].get(value) != simdjson::SUCCESS) {
    return bad(field, "this is no unsigned integer below 2^64");
  }
  return value;
}

Result<ParsedRecord> key_of(const Fields& fields, std::string& name_buffer) {
  ParsedRecord record;
  CAVEAT_ASSIGN(record.key.node_id, unsigned_of(fields, kNode));
  if (fields.present[kPropertyHash]) {
    CAVEAT_ASSIGN(record.key.property_hash, unsigned_of(fields, kPropertyHash));
    return record;
  }
  const auto name = json_bytes(fields.values[kProperty], name_buffer);
  if (!name) return fail(name.error().within(kFieldNames[kProperty]));
  if (name->empty()) return bad(kProperty, "the name is empty");
  if (name->size() > kMaxPropertyNameBytes) {
    return bad(kProperty,
               fmt::format("{} bytes, and the limit is {}", name->size(), kMaxPropertyNameBytes));
  }
  record.named = true;
  record.property = *name;
  record.key.property_hash = hash_property(*name);
  return record;
}

Result<ExceptionView> scalars_of(const Fields& fields) {
  ExceptionView view;
  std::string_view text;
  if (fields.values[kSource].get(text) != simdjson::SUCCESS) return bad(kSource, "no string");
  const auto source = source_from_string(text);
  if (!source) {
    return bad(kSource, fmt::format("\"{}\" is not Explicit, Detected, Promoted, Conflict or "
                                    "Imported",
                                    text));
  }
  view.source = *source;
  if (fields.values[kCreatedAt].get(text) != simdjson::SUCCESS) return bad(kCreatedAt, "no string");
  const auto time = parse_time(text);
  if (!time) return fail(time.error().within(kFieldNames[kCreatedAt]));
  view.created_at = *time;
  double confidence = 0;
  if (fields.values[kConfidence].get(confidence) != simdjson::SUCCESS) {
    return bad(kConfidence, "this is no number");
  }
  if (!(confidence >= 0.0 && confidence <= 1.0)) {
    return bad(kConfidence, fmt::format("{} is not in [0, 1]", confidence));
  }
  view.confidence = static_cast<float>(confidence);
  return view;
}

// Encodes both values into `buffer` and lets the view point there.
Result<void> values_of(const Fields& fields, std::string& buffer, ExceptionView& view) {
  buffer.clear();
  for (const auto field : {kInherited, kActual}) {
    const auto encoded = encode_json_value(fields.values[field], 0, buffer);
    if (!encoded) return fail(encoded.error().within(kFieldNames[field]));
  }
  const char* p = buffer.data();
  view.inherited_value = take_trusted_value(p);
  view.actual_value = take_trusted_value(p);
  return {};
}

}  // namespace

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

struct NdjsonReader::Parser {
  simdjson::dom::parser dom;
};

NdjsonReader::NdjsonReader() : parser_(std::make_unique<Parser>()) {}
NdjsonReader::~NdjsonReader() = default;

Result<ParsedRecord> NdjsonReader::read(std::string_view line, std::string& rows) {
  // The room for a long line is not kept for short ones.
  if (parser_->dom.capacity() > kCapacityKept && line.size() < kCapacityKept / 2) {
    parser_->dom = simdjson::dom::parser();
  }
  simdjson::dom::element document;
  if (const auto error = parser_->dom.parse(line.data(), line.size(), false).get(document)) {
    return bad(std::string(reason_of(error)));
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) return bad("it is no JSON object");
  CAVEAT_ASSIGN(const auto fields, gather(object));
  CAVEAT_ASSIGN(auto record, key_of(fields, name_));
  CAVEAT_ASSIGN(auto view, scalars_of(fields));
  view.key = record.key;
  CAVEAT_TRY(values_of(fields, values_, view));
  const auto reason = json_bytes(fields.values[kReason], reason_);
  if (!reason) return fail(reason.error().within(kFieldNames[kReason]));
  view.reason = *reason;
  CAVEAT_TRY(validate_view(view));
  encode_row({RowKind::store, view}, rows);
  return record;
}

Result<void> NdjsonReader::read_value(std::string_view json, std::string& out) {
  simdjson::dom::element document;
  if (const auto error = parser_->dom.parse(json.data(), json.size(), true).get(document)) {
    return bad(std::string(reason_of(error)));
  }
  return encode_json_value(document, 0, out);
}

}  // namespace caveat::cli
