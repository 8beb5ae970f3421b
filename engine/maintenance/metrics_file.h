// A small file that is replaced as a whole: who reads it sees the old text or the new one.
#pragma once

#include <filesystem>
#include <string_view>

#include "caveat/error.h"

namespace caveat {

class MetricsFile {
 public:
  explicit MetricsFile(std::filesystem::path path);

  // Into a draft beside it (".draft" behind its name), which then takes its place. Mode 0600, or
  // mode and, where this process may give it, group of the file that is replaced. After an error
  // (io_error, no_space; named) the old one is still there. Not synced: after a loss of power it is
  // of no use.
  [[nodiscard]] Result<void> write(std::string_view text) const;

  // As far as possible.
  void remove() const noexcept;

 private:
  std::filesystem::path path_;
  std::filesystem::path draft_;
};

}  // namespace caveat
