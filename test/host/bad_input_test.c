/* Random calls with arguments that a careless host might give: NULL, handles of another kind,
 * closed stores, wrong sizes, values that hold themselves. Each gives a code that is known and an
 * error that agrees with it; none crashes, and the good store is sound at the end.
 *
 *   host_bad_input [--planted]     with --planted: two faults are made in the table of functions,
 * and the test must fail for each (it runs in a child, as it may crash)
 *
 * CAVEAT_SEED and CAVEAT_ROUNDS override the fixed seed and the number of calls.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bad_arguments.h"
#include "caveat/plugin.h"
#include "check.h"

/* --- One call --------------------------------------------------------------------------------- */

enum { kBulkStore = 13, kWrite = 23, kMetrics = 37, kCalls = 39 };

static caveat_code call(uint64_t which, caveat_error** error) {
  uint64_t number = 0;
  int32_t flag = 0;
  size_t size = 0;
  const caveat_record* record = NULL;
  const caveat_record* records[3] = {NULL, NULL, NULL};
  caveat_string string = {NULL, 0};
  caveat_store* store = NULL;
  caveat_snapshot* view = NULL;
  caveat_batch* writes = NULL;
  uint64_t* const to_number = one_in(8) ? NULL : &number;
  int32_t* const to_flag = one_in(8) ? NULL : &flag;
  const caveat_record** const to_record = one_in(8) ? NULL : &record;
  caveat_string* const to_string = one_in(8) ? NULL : &string;
  const caveat_string name = a_string();
  caveat_record three[3] = {a_record_value(), a_record_value(), a_record_value()};
  caveat_key keys[3] = {{any(40), any(5)}, {any(40), any(5)}, {any(40), any(5)}};
  const caveat_string names[2] = {a_string(), a_string()};
  union {
    caveat_statistics statistics;
    caveat_optimization optimization;
    caveat_compaction compaction;
    caveat_verification verification;
    caveat_backup backup;
    char room[4097];
  } u;
  memset(&u, 0, sizeof u);
  caveat_progress const progress = one_in(2) ? NULL : stop_sometimes;
  caveat_code code = CAVEAT_OK;
  store_kind = kGood;
  switch (which) {
    case 0:
      code = api.open(one_in(2) ? NULL : "/dev/null/nowhere", a_options(),
                      one_in(8) ? NULL : &store, error);
      break;
    case 1:
      code = api.open_volatile(a_options(), one_in(8) ? NULL : &store, error);
      break;
    case 2:
      store_kind = one_in(2) ? kNull : kOther;
      code = api.close(store_kind == kNull ? NULL : (caveat_store*)(void*)batch, error);
      break;
    case 3:
      code = api.register_property(a_store(), name.data, name.size, to_number, error);
      break;
    case 4:
      code = api.register_properties(a_store(), one_in(4) ? NULL : names,
                                     one_in(8) ? SIZE_MAX / 2 : 2, error);
      break;
    case 5:
      code = api.property_name(a_store(), a_number(), to_string, error);
      break;
    case 6:
    case 7:
    case 8:
      code = api.store_exception(a_store(), a_record(), a_durability(), error);
      break;
    case 9:
      code = api.remove_exception(a_store(), any(40), any(5), a_durability(), error);
      break;
    case 10:
      code = api.exchange_exception(a_store(), a_record(), a_durability(), to_record, error);
      break;
    case 11:
      code = one_in(2)
                 ? api.take_exception(a_store(), any(40), any(5), a_durability(), to_record, error)
                 : api.erase_exception(a_store(), any(40), any(5), a_durability(), to_flag, error);
      break;
    case 12:
      code = api.compare_and_set(a_store(), any(40), any(5), a_record(), a_record(), a_durability(),
                                 to_flag, error);
      break;
    case kBulkStore:
      code = one_in(8) ? api.bulk_store(a_store(), one_in(2) ? NULL : three, SIZE_MAX / 64,
                                        a_durability(), to_number, error)
                       : api.bulk_store(a_store(), three, any(4), a_durability(), to_number, error);
      break;
    case 14:
      code = api.clear_node(a_store(), any(40), a_durability(), error);
      break;
    case 15:
      code = api.clear_property(a_store(), any(5), a_durability(), error);
      break;
    case 16:
      code = one_in(4) ? api.forget_lost_writes(a_store(), to_number, error)
                       : api.flush(a_store(), error);
      break;
    case 17:
      code = api.batch_store_exception(a_batch(), a_record(), error);
      break;
    case 18:
      code = api.batch_remove_exception(a_batch(), any(40), any(5), error);
      break;
    case 19:
      code = api.batch_clear_node(a_batch(), any(40), error);
      break;
    case 20:
      code = api.batch_clear_property(a_batch(), any(5), error);
      break;
    case 21:
      code = api.batch_clear(a_batch(), error);
      break;
    case 22:
      code = api.batch_size(a_batch(), one_in(4) ? NULL : &size, one_in(4) ? NULL : &size, error);
      break;
    case kWrite:
      code = api.write(a_store(), a_batch(), a_durability(), error);
      break;
    case 24:
      code = api.snapshot_create(a_store(), one_in(8) ? NULL : &view, error);
      break;
    case 25:
      code = api.contains(a_store(), a_snapshot(), any(40), any(5), to_flag, error);
      break;
    case 26:
      code = api.has_exceptions(a_store(), a_snapshot(), any(40), to_flag, error);
      break;
    case 27:
      code = api.retrieve_exception(a_store(), a_snapshot(), any(40), any(5), to_record, error);
      break;
    case 28:
      code = api.bulk_retrieve(a_store(), a_snapshot(), one_in(8) ? NULL : keys,
                               one_in(8) ? 3 : any(4), one_in(8) ? NULL : records, error);
      break;
    case 29:
      api.cursor_release(cursor);
      cursor = NULL;
      code = api.cursor_open(a_store(), a_snapshot(), a_query(), one_in(8) ? NULL : &cursor, error);
      break;
    case 30:
      code = api.cursor_next(a_cursor(), to_record, error);
      record = NULL; /* borrowed */
      break;
    case 31:
      code = one_in(2) ? api.cursor_skip_damage(a_cursor(), to_flag, error)
                       : api.cursor_resume_token(a_cursor(), to_string, error);
      break;
    case 32:
      code = api.count(a_store(), a_snapshot(), a_query(), to_number, error);
      break;
    case 33:
      code = one_in(2) ? api.explain(a_store(), a_snapshot(), a_query(), to_string, error)
                       : api.explain_json(a_store(), a_snapshot(), a_query(), to_string, error);
      break;
    case 34:
      u.statistics.size = a_size(sizeof u.statistics);
      code = one_in(4)   ? api.key_usage(a_store(), NULL, any(3), one_in(4) ? NULL : &size, error)
             : one_in(2) ? api.statistics_json(a_store(), (int32_t)any(2), to_string, error)
                         : api.statistics_get(a_store(), (int32_t)any(2),
                                              one_in(8) ? NULL : &u.statistics, error);
      break;
    case kMetrics:
      code = api.metrics(a_store(), to_string, error);
      break;
    case 38: {
      const char* const directory = one_in(3) ? NULL : "/dev/null/nowhere";
      u.backup.size = a_size(sizeof u.backup);
      caveat_backup* const to_backup = one_in(4) ? NULL : &u.backup;
      switch (any(6)) {
        case 0:
          code = api.create_backup(a_store(), directory, any(3), (int32_t)any(2), progress, NULL,
                                   to_backup, error);
          break;
        case 1:
          code = api.list_backups(directory, to_string, error);
          break;
        case 2:
          code = one_in(2)
                     ? api.verify_backup_with_keys(directory, any(3), a_options(), progress, NULL,
                                                   to_backup, error)
                     : api.verify_backup(directory, any(3), 0, progress, NULL, to_backup, error);
          break;
        case 3:
          code = api.restore_backup(directory, any(3), one_in(2) ? NULL : directory, 0, progress,
                                    NULL, to_backup, error);
          break;
        case 4:
          code = api.delete_backup(directory, any(3), error);
          break;
        default:
          code = api.keep_newest_backups(directory, any(3), to_number, error);
      }
      CHECK(code != CAVEAT_OK);
      break;
    }
    case 35:
      u.verification.size = a_size(sizeof u.verification);
      code = api.verify(a_store(), progress, NULL, one_in(8) ? NULL : &u.verification, to_string,
                        error);
      break;
    default:
      /* A rebuild waits for views from before an earlier one that was cut short, for seconds. */
      api.cursor_release(cursor);
      cursor = NULL;
      api.snapshot_release(snapshot);
      snapshot = NULL;
      u.compaction.size = a_size(one_in(2) ? sizeof u.compaction : sizeof u.optimization);
      code = one_in(3)   ? api.rebuild_indexes(a_store(), progress, NULL, error)
             : one_in(2) ? api.compact_storage(a_store(), progress, NULL,
                                               one_in(8) ? NULL : &u.compaction, error)
                         : api.optimize_storage(a_store(), progress, NULL,
                                                one_in(8) ? NULL : &u.optimization, error);
  }
  if (snapshot == NULL) CHECK(api.snapshot_create(good, &snapshot, NULL) == CAVEAT_OK);
  api.record_free(record);
  for (int i = 0; i < 3; ++i) api.record_free(records[i]);
  api.string_free(&string);
  api.snapshot_release(view);
  api.store_release(store);
  api.batch_release(writes);
  return code;
}

