// The text format of Prometheus, version 0.0.4: families of samples, each with HELP and TYPE once.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace caveat {

class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  // Begins a family: all its samples follow before the next one begins. A name comes once.
  MetricsText& counter(std::string_view name, std::string_view help);
  MetricsText& gauge(std::string_view name, std::string_view help);
  // Its samples are NAME_sum and NAME_count: `suffix` below.
  MetricsText& summary(std::string_view name, std::string_view help);

  MetricsText& sample(std::uint64_t value, Labels labels = {}, std::string_view suffix = {});
  MetricsText& sample(double value, Labels labels = {}, std::string_view suffix = {});

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  MetricsText& begin(std::string_view name, std::string_view help, std::string_view type);
  void name_and_labels(Labels labels, std::string_view suffix);

  std::string text_;
  std::string name_;
};

}  // namespace caveat
