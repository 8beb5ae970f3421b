// A copy of a store that is only looked at: the store itself is not changed, and another process
// may have it open.
#pragma once

#include <filesystem>

#include "caveat/error.h"

namespace caveat::sqlite {

// Gone with the object; what a killed process left, the `caveat` command removes.
class PrivateCopy {
 public:
  // Beside the store, where table files can be linked; where that cannot be written, in the
  // system's directory for temporary files. Errors as of checkpoint_of_live_store.
  [[nodiscard]] static Result<PrivateCopy> make(const std::filesystem::path& store);
  PrivateCopy(PrivateCopy&& other) noexcept;
  PrivateCopy& operator=(PrivateCopy&&) = delete;
  ~PrivateCopy();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return copy_; }

 private:
  PrivateCopy(std::filesystem::path directory, int lock)
      : directory_(std::move(directory)), lock_(lock) {}
  [[nodiscard]] static Result<PrivateCopy> make_below(const std::filesystem::path& parent,
                                                      const std::filesystem::path& store);

  std::filesystem::path directory_;
  std::filesystem::path copy_;  // the store in it
  int lock_;                    // by it others see that the directory is in use
};

}  // namespace caveat::sqlite
