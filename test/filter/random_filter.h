// Filters at random, each with what it means, written down a second time: a function of a record.
#pragma once

#include <functional>
#include <random>
#include <string>
#include <vector>

#include "caveat/types.h"

namespace caveat::test {

using Meets = std::function<bool(const ExceptionRecord&)>;

struct RandomFilter {
  std::string text;  // without order and limit
  Meets meets;
};

class FilterMaker {
 public:
  explicit FilterMaker(std::mt19937_64& random) : random_(random) {}
  [[nodiscard]] RandomFilter make(int depth);

  // Records of few values, so that filters find some.
  [[nodiscard]] ExceptionRecord record();
  [[nodiscard]] static const std::vector<std::string>& properties();

 private:
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  [[nodiscard]] RandomFilter leaf();
  [[nodiscard]] RandomFilter node_leaf();
  [[nodiscard]] RandomFilter property_leaf();
  [[nodiscard]] RandomFilter source_leaf();
  [[nodiscard]] RandomFilter confidence_leaf();
  [[nodiscard]] RandomFilter time_leaf();
  [[nodiscard]] RandomFilter value_leaf();
  [[nodiscard]] RandomFilter reason_leaf();

  std::mt19937_64& random_;
};

}  // namespace caveat::test
