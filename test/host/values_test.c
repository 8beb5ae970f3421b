/* Random records go in by every way and come out of every way as they went in. CAVEAT_SEED and
 * CAVEAT_ROUNDS override the fixed seed and the number of records. */
#include <math.h>

#include "check.h"

static caveat_error* error = NULL;
static uint64_t state = 1;

static uint64_t any(uint64_t below) { /* xorshift64* */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (state * 2685821657736338717ULL >> 16) % below;
}

/* Values of one record live here. */
static caveat_value items[4096];
static size_t items_used;
static char bytes[1 << 16];

static caveat_string a_string(void) {
  const size_t size = any(20) == 0 ? any(9000) : any(30);
  return (caveat_string){bytes + any(sizeof bytes - size), size};
}

static caveat_value a_value(int depth) {
  static const double doubles[] = {0.0, -0.0, 1.5, INFINITY, -INFINITY, NAN, 5e-324, 1e308};
  static const int64_t integers[] = {0, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN};
  caveat_value value;
  memset(&value, 0, sizeof value);
  value.kind = (int32_t)any(depth < 16 ? 6 : 5);
  switch (value.kind) {
    case CAVEAT_BOOLEAN:
      value.as.boolean = (int32_t)any(2);
      break;
    case CAVEAT_INTEGER:
      value.as.integer = any(2) == 0 ? integers[any(8)] : (int64_t)any(1ULL << 40);
      break;
    case CAVEAT_FLOAT:
      value.as.number = doubles[any(8)];
      break;
    case CAVEAT_STRING:
      value.as.string = a_string();
      break;
    case CAVEAT_LIST: {
      size_t count = any(6);
      if (items_used + count > sizeof items / sizeof *items) count = 0;
      caveat_value* const list = items + items_used;
      items_used += count;
      value.as.list.count = count;
      value.as.list.items = list;
      for (size_t i = 0; i < count; ++i) list[i] = a_value(depth + 1);
      break;
    }
    default:
      break;
  }
  return value;
}

static caveat_record a_record(uint64_t node) {
  items_used = 0;
  caveat_record record = record_of(node, any(7), 0);
  record.inherited = a_value(0);
  record.actual = a_value(0);
  record.reason = a_string();
  record.created_at_ns = any(3) == 0 ? INT64_MIN : (int64_t)any(1ULL << 60);
  record.confidence = (float)any(1001) / 1000.0F;
  record.source = (int32_t)any(5);
  return record;
}

