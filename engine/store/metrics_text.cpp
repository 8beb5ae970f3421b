#include "engine/store/metrics_text.h"

#include <fmt/format.h>

#include <cmath>

namespace caveat {

namespace {

// In HELP a line feed and a backslash are escaped, in a label's value the quote as well.
void append_escaped(std::string_view text, bool quoted, std::string& out) {
  for (const char c : text) {
    if (c == '\\' || (quoted && c == '"')) out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

}  // namespace

MetricsText& MetricsText::begin(std::string_view name, std::string_view help,
                                std::string_view type) {
  name_ = name;
  text_ += fmt::format("# HELP {} ", name);
  append_escaped(help, false, text_);
  text_ += fmt::format("\n# TYPE {} {}\n", name, type);
  return *this;
}

MetricsText& MetricsText::counter(std::string_view name, std::string_view help) {
  return begin(name, help, "counter");
}
MetricsText& MetricsText::gauge(std::string_view name, std::string_view help) {
  return begin(name, help, "gauge");
}
MetricsText& MetricsText::summary(std::string_view name, std::string_view help) {
  return begin(name, help, "summary");
}

void MetricsText::name_and_labels(Labels labels, std::string_view suffix) {
  text_ += name_;
  text_ += suffix;
  char before = '{';
  for (const auto& [label, value] : labels) {
    text_ += before;
    text_ += label;
    text_ += "=\"";
    append_escaped(value, true, text_);
    text_ += '"';
    before = ',';
  }
  if (labels.size() != 0) text_ += '}';
}

MetricsText& MetricsText::sample(std::uint64_t value, Labels labels, std::string_view suffix) {
  name_and_labels(labels, suffix);
  text_ += fmt::format(" {}\n", value);
  return *this;
}

MetricsText& MetricsText::sample(double value, Labels labels, std::string_view suffix) {
  name_and_labels(labels, suffix);
  if (std::isnan(value)) {
    text_ += " NaN\n";
  } else if (std::isinf(value)) {
    text_ += value > 0 ? " +Inf\n" : " -Inf\n";
  } else {
    text_ += fmt::format(" {}\n", value);
  }
  return *this;
}

}  // namespace caveat
