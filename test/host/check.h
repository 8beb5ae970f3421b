/* What the tests in C share: checks that end the test, and records to store. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caveat/c.h"

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s: does not hold: %s\n", __FILE__, __LINE__, __func__, #condition); \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* A call that must succeed; `error` is the caveat_error* that was handed to it. */
#define OK(call)                                                                                 \
  do {                                                                                           \
    const caveat_code code_ = (call);                                                            \
    if (code_ != CAVEAT_OK || error != NULL) {                                                   \
      fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, caveat_code_name(code_), \
              caveat_error_message(error));                                                      \
      exit(1);                                                                                   \
    }                                                                                            \
  } while (0)

/* A call that must fail with this code, and say why in a sentence. */
#define FAILS(wanted, call)                                                   \
  do {                                                                        \
    const caveat_code code_ = (call);                                         \
    if (code_ != (wanted) || caveat_error_code(error) != (wanted) ||          \
        strlen(caveat_error_message(error)) < 5) {                            \
      fprintf(stderr, "%s:%d: %s: gave %s (%s)\n", __FILE__, __LINE__, #call, \
              caveat_code_name(code_), caveat_error_message(error));          \
      exit(1);                                                                \
    }                                                                         \
    caveat_error_free(error);                                                 \
    error = NULL;                                                             \
  } while (0)

static inline caveat_string text(const char* words) {
  const caveat_string string = {words, strlen(words)};
  return string;
}

static inline caveat_value boolean(int32_t value) {
  caveat_value made = {.kind = CAVEAT_BOOLEAN};
  made.as.boolean = value;
  return made;
}

static inline caveat_value integer(int64_t value) {
  caveat_value made = {.kind = CAVEAT_INTEGER};
  made.as.integer = value;
  return made;
}

/* (node, property) differs: inherited true, actual `actual`. */
static inline caveat_record record_of(uint64_t node, uint64_t property, int64_t actual) {
  const caveat_record record = {.key = {node, property},
                                .inherited = boolean(1),
                                .actual = integer(actual),
                                .reason = text("because"),
                                .created_at_ns = 1000 + (int64_t)node,
                                .confidence = 0.5F,
                                .source = CAVEAT_DETECTED};
  return record;
}