static int same_string(caveat_string a, caveat_string b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static int same_value(const caveat_value* a, const caveat_value* b) {
  if (a->kind != b->kind) return 0;
  switch (a->kind) {
    case CAVEAT_NULL:
      return 1;
    case CAVEAT_BOOLEAN:
      return a->as.boolean == b->as.boolean;
    case CAVEAT_INTEGER:
      return a->as.integer == b->as.integer;
    case CAVEAT_FLOAT: /* bit by bit */
      return memcmp(&a->as.number, &b->as.number, sizeof(double)) == 0;
    case CAVEAT_STRING:
      return same_string(a->as.string, b->as.string);
    default:
      if (a->as.list.count != b->as.list.count) return 0;
      for (size_t i = 0; i < a->as.list.count; ++i) {
        if (!same_value(&a->as.list.items[i], &b->as.list.items[i])) return 0;
      }
      return 1;
  }
}

static int same(const caveat_record* a, const caveat_record* b) {
  return a->key.node == b->key.node && a->key.property == b->key.property &&
         same_value(&a->inherited, &b->inherited) && same_value(&a->actual, &b->actual) &&
         same_string(a->reason, b->reason) && a->created_at_ns == b->created_at_ns &&
         memcmp(&a->confidence, &b->confidence, sizeof(float)) == 0 && a->source == b->source;
}

/* Proves that `same` sees what it is for: the smallest change anywhere in a record. */
static void notices_a_change(const caveat_record* record) {
  caveat_record other = *record;
  CHECK(same(record, &other));
  other.source = (other.source + 1) % 5;
  CHECK(!same(record, &other));
  other = *record;
  other.actual.kind = (other.actual.kind + 1) % 6;
  CHECK(!same(record, &other));
  caveat_value inner[2] = {integer(1), boolean(0)};
  caveat_value copy[2] = {integer(1), boolean(1)};
  caveat_value list = {.kind = CAVEAT_LIST};
  list.as.list.items = inner;
  list.as.list.count = 2;
  caveat_value changed = list;
  changed.as.list.items = copy;
  CHECK(same_value(&list, &list) && !same_value(&list, &changed));
}

static void store_one(caveat_store* store, const caveat_record* record) {
  caveat_batch* batch = NULL;
  const caveat_record* was = NULL;
  int32_t swapped = 0;
  switch (any(5)) {
    case 0:
      OK(caveat_store_exception(store, record, 0, &error));
      return;
    case 1:
      OK(caveat_bulk_store(store, record, 1, 0, NULL, &error));
      return;
    case 2:
      OK(caveat_exchange_exception(store, record, 0, &was, &error));
      CHECK(was == NULL);
      return;
    case 3:
      OK(caveat_compare_and_set(store, record->key.node, record->key.property, NULL, record, 0,
                                &swapped, &error));
      CHECK(swapped == 1);
      return;
    default:
      OK(caveat_batch_create(&batch, &error));
      OK(caveat_batch_store_exception(batch, record, &error));
      OK(caveat_write(store, batch, 0, &error));
      caveat_batch_release(batch);
  }
}

static void read_one(caveat_store* store, const caveat_record* record) {
  const uint64_t node = record->key.node;
  const uint64_t property = record->key.property;
  const caveat_record* read = NULL;
  switch (any(4)) {
    case 0:
      OK(caveat_retrieve_exception(store, NULL, node, property, &read, &error));
      break;
    case 1:
      OK(caveat_bulk_retrieve(store, NULL, &record->key, 1, &read, &error));
      break;
    case 2: {
      int32_t swapped = 0;
      OK(caveat_compare_and_set(store, node, property, record, record, 0, &swapped, &error));
      CHECK(swapped == 1);
      OK(caveat_exchange_exception(store, record, 0, &read, &error));
      break;
    }
    default: {
      const caveat_query query = {.size = sizeof query, .fields = CAVEAT_QUERY_NODE, .node = node};
      caveat_cursor* cursor = NULL;
      OK(caveat_cursor_open(store, NULL, &query, &cursor, &error));
      OK(caveat_cursor_next(cursor, &read, &error));
      CHECK(read != NULL && same(record, read));
      OK(caveat_cursor_next(cursor, &read, &error));
      CHECK(read == NULL);
      caveat_cursor_release(cursor);
      return;
    }
  }
  CHECK(read != NULL && same(record, read));
  caveat_record_free(read);
}

int main(void) {
  const char* const seed = getenv("CAVEAT_SEED");
  const char* const wanted = getenv("CAVEAT_ROUNDS");
  const uint64_t rounds = wanted != NULL ? strtoull(wanted, NULL, 10) : 500;
  state = seed != NULL ? strtoull(seed, NULL, 10) | 1 : 20240229;
  const uint64_t start = state;
  printf("seed %llu\n", (unsigned long long)start);
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = (char)any(256);
  caveat_store* store = NULL;
  OK(caveat_open_volatile(NULL, &store, &error));
  const uint64_t first = state;
  for (uint64_t node = 0; node < rounds; ++node) {
    state = first + 2 * node; /* so that the record can be made again */
    const caveat_record record = a_record(node);
    notices_a_change(&record);
    store_one(store, &record);
    read_one(store, &record);
  }
  OK(caveat_flush(store, &error)); /* now out of blocks */
  for (uint64_t node = 0; node < rounds; ++node) {
    state = first + 2 * node;
    const caveat_record record = a_record(node);
    read_one(store, &record);
  }
  OK(caveat_close(store, &error));
  caveat_store_release(store);
  return 0;
}
