/* Arguments as a careless host might give them, for bad_input_test.c: drawn from one sequence, so
 * that a seed gives the same calls again. Included once.
 */
#pragma once

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "caveat/plugin.h"
#include "check.h"

static caveat_api api;
static uint64_t state = 1;

static uint64_t any(uint64_t below) { /* xorshift64* */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (state * 2685821657736338717ULL >> 16) % below;
}
static int one_in(uint64_t n) {
  return any(n) == 0;
}

/* --- Arguments -------------------------------------------------------------------------------- */

static caveat_store* good;
static caveat_store* closed;
static caveat_batch* batch;
static caveat_snapshot* snapshot; /* of good */
static caveat_cursor* cursor;     /* of good; or NULL */

enum { kGood, kClosed, kNull, kOther };
static int store_kind; /* of the store that the last call got */

static caveat_store* a_store(void) {
  store_kind = one_in(2) ? kGood : (int)any(4);
  if (store_kind == kGood) return good;
  if (store_kind == kClosed) return closed;
  return store_kind == kNull ? NULL : (caveat_store*)(void*)batch;
}
static caveat_snapshot* a_snapshot(void) {
  if (one_in(2)) return NULL;
  return one_in(3) ? (caveat_snapshot*)(void*)good : snapshot;
}
static caveat_batch* a_batch(void) {
  return one_in(8) ? NULL : one_in(8) ? (caveat_batch*)(void*)good : batch;
}
static caveat_cursor* a_cursor(void) {
  return one_in(8) || cursor == NULL ? NULL : one_in(8) ? (caveat_cursor*)(void*)batch : cursor;
}
static int32_t a_durability(void) {
  return (int32_t)any(6) - 1;
}
static uint64_t a_number(void) {
  static const uint64_t odd[] = {0, 1, 2, 3, UINT64_MAX, INT64_MAX, 1ULL << 32};
  return one_in(4) ? odd[any(7)] : any(50);
}

static caveat_string a_string(void) {
  switch (any(8)) {
    case 0:
      return (caveat_string){NULL, 0};
    case 1:
      return (caveat_string){NULL, 5};
    case 2:
      return (caveat_string){NULL, SIZE_MAX};
    case 3:
      return (caveat_string){"x", (size_t)PTRDIFF_MAX + 9};
    case 4:
      return (caveat_string){"a\0b", 3};
    default:
      return (caveat_string){"penguins swim", any(14)};
  }
}

/* A list that holds itself, and one of 16 levels of 1,000 times the same list. */
static caveat_value endless;
static caveat_value wide[17][1000];

static caveat_value a_value(void) {
  caveat_value value;
  memset(&value, 0, sizeof value);
  switch (any(10)) {
    case 0:
      value.kind = (int32_t)any(20) - 5;
      break;
    case 1:
      value.kind = CAVEAT_LIST;
      value.as.list.count = a_number();
      break;
    case 2:
      return endless;
    case 3:
      return wide[any(17)][0];
    case 4:
    case 5:
      value.kind = CAVEAT_STRING;
      value.as.string = a_string();
      break;
    default:
      value = integer((int64_t)a_number());
  }
  return value;
}

static caveat_record a_record_value(void) {
  caveat_record record = record_of(any(40), any(5), (int64_t)any(9));
  if (one_in(3)) record.inherited = a_value();
  if (one_in(3)) record.actual = a_value();
  if (one_in(4)) record.reason = a_string();
  if (one_in(6)) record.confidence = one_in(2) ? NAN : -1.0F;
  if (one_in(6)) record.source = (int32_t)any(9) - 2;
  return record;
}
static const caveat_record* a_record(void) {
  static caveat_record records[8];
  static int next;
  if (one_in(8)) return NULL;
  next = (next + 1) % 8;
  records[next] = a_record_value();
  return &records[next];
}

static size_t a_size(size_t right) {
  static const size_t odd[] = {0, 1, 8, SIZE_MAX, 4096, 4097};
  return one_in(4) ? odd[any(6)] : right;
}

