#include "adapters/rocksdb/manifest_check.h"

#include <fmt/format.h>

#include <string>

#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {

Result<void> check_manifest(const std::filesystem::path& directory,
                            const std::filesystem::path& shown) {
  const std::string name = current_manifest(directory);
  if (name.empty()) return {};  // without either file RocksDB says so itself
  auto manifest = LogFile::open(directory / name);
  if (!manifest) {
    if (manifest.error().code() == ErrorCode::not_found) return {};
    return fail(manifest.error());
  }
  using Found = LogFile::Step;
  LogFile::Fragment fragment;
  auto step = manifest->next(fragment);
  while (step && *step == Found::fragment) step = manifest->next(fragment);
  if (step && *step == Found::bad) {
    const auto bad = manifest->bad();
    step = manifest->next_sound(fragment);
    if (step && (*step == Found::fragment || !bad.torn)) {
      return fail(ErrorCode::corruption,
                  fmt::format("{} is damaged at byte {} ({}). Nothing was changed: restore the "
                              "store from a backup",
                              (shown / name).string(), bad.offset, bad.why));
    }
  }
  if (!step) return fail(step.error().within((shown / name).string()));
  return {};
}

}  // namespace caveat::detail
