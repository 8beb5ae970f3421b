/* Every call of caveat/c.h, once in earnest, on a volatile store and on one on disk. */
#include <math.h>
#include <unistd.h>

#include "check.h"

static caveat_error* error = NULL;

static void names(caveat_store* store) {
  uint64_t can_fly = 0;
  OK(caveat_register_property(store, "can_fly", 7, &can_fly, &error));
  CHECK(can_fly == caveat_hash_property("can_fly", 7));
  const caveat_string two[2] = {text("wings"), text("legs")};
  OK(caveat_register_properties(store, two, 2, &error));
  caveat_string name = {0};
  OK(caveat_property_name(store, can_fly, &name, &error));
  CHECK(name.size == 7 && strcmp(name.data, "can_fly") == 0);
  caveat_string_free(&name);
  CHECK(name.data == NULL && name.size == 0);
  OK(caveat_property_name(store, 12345, &name, &error));
  CHECK(name.data == NULL);
}

static void one_by_one(caveat_store* store) {
  const uint64_t property = caveat_hash_property("can_fly", 7);
  int32_t found = -1;
  OK(caveat_contains(store, NULL, 42, property, &found, &error));
  CHECK(found == 0);
  caveat_record record = record_of(42, property, 7);
  OK(caveat_store_exception(store, &record, CAVEAT_DURABILITY_DEFAULT, &error));
  OK(caveat_contains(store, NULL, 42, property, &found, &error));
  CHECK(found == 1);
  OK(caveat_has_exceptions(store, NULL, 42, &found, &error));
  CHECK(found == 1);
  OK(caveat_has_exceptions(store, NULL, 43, &found, &error));
  CHECK(found == 0);

  const caveat_record* read = NULL;
  OK(caveat_retrieve_exception(store, NULL, 42, property, &read, &error));
  CHECK(read != NULL && read->key.node == 42 && read->key.property == property);
  CHECK(read->inherited.kind == CAVEAT_BOOLEAN && read->inherited.as.boolean == 1);
  CHECK(read->actual.kind == CAVEAT_INTEGER && read->actual.as.integer == 7);
  CHECK(read->reason.size == 7 && memcmp(read->reason.data, "because", 7) == 0);
  CHECK(read->created_at_ns == 1042 && read->confidence == 0.5F && read->source == CAVEAT_DETECTED);

  const caveat_record* was = NULL;
  caveat_record other = record_of(42, property, 8);
  OK(caveat_exchange_exception(store, &other, CAVEAT_DURABILITY_FSYNC, &was, &error));
  CHECK(was != NULL && was->actual.as.integer == 7);
  /* What was read before stays as it was. */
  CHECK(read->actual.as.integer == 7);
  caveat_record_free(was);

  int32_t swapped = -1;
  OK(caveat_compare_and_set(store, 42, property, read, NULL, 0, &swapped, &error));
  CHECK(swapped == 0);
  OK(caveat_compare_and_set(store, 42, property, &other, &record, 0, &swapped, &error));
  CHECK(swapped == 1);
  caveat_record_free(read);

  OK(caveat_take_exception(store, 42, property, 0, &was, &error));
  CHECK(was != NULL && was->actual.as.integer == 7);
  caveat_record_free(was);
  OK(caveat_take_exception(store, 42, property, 0, &was, &error));
  CHECK(was == NULL);
  int32_t erased = -1;
  OK(caveat_erase_exception(store, 42, property, CAVEAT_DURABILITY_WAL, &erased, &error));
  CHECK(erased == 0);
  OK(caveat_store_exception(store, &record, CAVEAT_DURABILITY_NONE, &error));
  OK(caveat_erase_exception(store, 42, property, CAVEAT_DURABILITY_FSYNC, &erased, &error));
  CHECK(erased == 1);
  OK(caveat_store_exception(store, &record, CAVEAT_DURABILITY_NONE, &error));
  OK(caveat_remove_exception(store, 42, property, CAVEAT_DURABILITY_WAL, &error));
  OK(caveat_retrieve_exception(store, NULL, 42, property, &read, &error));
  CHECK(read == NULL);
}

