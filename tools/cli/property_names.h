// Names of properties by their hash, looked up once.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "caveat/storage_optimizer.h"

namespace caveat::cli {

class PropertyNames {
 public:
  explicit PropertyNames(const StorageOptimizer& store) : store_(&store) {}
  // Valid until the next call.
  [[nodiscard]] const std::optional<std::string>& of(PropertyHash property) {
    const auto found = names_.find(property);
    if (found != names_.end()) return found->second;
    if (names_.size() >= kNamesMax) names_.clear();
    return names_.emplace(property, store_->property_name(property)).first->second;
  }

 private:
  static constexpr std::size_t kNamesMax = 100'000;  // then it starts anew

  const StorageOptimizer* store_;
  std::unordered_map<PropertyHash, std::optional<std::string>> names_;
};

}  // namespace caveat::cli
