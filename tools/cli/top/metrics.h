// The figures of a store as its owner writes them down: the text format of Prometheus, read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat::cli {

class Metrics {
 public:
  static constexpr std::size_t kBytesMax = std::size_t{1} << 20;

  // corruption, with the line: it is no such text, or larger than that.
  [[nodiscard]] static Result<Metrics> parse(std::string_view text);

  // Of a series, its labels as they are written: `caveat_cache_bytes{cache="blocks"}`.
  [[nodiscard]] std::optional<double> find(const std::string& series) const;
  [[nodiscard]] double of(const std::string& series) const { return find(series).value_or(0); }
  // Over all labels.
  [[nodiscard]] double sum(std::string_view name) const;
  // The values that a label has: of caveat_cache_bytes and cache {blocks, records, ...}.
  [[nodiscard]] std::vector<std::string> labels(std::string_view name,
                                                std::string_view label) const;
  // A label's value in the only series of a name.
  [[nodiscard]] std::string label(std::string_view name, std::string_view label) const;

  [[nodiscard]] const std::map<std::string, double>& all() const { return series_; }

 private:
  std::map<std::string, double> series_;
};

// One object, each series with its value.
[[nodiscard]] std::string json_of(const Metrics& metrics);

// "caveat_cache_bytes", "cache", "blocks"
[[nodiscard]] std::string series(std::string_view name, std::string_view label,
                                 std::string_view value);

}  // namespace caveat::cli
