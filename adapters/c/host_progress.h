// A host's progress function, behind the port.
#pragma once

#include <string>

#include "caveat/c.h"
#include "caveat/ports.h"

namespace caveat::c {

// What a host's C++ throws stops the operation.
class HostProgress final : public ProgressSink {
 public:
  HostProgress(caveat_progress report, void* context) : report_(report), context_(context) {}
  [[nodiscard]] bool on_progress(const Progress& progress) override {
    try {
      stage_ = progress.stage;
      return report_(context_, stage_.c_str(), progress.done, progress.total) == 0;
    } catch (...) {
      return false;
    }
  }
  // Null where the host gave no function.
  [[nodiscard]] ProgressSink* sink() noexcept { return report_ == nullptr ? nullptr : this; }

 private:
  const caveat_progress report_;
  void* const context_;
  std::string stage_;  // with a zero behind it
};

}  // namespace caveat::c
