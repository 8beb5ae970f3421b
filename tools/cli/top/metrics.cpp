#include "tools/cli/top/metrics.h"

#include <fmt/format.h>

#include <charconv>

#include "tools/cli/json_writer.h"

namespace caveat::cli {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == ':';
}

// How long the name and the labels are; 0 where they are none.
std::size_t series_length(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && is_name(line[at])) ++at;
  if (at == 0 || at == line.size() || line[at] != '{') return at;
  bool quoted = false;
  for (++at; at < line.size(); ++at) {
    if (quoted && line[at] == '\\') {
      ++at;
    } else if (line[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && line[at] == '}') {
      return at + 1;
    }
  }
  return 0;
}

// A number, and perhaps a time behind it, which nobody asks for.
std::optional<double> value_of(std::string_view rest) {
  while (!rest.empty() && rest[0] == ' ') rest.remove_prefix(1);
  const auto end = std::min(rest.find(' '), rest.size());
  auto number = rest.substr(0, end);
  if (number.starts_with('+')) number.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || stop != number.data() + number.size()) return std::nullopt;
  return value;
}

// Of `name{a="x",b="y"}` what stands behind `label="`.
std::string label_in(std::string_view series, std::string_view label) {
  const auto key = fmt::format("{}=\"", label);
  for (auto at = series.find(key); at != std::string_view::npos; at = series.find(key, at + 1)) {
    if (at == 0 || (series[at - 1] != '{' && series[at - 1] != ',')) continue;
    const auto from = at + key.size();
    return std::string(series.substr(from, series.find('"', from) - from));
  }
  return "";
}

bool is_of(std::string_view series, std::string_view name) {
  return series.starts_with(name) && (series.size() == name.size() || series[name.size()] == '{');
}

}  // namespace

Result<Metrics> Metrics::parse(std::string_view text) {
  Metrics metrics;
  if (text.size() > kBytesMax) {
    return fail(ErrorCode::corruption, fmt::format("metrics: more than {} bytes", kBytesMax));
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == '#') continue;
    const auto length = series_length(line);
    const auto value = value_of(line.substr(length));
    if (length == 0 || !value) {
      return fail(ErrorCode::corruption, fmt::format("metrics: line {} is no sample", number));
    }
    metrics.series_[std::string(line.substr(0, length))] = *value;
  }
  return metrics;
}

std::optional<double> Metrics::find(const std::string& series) const {
  const auto found = series_.find(series);
  if (found == series_.end()) return std::nullopt;
  return found->second;
}

double Metrics::sum(std::string_view name) const {
  double sum = 0;
  for (auto at = series_.lower_bound(std::string(name)); at != series_.end(); ++at) {
    if (!at->first.starts_with(name)) break;
    if (is_of(at->first, name)) sum += at->second;
  }
  return sum;
}

std::vector<std::string> Metrics::labels(std::string_view name, std::string_view label) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : series_) {
    if (is_of(key, name)) values.push_back(label_in(key, label));
  }
  return values;
}

std::string Metrics::label(std::string_view name, std::string_view label) const {
  const auto values = labels(name, label);
  return values.empty() ? "" : values.front();
}

std::string json_of(const Metrics& metrics) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [series, value] : metrics.all()) json.field(series, value);
  json.end_object();
  return json.text();
}

std::string series(std::string_view name, std::string_view label, std::string_view value) {
  return fmt::format("{}{{{}=\"{}\"}}", name, label, value);
}

}  // namespace caveat::cli