static void in_bulk(caveat_store* store) {
  enum { kCount = 1000 };
  static caveat_record records[kCount];
  static caveat_key keys[kCount + 1];
  static const caveat_record* read[kCount + 1];
  for (int i = 0; i < kCount; ++i) {
    records[i] = record_of((uint64_t)i / 2, 1 + (uint64_t)i % 2, i);
    records[i].confidence = (float)i / kCount;
    records[i].source = i % 5;
    keys[i] = records[i].key;
  }
  keys[kCount].node = 999999;
  uint64_t distinct = 0;
  OK(caveat_bulk_store(store, records, kCount, 0, &distinct, &error));
  CHECK(distinct == kCount);
  OK(caveat_flush(store, &error));
  OK(caveat_bulk_retrieve(store, NULL, keys, kCount + 1, read, &error));
  for (int i = 0; i < kCount; ++i) {
    CHECK(read[i] != NULL && read[i]->actual.as.integer == i);
    caveat_record_free(read[i]);
  }
  CHECK(read[kCount] == NULL);
}

static void in_batches(caveat_store* store) {
  caveat_batch* batch = NULL;
  OK(caveat_batch_create(&batch, &error));
  const caveat_record record = record_of(5000, 5, 5);
  OK(caveat_batch_store_exception(batch, &record, &error));
  OK(caveat_batch_remove_exception(batch, 0, 1, &error));
  OK(caveat_batch_clear_node(batch, 1, &error));
  size_t writes = 0;
  size_t bytes = 0;
  OK(caveat_batch_size(batch, &writes, &bytes, &error));
  CHECK(writes == 3 && bytes > 0);
  caveat_snapshot* before = NULL;
  OK(caveat_snapshot_create(store, &before, &error));
  OK(caveat_write(store, batch, 0, &error));
  int32_t found = -1;
  OK(caveat_contains(store, NULL, 5000, 5, &found, &error));
  CHECK(found == 1);
  OK(caveat_contains(store, before, 5000, 5, &found, &error));
  CHECK(found == 0);
  OK(caveat_has_exceptions(store, NULL, 1, &found, &error));
  CHECK(found == 0);
  OK(caveat_has_exceptions(store, before, 1, &found, &error));
  CHECK(found == 1);
  CHECK(caveat_snapshot_sequence(before) > 0);
  caveat_snapshot_release(before);
  OK(caveat_batch_clear(batch, &error));
  OK(caveat_batch_size(batch, &writes, NULL, &error));
  CHECK(writes == 0);
  OK(caveat_batch_clear_property(batch, 5, &error));
  OK(caveat_write(store, batch, 0, &error));
  OK(caveat_contains(store, NULL, 5000, 5, &found, &error));
  CHECK(found == 0);
  caveat_batch_release(batch);
}

static uint64_t read_all(caveat_cursor* cursor) {
  uint64_t count = 0;
  for (const caveat_record* record = NULL;; ++count) {
    OK(caveat_cursor_next(cursor, &record, &error));
    if (record == NULL) return count;
  }
}

/* What in_bulk has left of the 1,000: all but (0, 1) and node 1, which in_batches took. */
static void queries(caveat_store* store) {
  caveat_query query = {.size = sizeof query};
  uint64_t count = 0;
  OK(caveat_count(store, NULL, &query, &count, &error));
  CHECK(count == 997);

  query.fields = CAVEAT_QUERY_CONFIDENCE | CAVEAT_QUERY_SOURCE;
  query.confidence_min = 0.5F;
  query.confidence_max = 0.75F;
  query.source = CAVEAT_PROMOTED; /* 502, 507, ..., 747 */
  query.order = CAVEAT_ORDER_CONFIDENCE;
  query.descending = 1;
  caveat_cursor* cursor = NULL;
  OK(caveat_cursor_open(store, NULL, &query, &cursor, &error));
  const caveat_record* record = NULL;
  for (int i = 747; i >= 702; i -= 5) {
    OK(caveat_cursor_next(cursor, &record, &error));
    CHECK(record != NULL && record->actual.as.integer == i);
  }
  caveat_string token = {0};
  OK(caveat_cursor_resume_token(cursor, &token, &error));
  CHECK(token.size > 0 && strlen(token.data) == token.size);
  int32_t skipped = -1;
  OK(caveat_cursor_skip_damage(cursor, &skipped, &error));
  CHECK(skipped == 0);
  caveat_cursor_release(cursor);
  query.resume_token = token;
  OK(caveat_cursor_open(store, NULL, &query, &cursor, &error));
  OK(caveat_cursor_next(cursor, &record, &error));
  CHECK(record != NULL && record->actual.as.integer == 697);
  CHECK(read_all(cursor) == 39);
  caveat_cursor_release(cursor);
  caveat_string_free(&token);
  query.resume_token = token; /* empty now */

  caveat_query range = {.size = sizeof range,
                        .fields = CAVEAT_QUERY_NODES,
                        .node_first = 100,
                        .node_last = 149};
  OK(caveat_count(store, NULL, &range, &count, &error));
  CHECK(count == 100); /* two of each */
  range.size = offsetof(caveat_query, node_first); /* no room for what is asked for */
  CHECK(caveat_count(store, NULL, &range, &count, &error) == CAVEAT_INVALID_ARGUMENT);
  caveat_error_free(error);
  error = NULL;

  caveat_query other = {.size = sizeof other, .fields = CAVEAT_QUERY_NODE, .node = 17};
  OK(caveat_count(store, NULL, &other, &count, &error));
  CHECK(count == 2);
  other.fields = CAVEAT_QUERY_PROPERTY | CAVEAT_QUERY_TIME | CAVEAT_QUERY_LIMIT;
  other.property = 1;
  other.time_start_ns = 1100;
  other.time_end_ns = 1199;
  other.limit = 60;
  OK(caveat_count(store, NULL, &other, &count, &error));
  CHECK(count == 60);
  other.limit = 0;
  OK(caveat_count(store, NULL, &other, &count, &error));
  CHECK(count == 0);

  caveat_string plan = {0};
  OK(caveat_explain(store, NULL, &query, &plan, &error));
  CHECK(strstr(plan.data, "partitions") != NULL);
  caveat_string_free(&plan);
  OK(caveat_explain_json(store, NULL, &query, &plan, &error));
  CHECK(plan.data[0] == '{' && strstr(plan.data, "\"candidates\":[{") != NULL);
  caveat_string_free(&plan);
}

