// The layout in force: replaced as a whole when the store has learnt something, read by any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/tuning/codecs.h"
#include "engine/tuning/tuning.h"

namespace caveat {

struct LayoutInForce {
  LayoutInForce(const Options& options, std::optional<Tuning> chosen)
      : tuning(std::move(chosen)),
        layout(Layout::of(options, tuning ? &*tuning : nullptr)),
        codecs(codecs_at(options, layout.level)),
        dense_codecs(codecs_at(options, layout.optimize_level)) {}

  const std::optional<Tuning> tuning;  // nothing: the store has not chosen yet
  const Layout layout;
  const CodecRegistry codecs;        // for folds and rewrites
  const CodecRegistry dense_codecs;  // for optimize_storage
};

class TuningInForce {
 public:
  explicit TuningInForce(const Options& options)
      : options_(options), now_(std::make_shared<const LayoutInForce>(options, std::nullopt)) {}

  [[nodiscard]] std::shared_ptr<const LayoutInForce> now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void set(std::optional<Tuning> tuning) {
    auto next = std::make_shared<const LayoutInForce>(options_, std::move(tuning));
    const std::lock_guard lock(mutex_);
    now_.swap(next);
  }

  // Why what was chosen before is not known any more. Set by recovery, constant from then on.
  std::optional<StorageError> damage;

 private:
  const Options& options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const LayoutInForce> now_;
};

}  // namespace caveat
