// Removes what was made on the way, where nothing more can be said or thrown.
#pragma once

#include <ftw.h>
#include <stdio.h>

#include <filesystem>

namespace caveat::detail {

// A directory and all in it, links not followed. What cannot be removed stays, and nobody is told.
// Not by std::filesystem::remove_all: libstdc++'s ends the process where it has no memory.
inline void discard(const std::filesystem::path& path) noexcept {
  constexpr int kDirectoriesOpen = 8;
  const auto remove = [](const char* name, const struct stat*, int, FTW*) {
    static_cast<void>(::remove(name));
    return 0;
  };
  static_cast<void>(::nftw(path.c_str(), remove, kDirectoriesOpen, FTW_DEPTH | FTW_PHYS));
}

}  // namespace caveat::detail