struct Steps {
  int seen;
  int stop_after;
};

static int count_steps(void* context, const char* stage, uint64_t done, uint64_t total) {
  struct Steps* const steps = context;
  CHECK(strlen(stage) > 0);
  (void)done;
  (void)total;
  return ++steps->seen > steps->stop_after;
}

static void maintenance(caveat_store* store) {
  struct Steps steps = {0, 1000000};
  caveat_optimization optimized = {.size = sizeof optimized};
  OK(caveat_optimize_storage(store, count_steps, &steps, &optimized, &error));
  CHECK(steps.seen > 0 && optimized.bytes_after > 0);
  steps = (struct Steps){0, 0};
  FAILS(CAVEAT_CANCELLED, caveat_rebuild_indexes(store, count_steps, &steps, &error));
  CHECK(steps.seen == 1);
  OK(caveat_rebuild_indexes(store, NULL, NULL, &error));
  caveat_compaction compacted = {.size = sizeof compacted};
  OK(caveat_compact_storage(store, NULL, NULL, &compacted, &error));
  OK(caveat_compact_storage(store, NULL, NULL, NULL, &error));

  caveat_verification verified = {.size = sizeof verified};
  caveat_string report = {0};
  OK(caveat_verify(store, NULL, NULL, &verified, &report, &error));
  CHECK(verified.sound == 1 && verified.records == 997 && verified.error_count == 0);
  CHECK(strstr(report.data, "\"sound\":true") != NULL);
  caveat_string_free(&report);
  uint64_t forgotten = 7;
  OK(caveat_forget_lost_writes(store, &forgotten, &error));
  CHECK(forgotten == 0);
  OK(caveat_forget_lost_writes(store, NULL, &error));

  caveat_statistics statistics = {.size = sizeof statistics};
  OK(caveat_statistics_get(store, 1, &statistics, &error));
  CHECK(statistics.exceptions == 997 && statistics.memory_bytes > 0 && statistics.writes > 0);
  caveat_string json = {0};
  OK(caveat_statistics_json(store, 1, &json, &error));
  CHECK(strstr(json.data, "\"total_exceptions\":997") != NULL);
  CHECK(strstr(json.data, "\"columns\":[{") != NULL);
  caveat_string_free(&json);
  OK(caveat_statistics_json(store, 0, &json, &error));
  caveat_string_free(&json);
  OK(caveat_metrics(store, &json, &error));
  CHECK(strstr(json.data, "# TYPE caveat_") != NULL);
  caveat_string_free(&json);
}

static void clearing(caveat_store* store) {
  int32_t found = -1;
  OK(caveat_clear_node(store, 17, 0, &error));
  OK(caveat_contains(store, NULL, 17, 1, &found, &error));
  CHECK(found == 0);
  OK(caveat_clear_property(store, 1, 0, &error));
  caveat_query query = {.size = sizeof query, .fields = CAVEAT_QUERY_PROPERTY, .property = 1};
  uint64_t count = 1;
  OK(caveat_count(store, NULL, &query, &count, &error));
  CHECK(count == 0);
}

