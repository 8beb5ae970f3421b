/* caveat as a plug-in: for hosts that load libcaveat.so when they run.
 *
 *   void* library = dlopen("libcaveat.so.0", RTLD_NOW | RTLD_LOCAL);
 *   caveat_plugin_entry entry = (caveat_plugin_entry)dlsym(library, CAVEAT_PLUGIN_SYMBOL);
 *   const caveat_api* caveat = entry();
 *   if (!caveat_api_fits(caveat)) ...refuse it...
 *   caveat->open("birds.store", NULL, &store, &error);
 *
 * The table has one function for each call of caveat/c.h, under the same name without its prefix,
 * and in the order in which they came. Under one abi_version functions are only ever added, at the
 * end: a library may know more than the host, and `size` says how much it knows. A library that
 * does not fit is to be left alone: nothing but the first two fields may be read.
 *
 * The library must not be unloaded while it has an open store: threads of its own would go with it.
 */
#pragma once

#include "caveat/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The table; the calls are those of caveat/c.h. */
typedef struct caveat_api {
  size_t size;          /* of the whole table, as the library has it */
  uint32_t abi_version; /* CAVEAT_ABI_VERSION of the library */

  const char* (*version)(void);
  caveat_code (*error_code)(const caveat_error* error);
  const char* (*error_message)(const caveat_error* error);
  void (*error_free)(caveat_error* error);
  const char* (*code_name)(caveat_code code);
  void (*string_free)(caveat_string* string);
  const char* (*source_name)(int32_t source);
  int32_t (*source_from_name)(const char* name, size_t name_size);
  int32_t (*source_priority)(int32_t source);
  void (*record_free)(const caveat_record* record);
  uint64_t (*hash_property)(const char* name, size_t name_size);
  caveat_code (*open)(const char* path, const caveat_options* options, caveat_store** store,
                      caveat_error** error);
  caveat_code (*open_volatile)(const caveat_options* options, caveat_store** store,
                               caveat_error** error);
  caveat_code (*close)(caveat_store* store, caveat_error** error);
  void (*store_release)(caveat_store* store);
  caveat_code (*register_property)(caveat_store* store, const char* name, size_t name_size,
                                   uint64_t* property, caveat_error** error);
  caveat_code (*register_properties)(caveat_store* store, const caveat_string* names, size_t count,
                                     caveat_error** error);
  caveat_code (*property_name)(const caveat_store* store, uint64_t property, caveat_string* name,
                               caveat_error** error);
  caveat_code (*store_exception)(caveat_store* store, const caveat_record* record,
                                 int32_t durability, caveat_error** error);
  caveat_code (*remove_exception)(caveat_store* store, uint64_t node, uint64_t property,
                                  int32_t durability, caveat_error** error);
  caveat_code (*exchange_exception)(caveat_store* store, const caveat_record* record,
                                    int32_t durability, const caveat_record** was,
                                    caveat_error** error);
  caveat_code (*take_exception)(caveat_store* store, uint64_t node, uint64_t property,
                                int32_t durability, const caveat_record** was,
                                caveat_error** error);
  caveat_code (*compare_and_set)(caveat_store* store, uint64_t node, uint64_t property,
                                 const caveat_record* expected, const caveat_record* desired,
                                 int32_t durability, int32_t* swapped, caveat_error** error);
  caveat_code (*bulk_store)(caveat_store* store, const caveat_record* records, size_t count,
                            int32_t durability, uint64_t* distinct, caveat_error** error);
  caveat_code (*clear_node)(caveat_store* store, uint64_t node, int32_t durability,
                            caveat_error** error);
  caveat_code (*clear_property)(caveat_store* store, uint64_t property, int32_t durability,
                                caveat_error** error);
  caveat_code (*flush)(caveat_store* store, caveat_error** error);
  caveat_code (*batch_create)(caveat_batch** batch, caveat_error** error);
  caveat_code (*batch_store_exception)(caveat_batch* batch, const caveat_record* record,
                                       caveat_error** error);
  caveat_code (*batch_remove_exception)(caveat_batch* batch, uint64_t node, uint64_t property,
                                        caveat_error** error);
  caveat_code (*batch_clear_node)(caveat_batch* batch, uint64_t node, caveat_error** error);
  caveat_code (*batch_clear_property)(caveat_batch* batch, uint64_t property, caveat_error** error);
  caveat_code (*batch_clear)(caveat_batch* batch, caveat_error** error);
  caveat_code (*batch_size)(caveat_batch* batch, size_t* writes, size_t* bytes,
                            caveat_error** error);
  caveat_code (*write)(caveat_store* store, caveat_batch* batch, int32_t durability,
                       caveat_error** error);
  void (*batch_release)(caveat_batch* batch);
  caveat_code (*snapshot_create)(const caveat_store* store, caveat_snapshot** snapshot,
                                 caveat_error** error);
  uint64_t (*snapshot_sequence)(const caveat_snapshot* snapshot);
  void (*snapshot_release)(caveat_snapshot* snapshot);
  caveat_code (*contains)(const caveat_store* store, const caveat_snapshot* snapshot, uint64_t node,
                          uint64_t property, int32_t* found, caveat_error** error);
  caveat_code (*has_exceptions)(const caveat_store* store, const caveat_snapshot* snapshot,
                                uint64_t node, int32_t* found, caveat_error** error);
  caveat_code (*retrieve_exception)(const caveat_store* store, const caveat_snapshot* snapshot,
                                    uint64_t node, uint64_t property, const caveat_record** record,
                                    caveat_error** error);
  caveat_code (*bulk_retrieve)(const caveat_store* store, const caveat_snapshot* snapshot,
                               const caveat_key* keys, size_t count, const caveat_record** records,
                               caveat_error** error);
  caveat_code (*cursor_open)(const caveat_store* store, const caveat_snapshot* snapshot,
                             const caveat_query* query, caveat_cursor** cursor,
                             caveat_error** error);
  caveat_code (*cursor_next)(caveat_cursor* cursor, const caveat_record** record,
                             caveat_error** error);
  caveat_code (*cursor_skip_damage)(caveat_cursor* cursor, int32_t* skipped, caveat_error** error);
  caveat_code (*cursor_resume_token)(caveat_cursor* cursor, caveat_string* token,
                                     caveat_error** error);
  void (*cursor_release)(caveat_cursor* cursor);
  caveat_code (*count)(const caveat_store* store, const caveat_snapshot* snapshot,
                       const caveat_query* query, uint64_t* count, caveat_error** error);
  caveat_code (*explain)(const caveat_store* store, const caveat_snapshot* snapshot,
                         const caveat_query* query, caveat_string* text, caveat_error** error);
  caveat_code (*explain_json)(const caveat_store* store, const caveat_snapshot* snapshot,
                              const caveat_query* query, caveat_string* json, caveat_error** error);
  caveat_code (*optimize_storage)(caveat_store* store, caveat_progress progress, void* context,
                                  caveat_optimization* results, caveat_error** error);
  caveat_code (*compact_storage)(caveat_store* store, caveat_progress progress, void* context,
                                 caveat_compaction* results, caveat_error** error);
  caveat_code (*rebuild_indexes)(caveat_store* store, caveat_progress progress, void* context,
                                 caveat_error** error);
  caveat_code (*verify)(const caveat_store* store, caveat_progress progress, void* context,
                        caveat_verification* results, caveat_string* report_json,
                        caveat_error** error);
  caveat_code (*statistics_get)(caveat_store* store, int32_t exact, caveat_statistics* statistics,
                                caveat_error** error);
  caveat_code (*statistics_json)(caveat_store* store, int32_t exact, caveat_string* json,
                                 caveat_error** error);
  caveat_code (*metrics)(const caveat_store* store, caveat_string* text, caveat_error** error);
  caveat_code (*create_backup)(caveat_store* store, const char* directory, uint64_t keep,
                               int32_t check, caveat_progress progress, void* context,
                               caveat_backup* made, caveat_error** error);
  caveat_code (*list_backups)(const char* directory, caveat_string* json, caveat_error** error);
  caveat_code (*verify_backup)(const char* directory, uint64_t id, int32_t records,
                               caveat_progress progress, void* context, caveat_backup* found,
                               caveat_error** error);
  caveat_code (*restore_backup)(const char* directory, uint64_t id, const char* target,
                                int32_t replace, caveat_progress progress, void* context,
                                caveat_backup* restored, caveat_error** error);
  caveat_code (*delete_backup)(const char* directory, uint64_t id, caveat_error** error);
  caveat_code (*keep_newest_backups)(const char* directory, uint64_t keep, uint64_t* deleted,
                                     caveat_error** error);
  caveat_code (*key_usage)(const caveat_store* store, caveat_key_use* uses, size_t room,
                           size_t* count, caveat_error** error);
  caveat_code (*verify_backup_with_keys)(const char* directory, uint64_t id,
                                         const caveat_options* options, caveat_progress progress,
                                         void* context, caveat_backup* found, caveat_error** error);
  caveat_code (*erase_exception)(caveat_store* store, uint64_t node, uint64_t property,
                                 int32_t durability, int32_t* erased, caveat_error** error);
  caveat_code (*forget_lost_writes)(caveat_store* store, uint64_t* forgotten, caveat_error** error);
} caveat_api;

/* The table is constant and lives as long as the library is loaded. */
const caveat_api* caveat_plugin(void);
/* The type of caveat_plugin, for dlsym. */
typedef const caveat_api* (*caveat_plugin_entry)(void);
#define CAVEAT_PLUGIN_SYMBOL "caveat_plugin" /* for dlsym */

/* 1 where the library has all that this header names. A host that can do with less compares `size`
 * with offsetof of the last function that it needs. */
static inline int caveat_api_fits(const caveat_api* api) {
  return api != NULL && api->size >= sizeof(caveat_api) && api->abi_version == CAVEAT_ABI_VERSION;
}

#ifdef __cplusplus
}
#endif
