/* One store, many threads: all of them write, read and query while another closes it; and a cursor
 * that two threads use at a time. */
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"

enum { kThreads = 4, kNodes = 64 };

static caveat_store* store;
static atomic_int closed_seen;
static atomic_int calls_made;

/* Works until the store says that it is closed. What it reads is whole. */
static void* work(void* argument) {
  const uint64_t property = (uint64_t)(size_t)argument;
  for (uint64_t i = 0;; ++i) {
    caveat_error* error = NULL;
    const caveat_record record = record_of(i % kNodes, property, (int64_t)i);
    caveat_code code = caveat_store_exception(store, &record, 0, &error);
    if (code == CAVEAT_OK) {
      const caveat_record* read = NULL;
      code = caveat_retrieve_exception(store, NULL, i % kNodes, property, &read, &error);
      if (code == CAVEAT_OK) CHECK(read != NULL && read->actual.as.integer == (int64_t)i);
      caveat_record_free(read);
    }
    if (code == CAVEAT_OK && i % 16 == 0) {
      const caveat_query query = {
          .size = sizeof query, .fields = CAVEAT_QUERY_PROPERTY, .property = property};
      caveat_cursor* cursor = NULL;
      code = caveat_cursor_open(store, NULL, &query, &cursor, &error);
      while (code == CAVEAT_OK) {
        const caveat_record* row = NULL;
        code = caveat_cursor_next(cursor, &row, &error);
        if (row == NULL) break;
        CHECK(row->key.property == property);
      }
      caveat_cursor_release(cursor);
    }
    atomic_fetch_add(&calls_made, 1);
    if (code == CAVEAT_OK) continue;
    CHECK(code == CAVEAT_CLOSED && caveat_error_code(error) == CAVEAT_CLOSED);
    caveat_error_free(error);
    atomic_fetch_add(&closed_seen, 1);
    return NULL;
  }
}

static void a_store_is_closed_under_its_threads(void) {
  caveat_error* error = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  }
  while (atomic_load(&calls_made) < 2000) caveat_statistics_json(NULL, 0, NULL, NULL);
  /* Busy as long as somebody has a cursor. */
  for (;;) {
    const caveat_code code = caveat_close(store, NULL);
    if (code == CAVEAT_OK) break;
    CHECK(code == CAVEAT_BUSY);
  }
  for (size_t i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(atomic_load(&closed_seen) == kThreads);
  caveat_store_release(store);
}

static caveat_cursor* shared;
static atomic_int rows;
static atomic_int turned_away;

static void* drain(void* argument) {
  (void)argument;
  for (;;) {
    const caveat_record* record = NULL;
    const caveat_code code = caveat_cursor_next(shared, &record, NULL);
    if (code == CAVEAT_BUSY) {
      atomic_fetch_add(&turned_away, 1);
      continue;
    }
    CHECK(code == CAVEAT_OK);
    if (record == NULL) return NULL;
    atomic_fetch_add(&rows, 1); /* the record itself may be gone: another thread moved on */
  }
}

/* Not how it is meant, and still no race: each row goes to one thread. */
static void a_cursor_is_for_one_thread_at_a_time(void) {
  caveat_error* error = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  for (uint64_t node = 0; node < 3000; ++node) {
    const caveat_record record = record_of(node, 1, 1);
    OK(caveat_store_exception(store, &record, 0, &error));
  }
  const caveat_query query = {.size = sizeof query};
  OK(caveat_cursor_open(store, NULL, &query, &shared, &error));
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) {
    CHECK(pthread_create(&threads[i], NULL, drain, NULL) == 0);
  }
  for (size_t i = 0; i < kThreads; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
  CHECK(atomic_load(&rows) == 3000);
  printf("turned away %d times\n", atomic_load(&turned_away));
  caveat_cursor_release(shared);
  OK(caveat_close(store, &error));
  caveat_store_release(store);
}

int main(void) {
  a_store_is_closed_under_its_threads();
  a_cursor_is_for_one_thread_at_a_time();
  return 0;
}
