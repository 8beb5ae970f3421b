#include "adapters/rocksdb/manifest_check.h"

#include <fmt/format.h>

#include <fstream>
#include <string>

#include "adapters/rocksdb/log_file.h"

namespace caveat::detail {

Result<void> check_manifest(const std::filesystem::path& directory,
                            const std::filesystem::path& shown) {
  std::string name;
  std::ifstream current(directory / "CURRENT");
  // Without either file RocksDB says so itself.
  if (!std::getline(current, name) || !name.starts_with("MANIFEST-")) return {};
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
