#include "tools/cli/dangling_link.h"

namespace caveat::cli {

std::optional<StorageError> dangling_link(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  // A slash behind a link would ask for what it leads to.
  const auto link = path.has_filename() ? path : path.parent_path();
  if (!fs::is_symlink(fs::symlink_status(link, error)) || fs::exists(link, error)) {
    return std::nullopt;
  }
  const auto target = fs::read_symlink(link, error);
  return StorageError(ErrorCode::not_found, path.string() + ": this is a link to " +
                                                target.string() + ", where nothing is");
}

}  // namespace caveat::cli
