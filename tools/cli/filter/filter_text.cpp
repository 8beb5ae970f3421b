// A filter as text again.
#include <fmt/format.h>

#include <utility>

#include "tools/cli/filter/filter.h"
#include "tools/cli/json_text.h"
#include "tools/cli/time_text.h"

namespace caveat::cli {
namespace {

void append_string(std::string_view text, std::string& out) {
  out += '"';
  const bool utf8 = is_utf8(text);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_value(const PropertyValue& value, std::string& out) {
  switch (value.kind()) {
    case ValueKind::Null:
      out += "null";
      break;
    case ValueKind::Boolean:
      out += *value.as_boolean() ? "true" : "false";
      break;
    case ValueKind::Integer:
      out += std::to_string(*value.as_integer());
      break;
    case ValueKind::Float:
      append_json_float(*value.as_float(), out);
      break;
    case ValueKind::String:
      append_string(*value.as_string(), out);
      break;
    case ValueKind::List:
      out += '[';
      for (bool first = true; const auto& entry : *value.as_list()) {
        if (!std::exchange(first, false)) out += ", ";
        append_value(entry, out);
      }
      out += ']';
      break;
  }
}

std::string number(std::uint64_t value) {
  return std::to_string(value);
}
std::string number(float value) {
  std::string out;
  append_json_confidence(value, out);
  return out;
}
std::string number(std::int64_t value) {
  std::string out;
  append_time(value, out);
  return out;
}

template <class T>
void append_span(std::string_view field, const Span<T>& span, const Span<T>& all,
                 std::string& out) {
  out += field;
  if (span.point()) {
    out += " = " + number(span.low);
  } else if (span.high == all.high) {
    out += " >= " + number(span.low);
  } else if (span.low == all.low) {
    out += " <= " + number(span.high);
  } else {
    out += " between " + number(span.low) + " and " + number(span.high);
  }
}

std::string_view symbol(Compare compare) {
  switch (compare) {
    case Compare::equal:
      return " = ";
    case Compare::less:
      return " < ";
    case Compare::less_equal:
      return " <= ";
    case Compare::greater:
      return " > ";
    case Compare::greater_equal:
      return " >= ";
    case Compare::contains:
      return " contains ";
  }
  return " = ";
}

class Writer {
 public:
  void condition(const Condition& c) {
    if (c.negated) out_ += "not ";
    std::visit([this](const auto& what) { write(what); }, c.what);
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void group(const std::vector<Condition>& parts, std::string_view word) {
    for (bool first = true; const auto& part : parts) {
      if (!std::exchange(first, false)) out_ += word;
      // "and" binds more, so only alternatives need them.
      const bool is_any = std::holds_alternative<Condition::Any>(part.what);
      if (is_any) out_ += '(';
      condition(part);
      if (is_any) out_ += ')';
    }
  }
  void write(const Condition::All& all) { group(all.parts, " and "); }
  void write(const Condition::Any& any) { group(any.parts, " or "); }
  void write(const NodeTest& test) { append_span("node", test.nodes, kAllNumbers, out_); }
  void write(const PropertyTest& test) {
    append_span("property_hash", test.hashes, kAllNumbers, out_);
  }
  void write(const ConfidenceTest& test) {
    append_span("confidence", test.confidences, kAllConfidences, out_);
  }
  void write(const TimeTest& test) { append_span("created_at", test.times, kAllTimes, out_); }
  void write(const SourceTest& test) {
    if (test.sources == 0) out_ += "not ";
    const auto shown = test.sources == 0 ? kAllSources : test.sources;
    out_ += "source in (";
    for (unsigned i = 0; i < kExceptionSourceCount; ++i) {
      if ((shown >> i & 1U) == 0) continue;
      if (out_.back() != '(') out_ += ", ";
      out_ += to_string(static_cast<ExceptionSource>(i));
    }
    out_ += ')';
  }
  void write(const TextTest& test) {
    out_ += test.of_reason ? "reason" : "property";
    out_ += symbol(test.compare);
    append_string(test.text, out_);
  }
  void write(const ValueTest& test) {
    out_ += test.of_actual ? "actual" : "inherited";
    out_ += symbol(test.compare);
    append_value(test.value, out_);
  }

  std::string out_;
};

}  // namespace

std::string to_text(const Condition& condition) {
  Writer writer;
  writer.condition(condition);
  return writer.take();
}

std::string to_text(const Filter& filter) {
  auto out = to_text(filter.condition);
  const auto word = [&out](std::string_view text) {
    if (!out.empty()) out += ' ';
    out += text;
  };
  if (filter.order) {
    word("order by ");
    out += *filter.order == QueryOrder::key    ? "key"
           : *filter.order == QueryOrder::time ? "created_at"
                                               : "confidence";
    if (filter.descending) out += " desc";
  }
  if (filter.limit) word(fmt::format("limit {}", *filter.limit));
  return out;
}

}  // namespace caveat::cli
