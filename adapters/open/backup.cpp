// Backups, as far as they concern a store and not its files.
#include "caveat/backup.h"

#include "adapters/rocksdb/backup_files.h"
#include "caveat/storage_optimizer.h"
#include "engine/encryption/encrypted_backend.h"
#include "engine/store/engine.h"

namespace caveat {
namespace {

// The steps of a verification are those of other operations, and say what became of these.
StorageError of_verification(const StorageError& error, const std::string& shown) {
  if (error.code() != ErrorCode::cancelled) return error;
  return {ErrorCode::cancelled,
          "verify " + shown + ": stopped by its caller; it was not read to its end"};
}

// What is wrong with the records of a backup; empty: nothing.
Result<std::string> look_at_records(const detail::BackupDirectory& directory,
                                    const detail::BackupManifest& manifest,
                                    const BackupVerifyOptions& options) {
  const std::string shown = "backup " + std::to_string(manifest.id);
  CAVEAT_ASSIGN(const auto scratch, detail::TemporaryDirectory::make());
  const auto path = scratch.path() / "store";
  CAVEAT_TRY(detail::assemble(directory, manifest, path));
  Options look;
  look.create_if_missing = false;
  look.background_maintenance = false;
  look.encryption.keys = options.keys;
  const auto store = StorageOptimizer::open(path, look);
  if (!store) return fail(store.error().within(shown));
  const auto found = store->verify(options.progress);
  if (!found) return fail(of_verification(found.error(), shown));
  if (!found->errors.empty()) return found->errors.front();
  if (found->missing_hints > 0) {
    return std::to_string(found->missing_hints) + " hints are missing";
  }
  return found->sound() ? "" : "an index is not complete";
}

}  // namespace

Result<BackupInfo> create_backup(StorageOptimizer& store, const std::filesystem::path& backups,
                                 const BackupOptions& options) {
  Core& core = store.engine().core();
  const std::int64_t begun = steady_now_ns();
  const auto go_on = [&] {
    return options.progress == nullptr || options.progress->on_progress({"fold", 0, 0});
  };
  if (!go_on()) return fail(ErrorCode::cancelled, "backup: stopped by its caller");
  // In partitions, so that opening it has nothing to replay; and then the store may not be closed.
  if (core.backend->persistent()) CAVEAT_TRY(store.flush());
  const Snapshot held = store.snapshot();
  // Where damage does not let them be counted, about so many.
  const auto counted = store.get_storage_statistics();
  const std::uint64_t records =
      counted ? counted->total_exceptions : store.estimate_storage_statistics().total_exceptions;
  KvBackend& files = core.encrypted == nullptr ? *core.backend : core.encrypted->inner();
  auto made = detail::back_up_files(files, core.clock.now_ns(), records, backups, options);
  if (!made) return made;
  core.log.send(Severity::info, "maintenance", "backup_done", "a backup was made",
                {{"id", made->id},
                 {"bytes", made->bytes},
                 {"new_bytes", made->new_bytes},
                 {"seconds", seconds_of_ns(steady_now_ns() - begun)}});
  return made;
}

Result<BackupInfo> verify_backup(const std::filesystem::path& backups,
                                 std::optional<std::uint64_t> id,
                                 const BackupVerifyOptions& options) {
  using namespace detail;
  CAVEAT_ASSIGN(const auto directory, BackupDirectory::open(backups, BackupDirectory::Use::read));
  CAVEAT_ASSIGN(const BackupManifest manifest, directory.find(id));
  const std::string shown = "backup " + std::to_string(manifest.id);
  if (const auto files = check_backup(directory, manifest, options.progress); !files) {
    return fail(of_verification(files.error(), shown));
  }
  if (!options.records) return manifest.info();

  // What is found may be an error of the disk, which is no damage: it is if the files cannot be
  // read now, or if all is well the second time.
  CAVEAT_ASSIGN(auto wrong, look_at_records(directory, manifest, options));
  if (wrong.empty()) return manifest.info();
  CopyProgress quiet(nullptr, "", 0);
  if (const auto files = check_contents(directory, manifest, quiet); !files) {
    return fail(of_verification(files.error(), shown));
  }
  CAVEAT_ASSIGN(wrong, look_at_records(directory, manifest, options));
  if (wrong.empty()) return manifest.info();
  return fail(ErrorCode::corruption,
              shown + ": the store was damaged when it was backed up: " + wrong);
}

}  // namespace caveat
