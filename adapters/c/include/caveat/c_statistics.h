/* What a store tells of itself, in figures. What each of them counts: caveat/statistics.h. Part of
 * caveat/c.h, which includes this file. */
#pragma once

#include "caveat/c.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The figures that most hosts watch; caveat_statistics_json has all of them. */
typedef struct caveat_statistics {
  size_t size;                  /* sizeof(caveat_statistics) */
  uint64_t exceptions;          /* exact where it was asked for; else between the next two */
  uint64_t exceptions_min;      /* at least so many */
  uint64_t exceptions_max;      /* at most so many */
  uint64_t properties;          /* with a name */
  uint64_t partitions;          /* of some hundred records */
  uint64_t delta_rows;          /* recent writes, not yet folded */
  uint64_t uncompressed_bytes;  /* as plain rows */
  uint64_t compressed_bytes;    /* as stored */
  uint64_t disk_bytes;          /* of the whole directory */
  uint64_t memory_bytes;        /* in use */
  uint64_t memory_budget_bytes; /* of caveat_options */
  uint64_t reads;               /* point reads since open */
  uint64_t read_misses;         /* of those, which found nothing */
  uint64_t writes;              /* rows since open */
  uint64_t open_views;          /* snapshots and cursors */
  uint64_t background_errors;   /* since open */
} caveat_statistics;
/* `exact`: 1 folds what is pending and counts; 0 reads no data and is cheap. */
caveat_code caveat_statistics_get(caveat_store* store, int32_t exact, caveat_statistics* statistics,
                                  caveat_error** error);
caveat_code caveat_statistics_json(caveat_store* store, int32_t exact, caveat_string* json,
                                   caveat_error** error); /* JSON, to be freed */
/* For Prometheus, to be freed; cheap. Of a closed store: that it is closed. docs/operating.md. */
caveat_code caveat_metrics(const caveat_store* store, caveat_string* text, caveat_error** error);

#ifdef __cplusplus
}
#endif
