#include "adapters/rocksdb/manifest_check.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/manifest_edits.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAdvice =
    "Nothing was changed: restore the store from a backup, or write what can be read into a new "
    "one: caveat repair STORE NEW";

// The end may be missing, while all that is there is sound.
Result<void> check_end(const fs::path& directory, const fs::path& shown, const std::string& name,
                       const OpenLogs& open, const ManifestNote& note) {
  const fs::path manifest = directory / name;
  const auto error = [&](const StorageError& of) {
    return fail(of.within((shown / name).string()));
  };
  if (note.number != 0 && note.number == manifest_number(name)) {
    const auto same = agrees(manifest, note);
    if (!same && same.error().code() == ErrorCode::not_found) return {};
    if (!same) return error(same.error());
    if (*same) return {};
    std::error_code unknown;
    const auto size = fs::file_size(manifest, unknown);
    const std::string what =
        !unknown && size < note.bytes
            ? fmt::format("ends at byte {}, but {} bytes of it were written", size, note.bytes)
            : fmt::format("is not what was written: its first {} bytes are others", note.bytes);
    return fail(ErrorCode::corruption,
                fmt::format("{} is damaged: it {}, says {}. {}", (shown / name).string(), what,
                            kLockFile, kAdvice));
  }
  // A note on another MANIFEST: the store has been opened since it was closed, though power was
  // lost before the lock file said so on the device.
  const bool opened_since = note.number != 0;
  const bool closed =
      !opened_since && open.newest == 0 && open.boot.empty() && !has_logged(directory);
  const auto misfit = manifest_misfit(manifest, closed);
  if (!misfit && misfit.error().code() == ErrorCode::not_found) return {};
  if (!misfit) return error(misfit.error());
  if (misfit->empty()) return {};
  // A copy may lack the lock file, and was taken for that of a closed store.
  const std::string copy =
      opened_since ? ""
                   : fmt::format(
                         " ({} does not say how much there must be. If this is a copy: copy all of "
                         "the directory, that file too, or make a backup: caveat backup STORE DIR)",
                         kLockFile);
  return fail(ErrorCode::corruption,
              fmt::format("{} is damaged: its end is missing, or it is of another store ({}){}. {}",
                          (shown / name).string(), *misfit, copy, kAdvice));
}

}  // namespace

Result<void> check_manifest_end(const fs::path& directory, const fs::path& shown,
                                const OpenLogs& open, const ManifestNote& note) {
  CAVEAT_ASSIGN(const std::string name, current_manifest(directory));
  if (name.empty()) return {};
  return check_end(directory, shown, name, open, note);
}

Result<ManifestEnd> check_manifest(const fs::path& directory, const fs::path& shown,
                                   const OpenLogs& open, const ManifestNote& note) {
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
    const bool noted = note.number == manifest_number(name) && end < note.bytes;
    if (open.power_lost() && end > 0 && !noted && (bad.unwritten || (bad.torn && !sound_behind))) {
      return ManifestEnd{name, end};
    }
    if (step && (sound_behind || !bad.torn)) {
      return fail(ErrorCode::corruption,
                  fmt::format("{} is damaged at byte {} ({}). {}", (shown / name).string(),
                              bad.offset, bad.why, kAdvice));
    }
  }
  if (!step) return fail(step.error().within((shown / name).string()));
  CAVEAT_TRY(check_end(directory, shown, name, open, note));
  return {};
}

}  // namespace caveat::detail