static void closing(caveat_store* store) {
  caveat_query query = {.size = sizeof query};
  caveat_cursor* cursor = NULL;
  OK(caveat_cursor_open(store, NULL, &query, &cursor, &error));
  FAILS(CAVEAT_BUSY, caveat_close(store, &error));
  const caveat_record* record = NULL;
  OK(caveat_cursor_next(cursor, &record, &error));
  CHECK(record != NULL);
  caveat_cursor_release(cursor);
  const caveat_record* kept = NULL;
  OK(caveat_retrieve_exception(store, NULL, 20, 2, &kept, &error));
  CHECK(kept != NULL);
  OK(caveat_close(store, &error));
  OK(caveat_close(store, &error));
  FAILS(CAVEAT_CLOSED, caveat_cursor_open(store, NULL, &query, &cursor, &error));
  CHECK(cursor == NULL);
  caveat_store_release(store);
  CHECK(kept->actual.as.integer == 41 && memcmp(kept->reason.data, "because", 7) == 0);
  caveat_record_free(kept);
}

static void all_of(caveat_store* store) {
  names(store);
  one_by_one(store);
  in_bulk(store);
  in_batches(store);
  queries(store);
  maintenance(store);
  clearing(store);
  closing(store);
}

/* Released in the wrong order: the cursor keeps what it needs. */
static void released_before_its_cursor(void) {
  caveat_store* store = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  const caveat_record record = record_of(1, 2, 3);
  OK(caveat_store_exception(store, &record, 0, &error));
  const caveat_query query = {.size = sizeof query};
  caveat_cursor* cursor = NULL;
  caveat_snapshot* snapshot = NULL;
  OK(caveat_cursor_open(store, NULL, &query, &cursor, &error));
  OK(caveat_snapshot_create(store, &snapshot, &error));
  caveat_store_release(store);
  CHECK(read_all(cursor) == 1);
  caveat_cursor_release(cursor);
  caveat_snapshot_release(snapshot);
}

static void words(void) {
  CHECK(strcmp(caveat_version(), "0.1.0") == 0 && caveat_abi_version() == CAVEAT_ABI_VERSION);
  CHECK(strcmp(caveat_code_name(CAVEAT_OK), "ok") == 0);
  CHECK(strcmp(caveat_code_name(CAVEAT_HASH_COLLISION), "hash_collision") == 0);
  CHECK(strcmp(caveat_code_name(CAVEAT_OUT_OF_MEMORY), "out_of_memory") == 0);
  CHECK(strcmp(caveat_code_name(77), "unknown") == 0);
  CHECK(strcmp(caveat_source_name(CAVEAT_PROMOTED), "Promoted") == 0);
  CHECK(caveat_source_name(5) == NULL && caveat_source_name(-1) == NULL);
  CHECK(caveat_source_from_name("Imported", 8) == CAVEAT_IMPORTED);
  CHECK(caveat_source_from_name("nobody", 6) == -1);
  CHECK(caveat_source_priority(CAVEAT_EXPLICIT) == 100 && caveat_source_priority(9) == -1);
  CHECK(caveat_error_code(NULL) == CAVEAT_OK && strcmp(caveat_error_message(NULL), "") == 0);
}

static void backups(caveat_store* store, const char* path) {
  char directory[4096];
  char target[4096];
  CHECK(snprintf(directory, sizeof directory, "%s.backups", path) < (int)sizeof directory);
  CHECK(snprintf(target, sizeof target, "%s.restored", path) < (int)sizeof target);
  caveat_backup made = {.size = sizeof made};
  struct Steps steps = {0, 1000000};
  OK(caveat_create_backup(store, directory, 0, 1, count_steps, &steps, &made, &error));
  CHECK(made.id == 1 && made.bytes > 0 && made.files > 0 && steps.seen > 0);
  OK(caveat_create_backup(store, directory, 0, 1, NULL, NULL, NULL, &error));
  OK(caveat_verify_backup(directory, 0, 1, NULL, NULL, &made, &error));
  CHECK(made.id == 2);
  caveat_string json = {0};
  OK(caveat_list_backups(directory, &json, &error));
  CHECK(strstr(json.data, "{\"id\":1,") != NULL && strstr(json.data, "\"error\"") == NULL);
  caveat_string_free(&json);
  OK(caveat_delete_backup(directory, 1, &error));
  FAILS(CAVEAT_NOT_FOUND, caveat_verify_backup(directory, 1, 0, NULL, NULL, NULL, &error));
  OK(caveat_create_backup(store, directory, 0, 0, NULL, NULL, NULL, &error));
  uint64_t deleted = 0;
  OK(caveat_keep_newest_backups(directory, 1, &deleted, &error));
  CHECK(deleted == 1);
  OK(caveat_restore_backup(directory, 0, target, 0, NULL, NULL, &made, &error));
  FAILS(CAVEAT_ALREADY_EXISTS,
        caveat_restore_backup(directory, 0, target, 0, NULL, NULL, NULL, &error));
  OK(caveat_restore_backup(directory, 0, target, 1, NULL, NULL, NULL, &error));
  FAILS(CAVEAT_INVALID_ARGUMENT,
        caveat_restore_backup(NULL, 0, target, 0, NULL, NULL, NULL, &error));
  FAILS(CAVEAT_INVALID_ARGUMENT,
        caveat_create_backup(NULL, directory, 0, 0, NULL, NULL, NULL, &error));
  caveat_store* restored = NULL;
  OK(caveat_open(target, NULL, &restored, &error));
  int32_t found = -1;
  OK(caveat_contains(restored, NULL, 20, 2, &found, &error));
  CHECK(found == 1);
  caveat_store_release(restored);
}