/* --- All of them ------------------------------------------------------------------------------ */

/* What a closed store may say. To write nothing (an empty batch, no records) succeeds anywhere, and
 * metrics say that the store is closed. */
static int refuses_closed(uint64_t which, caveat_code code) {
  if (which == kMetrics) return code == CAVEAT_OK || code == CAVEAT_INVALID_ARGUMENT;
  if (which == kBulkStore || which == kWrite) code = code == CAVEAT_OK ? CAVEAT_CLOSED : code;
  return code == CAVEAT_CLOSED || code == CAVEAT_INVALID_ARGUMENT || code == CAVEAT_LIMIT_EXCEEDED;
}

static void run(long rounds) {
  caveat_error* error = NULL;
  endless = (caveat_value){.kind = CAVEAT_LIST};
  endless.as.list.items = &endless;
  endless.as.list.count = 1;
  for (int level = 0; level < 17; ++level) {
    for (int i = 0; i < 1000; ++i) {
      wide[level][i] = level == 0 ? boolean(1) : (caveat_value){.kind = CAVEAT_LIST};
      if (level == 0) continue;
      wide[level][i].as.list.items = wide[level - 1];
      wide[level][i].as.list.count = level < 3 ? 30 : 1000;
    }
  }
  const caveat_options options = {.size = sizeof options, .flags = CAVEAT_OPEN_NO_BACKGROUND};
  OK(api.open_volatile(&options, &good, &error));
  OK(api.open_volatile(NULL, &closed, &error));
  OK(api.close(closed, &error));
  OK(api.batch_create(&batch, &error));
  OK(api.snapshot_create(good, &snapshot, &error));

  long refused = 0;
  for (long i = 0; i < rounds; ++i) {
    const int listens = !one_in(4);
    error = (caveat_error*)(void*)batch; /* every call sets it */
    const uint64_t which = any(kCalls);
    const caveat_code code = call(which, listens ? &error : NULL);
    if (!listens) error = NULL;
    CHECK(code >= CAVEAT_OK && code < CAVEAT_INTERNAL);
    if (listens) CHECK(api.error_code(error) == code);
    if (listens) CHECK((code == CAVEAT_OK) == (strlen(api.error_message(error)) == 0));
    if (store_kind == kClosed) CHECK(refuses_closed(which, code));
    if (store_kind == kNull || store_kind == kOther) CHECK(code == CAVEAT_INVALID_ARGUMENT);
    api.error_free(error);
    refused += code != CAVEAT_OK;
  }
  error = NULL;
  api.cursor_release(cursor);
  api.snapshot_release(snapshot);
  OK(api.rebuild_indexes(good, NULL, NULL, &error)); /* some were cut short */
  caveat_verification found = {.size = sizeof found};
  caveat_string report = {NULL, 0};
  OK(api.verify(good, NULL, NULL, &found, &report, &error));
  if (found.sound != 1) fprintf(stderr, "%s\n", report.data);
  CHECK(found.sound == 1);
  api.string_free(&report);
  CHECK(rounds < 500 || (refused > rounds / 8 && refused < rounds - rounds / 8));
  api.batch_release(batch);
  OK(api.close(good, &error));
  api.store_release(good);
  api.store_release(closed);
  printf("%ld calls, %ld refused\n", rounds, refused);
}

