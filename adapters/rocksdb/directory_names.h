// The names in a directory. std::filesystem's iterators end the process where there is no memory
// for their next name: libstdc++ has declared incrementing them, with an error code, to throw
// nothing.
#pragma once

#include <dirent.h>
#include <cerrno>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace caveat::detail {

// Calls visit(std::string_view name) for each, in no order, "." and ".." left out, until it has
// returned false. What `visit` throws comes through.
template <class Visit>
[[nodiscard]] std::error_code for_each_name(const std::filesystem::path& directory,
                                            const Visit& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) return {errno, std::generic_category()};
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) return {errno, std::generic_category()};
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (!visit(name)) return {};
  }
}

}  // namespace caveat::detail
