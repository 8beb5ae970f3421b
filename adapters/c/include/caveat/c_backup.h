/* Backups: copies of a store that is being written to, in a directory that holds any number of
 * them. What each call does and promises: caveat/backup.h. Part of caveat/c.h, which includes this
 * file. */
#pragma once

#include "caveat/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a backup is. */
typedef struct caveat_backup {
  size_t size;        /* sizeof(caveat_backup) */
  uint64_t id;        /* 1, 2, 3, ...: later is higher */
  int64_t created_ns; /* since the Unix epoch */
  uint64_t records;   /* as the store counted them */
  uint64_t bytes;     /* of all its files */
  uint64_t new_bytes; /* of those, what no backup before it had */
  uint64_t files;     /* of it */
} caveat_backup;

/* `keep`: how many to leave afterwards, the newest; 0: all. `check` 1: read everything back first.
 * Reads and writes go on. `made` may be NULL; otherwise its size is set. */
caveat_code caveat_create_backup(caveat_store* store, const char* directory, uint64_t keep,
                                 int32_t check, caveat_progress progress, void* context,
                                 caveat_backup* made, caveat_error** error);
/* JSON, to be freed: "backups", oldest first, with the figures of each or "error", why it cannot be
 * used. */
caveat_code caveat_list_backups(const char* directory, caveat_string* json, caveat_error** error);
/* `id` 0: the newest. `records` 1: open it as a store too, and check every record; for one that was
 * encrypted that takes its keys, and without them it is CAVEAT_KEY_MISSING. */
caveat_code caveat_verify_backup(const char* directory, uint64_t id, int32_t records,
                                 caveat_progress progress, void* context, caveat_backup* found,
                                 caveat_error** error);
/* The same with `records`, and with keys: of `options` only `keys` or `key_provider` is looked at.
 */
caveat_code caveat_verify_backup_with_keys(const char* directory, uint64_t id,
                                           const caveat_options* options, caveat_progress progress,
                                           void* context, caveat_backup* found,
                                           caveat_error** error);
/* Makes the store `target` of it. `replace` 1: in place of one that is there, and is not open. */
caveat_code caveat_restore_backup(const char* directory, uint64_t id, const char* target,
                                  int32_t replace, caveat_progress progress, void* context,
                                  caveat_backup* restored, caveat_error** error);
caveat_code caveat_delete_backup(const char* directory, uint64_t id,
                                 caveat_error** error); /* frees what no other backup has */
/* Deletes all but the newest `keep`; `deleted` (may be NULL) is how many. */
caveat_code caveat_keep_newest_backups(const char* directory, uint64_t keep, uint64_t* deleted,
                                       caveat_error** error);

#ifdef __cplusplus
}
#endif
