#include "adapters/rocksdb/manifest_check.h"

#include <fmt/format.h>

#include <string>

#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {

Result<ManifestEnd> check_manifest(const std::filesystem::path& directory,
                                   const std::filesystem::path& shown, const OpenLogs& open) {
  CAVEAT_ASSIGN(const std::string name, current_manifest(directory));
  if (name.empty()) return {};  // without either file RocksDB says so itself
  auto manifest = LogFile::open(directory / name);
  if (!manifest) {
    if (manifest.error().code() == ErrorCode::not_found) return {};
    return fail(manifest.error());
  }
  using Found = LogFile::Step;
  LogFile::Fragment fragment;
  std::uint64_t record = 0;  // where the last one begins that is not whole
  bool whole = true;
  auto step = manifest->next(fragment);
  for (; step && *step == Found::fragment; step = manifest->next(fragment)) {
    if (whole) record = fragment.offset;
    whole = fragment.kind == LogFile::Kind::full || fragment.kind == LogFile::Kind::last;
  }
  if (step && *step == Found::bad) {
    const auto bad = manifest->bad();
    const std::uint64_t end = whole ? bad.offset : record;
    step = manifest->next_sound(fragment);
    const bool sound_behind = step && *step == Found::fragment;
    if (open.power_lost() && end > 0 && (bad.unwritten || (bad.torn && !sound_behind))) {
      return ManifestEnd{name, end};
    }
    if (step && (sound_behind || !bad.torn)) {
      return fail(ErrorCode::corruption,
                  fmt::format("{} is damaged at byte {} ({}). Nothing was changed: restore the "
                              "store from a backup, or write what can be read into a new one: "
                              "caveat repair STORE NEW",
                              (shown / name).string(), bad.offset, bad.why));
    }
  }
  if (!step) return fail(step.error().within((shown / name).string()));
  return {};
}

}  // namespace caveat::detail
