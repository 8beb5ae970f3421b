// One version of the store, shared by several calls.
#pragma once

#include <cstdint>
#include <memory>

namespace caveat {

struct ReadView;

// Copies share the version. What it can see stays in memory and on disk until the last copy goes;
// statistics show the age of the oldest. The store must outlive it.
class Snapshot {
 public:
  // Writes up to this engine sequence number are in it.
  [[nodiscard]] std::uint64_t sequence() const noexcept;

  // Made by the engine.
  explicit Snapshot(std::shared_ptr<const ReadView> view) : view_(std::move(view)) {}
  [[nodiscard]] const ReadView& view() const noexcept { return *view_; }
  [[nodiscard]] const std::shared_ptr<const ReadView>& shared_view() const noexcept {
    return view_;
  }

 private:
  std::shared_ptr<const ReadView> view_;
};

}  // namespace caveat
