// Backups.
#include "caveat/backup.h"

#include "adapters/c/handles.h"
#include "adapters/c/host_keys.h"
#include "adapters/c/host_progress.h"
#include "adapters/c/sized.h"
#include "adapters/c/string_out.h"
#include "adapters/json/json_writer.h"

using namespace caveat;
using namespace caveat::c;

namespace {

constexpr std::size_t kFirstBackupBytes = offsetof(caveat_backup, files) + sizeof(uint64_t);

// Checks the directory and the place for the result, and runs `work`, which returns a BackupInfo.
template <class Work>
caveat_code with_backup(const char* directory, caveat_backup* out, caveat_error** error,
                        Work&& work) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(directory, "directory"));
    if (out != nullptr) CAVEAT_TRY(check_size(out, kFirstBackupBytes, "caveat_backup"));
    CAVEAT_ASSIGN(const BackupInfo info, work());
    if (out == nullptr) return {};
    caveat_backup made{};
    made.id = info.id;
    made.created_ns = info.created_ns;
    made.records = info.records;
    made.bytes = info.bytes;
    made.new_bytes = info.new_bytes;
    made.files = info.files;
    write_sized(made, out);
    return {};
  });
}

std::optional<std::uint64_t> newest_or(std::uint64_t id) {
  return id == 0 ? std::nullopt : std::optional(id);
}

}  // namespace

caveat_code caveat_create_backup(caveat_store* store, const char* directory, uint64_t keep,
                                 int32_t check, caveat_progress progress, void* context,
                                 caveat_backup* made, caveat_error** error) {
  HostProgress told(progress, context);
  return with_backup(directory, made, error, [&]() -> Result<BackupInfo> {
    CAVEAT_ASSIGN(auto* const opened, store_of(store));
    BackupOptions options;
    options.keep = keep;
    options.verify = check != 0;
    options.progress = told.sink();
    return create_backup(*opened, directory, options);
  });
}

caveat_code caveat_list_backups(const char* directory, caveat_string* out, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(directory, "directory"));
    CAVEAT_TRY(need(out, "json"));
    CAVEAT_ASSIGN(const auto all, list_backups(directory));
    json::JsonWriter text;
    text.begin_object().begin_list("backups");
    for (const auto& one : all) {
      text.begin_object().field("id", one.id);
      if (one.info) {
        text.field("created_ns", one.info->created_ns)
            .field("records", one.info->records)
            .field("bytes", one.info->bytes)
            .field("new_bytes", one.info->new_bytes)
            .field("files", one.info->files);
      } else {
        text.field("error", one.info.error().message());
      }
      text.end_object();
    }
    *out = copy_of(text.end_list().end_object().written());
    return {};
  });
}

caveat_code caveat_verify_backup(const char* directory, uint64_t id, int32_t records,
                                 caveat_progress progress, void* context, caveat_backup* found,
                                 caveat_error** error) {
  HostProgress told(progress, context);
  return with_backup(directory, found, error, [&] {
    BackupVerifyOptions options;
    options.records = records != 0;
    options.progress = told.sink();
    return verify_backup(directory, newest_or(id), options);
  });
}

caveat_code caveat_verify_backup_with_keys(const char* directory, uint64_t id,
                                           const caveat_options* options, caveat_progress progress,
                                           void* context, caveat_backup* found,
                                           caveat_error** error) {
  HostProgress told(progress, context);
  return with_backup(directory, found, error, [&]() -> Result<BackupInfo> {
    BackupVerifyOptions with;
    with.records = true;
    with.progress = told.sink();
    CAVEAT_ASSIGN(with.keys, host_keys(options));
    return verify_backup(directory, newest_or(id), with);
  });
}

caveat_code caveat_restore_backup(const char* directory, uint64_t id, const char* target,
                                  int32_t replace, caveat_progress progress, void* context,
                                  caveat_backup* restored, caveat_error** error) {
  HostProgress told(progress, context);
  return with_backup(directory, restored, error, [&]() -> Result<BackupInfo> {
    CAVEAT_TRY(need(target, "target"));
    RestoreOptions options;
    options.replace = replace != 0;
    options.progress = told.sink();
    return restore_backup(directory, newest_or(id), target, options);
  });
}

caveat_code caveat_delete_backup(const char* directory, uint64_t id, caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(directory, "directory"));
    return delete_backup(directory, id);
  });
}

caveat_code caveat_keep_newest_backups(const char* directory, uint64_t keep, uint64_t* deleted,
                                       caveat_error** error) {
  return guarded(error, [&]() -> Result<void> {
    CAVEAT_TRY(need(directory, "directory"));
    CAVEAT_ASSIGN(const auto gone, keep_newest_backups(directory, keep));
    if (deleted != nullptr) *deleted = gone;
    return {};
  });
}
