// A directory for a private copy of a store, gone when the command is.
#pragma once

#include <filesystem>

#include "caveat/error.h"

namespace caveat::cli {

class ScratchDirectory {
 public:
  // Beside the store, so that files can be linked instead of copied; where that cannot be written,
  // in the system's directory for temporary files. Removes what killed commands left in both: a
  // directory that no process holds the lock of.
  [[nodiscard]] static Result<ScratchDirectory> make(const std::filesystem::path& store);
  // In the system's directory for temporary files at once.
  [[nodiscard]] static Result<ScratchDirectory> make_temporary(const std::filesystem::path& store);
  ScratchDirectory(ScratchDirectory&& other) noexcept;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  [[nodiscard]] static Result<ScratchDirectory> make_below(const std::filesystem::path& parent,
                                                           const std::filesystem::path& store);
  ScratchDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

  std::filesystem::path path_;
  int lock_;  // held while the directory is in use; by it a later command sees that it is not
};

}  // namespace caveat::cli