static const caveat_query* a_query(void) {
  static union { /* room for a caller who says that his struct is larger */
    caveat_query query;
    char room[4096];
  } u;
  if (one_in(10)) return NULL;
  memset(&u, 0, sizeof u);
  u.query.size = a_size(sizeof u.query);
  if (one_in(8)) u.room[sizeof u.query + 8] = 1;
  u.query.fields = one_in(8) ? (uint32_t)any(1 << 20) : (uint32_t)any(128);
  u.query.node_first = any(20);
  u.query.node_last = 10 + any(30);
  u.query.source = (int32_t)any(7) - 1;
  u.query.node = any(40);
  u.query.property = any(5);
  u.query.confidence_min = one_in(8) ? NAN : 0.0F;
  u.query.confidence_max = one_in(8) ? -INFINITY : 1.0F;
  u.query.time_end_ns = INT64_MAX;
  u.query.order = (int32_t)any(5) - 1;
  u.query.descending = (int32_t)any(3);
  u.query.limit = a_number();
  if (one_in(4)) u.query.resume_token = a_string();
  return &u.query;
}

static int nothing(void* context, caveat_string in, caveat_string dictionary, char* out,
                   size_t room, size_t* written) {
  (void)context, (void)in, (void)dictionary, (void)out, (void)room, (void)written;
  return 1;
}
static int nothing_back(void* context, caveat_string in, caveat_string dictionary, char* out,
                        size_t room) {
  (void)context, (void)in, (void)dictionary, (void)out, (void)room;
  return 1;
}

static caveat_code a_key(void* context, uint32_t id, unsigned char* key, char* why, size_t room) {
  (void)context;
  memset(key, (int)id, CAVEAT_KEY_BYTES);
  if (!one_in(4)) return CAVEAT_OK;
  memset(why, 'x', room); /* without its end */
  return (caveat_code)any(20);
}

static const caveat_options* a_options(void) {
  static caveat_key_provider provider;
  static caveat_codec codecs[2];
  static union {
    caveat_options options;
    char room[4096];
  } u;
  memset(&u, 0, sizeof u);
  u.options.size = a_size(sizeof u.options);
  if (one_in(8)) u.room[sizeof u.options] = 1;
  u.options.flags = CAVEAT_OPEN_NO_BACKGROUND | (one_in(4) ? (uint32_t)any(64) : 0);
  u.options.durability = a_durability();
  u.options.memory_budget_bytes = one_in(2) ? 0 : a_number();
  u.options.cache_bytes = one_in(4) ? a_number() : 0;
  u.options.delta_bytes = one_in(4) ? a_number() : 0;
  u.options.compression = (int32_t)any(7) - 1;
  u.options.custom_codec_id = (uint32_t)any(300);
  u.options.compression_level = (int32_t)any(30) - 5;
  u.options.partition_records = a_number();
  u.options.dictionary_bytes = (int64_t)a_number();
  for (int i = 0; i < 2; ++i) {
    codecs[i] = (caveat_codec){.size = a_size(sizeof codecs[0]),
                               .id = (uint32_t)any(300),
                               .compress = one_in(4) ? NULL : nothing,
                               .decompress = one_in(4) ? NULL : nothing_back};
  }
  u.options.codec_count = one_in(2) ? 0 : one_in(8) ? SIZE_MAX : any(3);
  if (!one_in(4) && u.options.codec_count != SIZE_MAX) u.options.codecs = codecs;
  provider = (caveat_key_provider){.size = a_size(sizeof provider),
                                   .current = (uint32_t)any(4),
                                   .key = one_in(4) ? NULL : a_key};
  if (one_in(4)) u.options.key_provider = &provider;
  if (one_in(8)) u.options.keys = one_in(2) ? "1:1" : "";
  return one_in(8) ? NULL : &u.options;
}

static int stop_sometimes(void* context, const char* stage, uint64_t done, uint64_t total) {
  (void)context, (void)stage, (void)done, (void)total;
  return one_in(3);
}