/* --- Planted faults --------------------------------------------------------------------------- */

static caveat_code trusting_contains(const caveat_store* store, const caveat_snapshot* view,
                                     uint64_t node, uint64_t property, int32_t* found,
                                     caveat_error** error) {
  (void)store, (void)view, (void)node, (void)property, (void)error;
  *(volatile int32_t*)found = 0;
  return CAVEAT_OK;
}
static caveat_code silent_flush(caveat_store* store, caveat_error** error) {
  (void)store, (void)error;
  return CAVEAT_CLOSED;
}

static int fails_in_a_child(long rounds) {
  fflush(NULL);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    const struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (freopen("/dev/null", "w", stderr) == NULL) exit(0);
    run(rounds);
    exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

int main(int count, char** arguments) {
  const char* const seed = getenv("CAVEAT_SEED");
  const char* const wanted = getenv("CAVEAT_ROUNDS");
  const long rounds = wanted != NULL ? atol(wanted) : 4000;
  state = seed != NULL ? strtoull(seed, NULL, 10) | 1 : 20240229;
  printf("seed %llu\n", (unsigned long long)state);
  api = *caveat_plugin();
  if (count < 2 || strcmp(arguments[1], "--planted") != 0) {
    run(rounds);
    return 0;
  }
  api.contains = trusting_contains;
  CHECK(fails_in_a_child(rounds));
  api = *caveat_plugin();
  api.flush = silent_flush;
  CHECK(fails_in_a_child(rounds));
  api = *caveat_plugin();
  CHECK(!fails_in_a_child(400));
  return 0;
}