#define HEX16 "0123456789abcdef"
#define KEY HEX16 HEX16 HEX16 HEX16

static void encrypted(const char* beside) {
  char path[4096];
  CHECK(snprintf(path, sizeof path, "%s-encrypted", beside) < (int)sizeof path);
  caveat_store* store = NULL;
  caveat_options options = {.size = sizeof options, .keys = "1:" KEY};
  const caveat_code made = caveat_open(path, &options, &store, &error);
  if (made == CAVEAT_INVALID_ARGUMENT) { /* a build without a cipher */
    caveat_error_free(error);
    return;
  }
  CHECK(made == CAVEAT_OK);
  OK(caveat_clear_node(store, 17, 0, &error));
  caveat_store_release(store);
  FAILS(CAVEAT_KEY_MISSING, caveat_open(path, NULL, &store, &error));
  options.keys = "2:" KEY;
  FAILS(CAVEAT_KEY_MISSING, caveat_open(path, &options, &store, &error));
  options.keys = "1:0" KEY;
  FAILS(CAVEAT_INVALID_ARGUMENT, caveat_open(path, &options, &store, &error));
  options.keys = "1:" HEX16 HEX16 HEX16 "0123456789abcdee";
  FAILS(CAVEAT_WRONG_KEY, caveat_open(path, &options, &store, &error));
  options.keys = "1:" KEY "\n2:" HEX16 HEX16 HEX16 "0123456789abcdee\n";
  OK(caveat_open(path, &options, &store, &error));
  caveat_store_release(store);
}

/* They were a limit without a sentence, and the end of memory. */
static void sizes_that_no_memory_has_are_arguments_in_error(void) {
  caveat_store* store = NULL;
  caveat_options options = {.size = sizeof options, .memory_budget_bytes = UINT64_MAX};
  CHECK(caveat_open_volatile(&options, &store, &error) == CAVEAT_INVALID_ARGUMENT);
  CHECK(strstr(caveat_error_message(error), "memory_budget_bytes: must be 8 MiB to 1 TiB") != NULL);
  caveat_error_free(error);
  error = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  const size_t sizes[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1};
  for (int i = 0; i < 2; ++i) {
    CHECK(caveat_register_property(store, "name", sizes[i], NULL, &error) ==
          CAVEAT_INVALID_ARGUMENT);
    CHECK(strstr(caveat_error_message(error), "name: its size is ") != NULL);
    caveat_error_free(error);
    error = NULL;
  }
  caveat_store_release(store);
}

int main(int count, char** arguments) {
  CHECK(count == 2); /* a directory to work in, which is empty or absent */
  words();
  sizes_that_no_memory_has_are_arguments_in_error();
  caveat_store* store = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  all_of(store);
  released_before_its_cursor();

  caveat_options options = {.size = sizeof options, .flags = CAVEAT_OPEN_EXISTING};
  FAILS(CAVEAT_NOT_FOUND, caveat_open(arguments[1], &options, &store, &error));
  CHECK(store == NULL);
  options.flags = CAVEAT_OPEN_NEW;
  options.memory_budget_bytes = 16 << 20;
  options.compression = CAVEAT_COMPRESSION_LZ4;
  OK(caveat_open(arguments[1], &options, &store, &error));
  all_of(store);
  FAILS(CAVEAT_ALREADY_EXISTS, caveat_open(arguments[1], &options, &store, &error));
  OK(caveat_open(arguments[1], NULL, &store, &error));
  int32_t found = -1;
  OK(caveat_contains(store, NULL, 20, 2, &found, &error));
  CHECK(found == 1);
  backups(store, arguments[1]);
  caveat_store_release(store);
  encrypted(arguments[1]);
  return 0;
}
