// Where backups may not be.
#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "adapters/rocksdb/backup_files.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

// Without links, as far as it is there.
Result<fs::path> real_path(const fs::path& given) {
  std::error_code error;
  fs::path path = fs::absolute(given, error);
  if (!error) path = fs::weakly_canonical(path, error);
  if (error) return fail(ErrorCode::io_error, given.string() + ": " + error.message());
  if (!path.has_filename()) path = path.parent_path();  // of "store/"
  return path;
}

bool is_within(const fs::path& path, const fs::path& directory) {
  return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first ==
         directory.end();
}

}  // namespace

Result<void> check_apart(const fs::path& store, const fs::path& backups) {
  CAVEAT_ASSIGN(const fs::path of_store, real_path(store));
  CAVEAT_ASSIGN(const fs::path of_backups, real_path(backups));
  const bool inside = is_within(of_backups, of_store);
  if (!inside && !is_within(of_store, of_backups)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the backups {} lie {} the store {}: a restore of the store would delete "
                          "them. Keep them apart, best on another disk",
                          backups.string(), inside ? "in" : "around", store.string()));
}

}  // namespace caveat::detail
