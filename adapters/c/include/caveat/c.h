/* caveat for C11, and for every language that can call C.
 *
 * The calls are those of caveat/storage_optimizer.h; what is said there of consistency, durability
 * and cost holds here too. This header says what is different in C.
 *
 * Errors. A call that can fail returns a caveat_code, CAVEAT_OK being 0. Its last argument, if it
 * is not NULL, is set to NULL or to an error object, which the caller frees. Results are written
 * only on success, save that a handle that could not be made is set to NULL. Nothing prints, exits
 * or aborts; no C++ exception leaves the library; where memory ends, that is CAVEAT_OUT_OF_MEMORY.
 *
 * Handles. Each is released with its own call; releasing NULL does nothing. Arguments are checked:
 * a NULL or a handle of another kind where one is needed is CAVEAT_INVALID_ARGUMENT. A cursor or a
 * snapshot keeps its store's memory, so handles may be released in any order; a handle that has
 * been released must not be used again.
 *
 * Threads. A store and a snapshot may be used by any number of threads at a time. A cursor or a
 * batch belongs to one thread at a time; a second one gets CAVEAT_BUSY. Nothing may be released
 * while another thread uses it: close the store instead, after which every call says CAVEAT_CLOSED.
 *
 * Strings are bytes with a length, UTF-8 by convention, and may hold zeros. What the library hands
 * out has a zero behind it that is not counted, save where a record is read (caveat_record).
 *
 * Structs that may grow begin with their size: `caveat_options options = {.size = sizeof options};`
 * and everything that is left 0 is the default. A larger struct than the library knows is taken if
 * what it does not know is 0, and refused with CAVEAT_INVALID_ARGUMENT otherwise.
 *
 * Callbacks are called with the context that was given with them. They must not call the store that
 * calls them, and must not throw or longjmp out.
 *
 * A host that loads the library at run time takes its functions from caveat/plugin.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. Functions and fields are only ever added under the same number. */
#define CAVEAT_ABI_VERSION 1

uint32_t caveat_abi_version(void); /* of the library */
const char* caveat_version(void);  /* "0.1.0" */

/* --- Errors ----------------------------------------------------------------------------------- */

typedef int32_t caveat_code; /* one of the next */
enum {
  CAVEAT_OK = 0,
  CAVEAT_INVALID_ARGUMENT = 1,   /* the arguments break a rule; correct them */
  CAVEAT_NOT_FOUND = 2,          /* what the caller names (path, codec) is not there */
  CAVEAT_ALREADY_EXISTS = 3,     /* what is to be made is there already */
  CAVEAT_HASH_COLLISION = 4,     /* two property names have one hash; rename one */
  CAVEAT_LIMIT_EXCEEDED = 5,     /* too long, too deep or too many; the message names the limit */
  CAVEAT_CORRUPTION = 6,         /* stored bytes fail a check; the message names them */
  CAVEAT_CODEC_MISSING = 7,      /* a block's codec is not registered; give it and open again */
  CAVEAT_UNSUPPORTED_FORMAT = 8, /* written by a newer version, or no caveat store */
  CAVEAT_LOCKED = 9,             /* another process has the store open */
  CAVEAT_IO_ERROR = 10,          /* the file system said no; mend it and repeat */
  CAVEAT_NO_SPACE = 11,          /* the disk is full; reads go on */
  CAVEAT_READ_ONLY = 12,         /* the store can only be read */
  CAVEAT_BUSY = 13,              /* in use: cursors, another thread, a stall; repeat */
  CAVEAT_CANCELLED = 14,         /* the progress callback asked to stop */
  CAVEAT_CLOSED = 15,            /* the store was closed */
  CAVEAT_INTERNAL = 16,          /* a bug in caveat; please report the message */
  CAVEAT_KEY_MISSING = 17,       /* encrypted with a key that was not given; give it and reopen */
  CAVEAT_WRONG_KEY = 18,         /* another key under the right id; find the right one */
  CAVEAT_OUT_OF_MEMORY = 255     /* the call did nothing; give memory free and repeat */
};

typedef struct caveat_error caveat_error; /* to be freed */
/* CAVEAT_OK and "" for NULL. The message is one sentence, valid as long as the error. */
caveat_code caveat_error_code(const caveat_error* error);
const char* caveat_error_message(const caveat_error* error); /* one sentence */
void caveat_error_free(caveat_error* error);                 /* NULL: nothing */
/* "invalid_argument", ...; "unknown" for a code that the library does not know. */
const char* caveat_code_name(caveat_code code);

/* --- Values and records ----------------------------------------------------------------------- */

/* Borrowed bytes; data may be NULL if size is 0. */
typedef struct caveat_string {
  const char* data; /* no zero behind it */
  size_t size;      /* bytes */
} caveat_string;

/* Gives back a string that a call has filled, and empties it. */
void caveat_string_free(caveat_string* string);
enum {
  CAVEAT_NULL = 0,
  CAVEAT_BOOLEAN = 1,
  CAVEAT_INTEGER = 2,
  CAVEAT_FLOAT = 3,
  CAVEAT_STRING = 4,
  CAVEAT_LIST = 5 /* nested at most 16 deep */
};

/* A property's value. The same struct is written and read; it owns nothing. */
typedef struct caveat_value {
  int32_t kind; /* CAVEAT_NULL, ... */
  union {
    int32_t boolean; /* 0 or 1 */
    int64_t integer;
    double number;
    caveat_string string;
    struct {
      const struct caveat_value* items;
      size_t count;
    } list;
  } as; /* what `kind` says */
} caveat_value;

enum {
  CAVEAT_EXPLICIT = 0, /* stated by a person */
  CAVEAT_DETECTED = 1, /* found by comparing */
  CAVEAT_PROMOTED = 2, /* moved up from descendants that agree */
  CAVEAT_CONFLICT = 3, /* left over where parents disagree */
  CAVEAT_IMPORTED = 4  /* from another system */
};
/* "Explicit", ..., and the number of such a name; NULL and -1 where there is none. */
const char* caveat_source_name(int32_t source);
int32_t caveat_source_from_name(const char* name, size_t name_size); /* -1: none */
/* Which of two a host prefers: 100, 40, 80, 60, 20; -1 where there is no such source. */
int32_t caveat_source_priority(int32_t source);

/* Of a record. */
typedef struct caveat_key {
  uint64_t node;     /* any number */
  uint64_t property; /* caveat_hash_property of its name */
} caveat_key;

/* An exception and its key. The struct is fixed: it will not grow. Strings and lists in a record
 * that is read are borrowed from what gave the record, and have no zero behind them. */
typedef struct caveat_record {
  caveat_key key;         /* node and property */
  caveat_value inherited; /* what the node would have */
  caveat_value actual;    /* what it has instead */
  caveat_string reason;   /* for people; may be empty */
  int64_t created_at_ns;  /* since the Unix epoch, UTC */
  float confidence;       /* 0 to 1 */
  int32_t source;         /* CAVEAT_EXPLICIT, ... */
} caveat_record;

/* A record that a call has made for the caller: valid until it is freed, also after its store has
 * been closed and released. */
void caveat_record_free(const caveat_record* record);
/* XXH3-64 of the name's bytes, seed 0; fixed for ever. */
uint64_t caveat_hash_property(const char* name, size_t name_size);

/* --- Opening and closing ---------------------------------------------------------------------- */

typedef struct caveat_store caveat_store; /* an open store, or one that was closed */
enum {                                    /* caveat_options.flags */
       CAVEAT_OPEN_EXISTING = 1, /* do not make a store where there is none: CAVEAT_NOT_FOUND */
       CAVEAT_OPEN_NEW = 2,      /* refuse one that is there: CAVEAT_ALREADY_EXISTS */
       CAVEAT_OPEN_NO_BACKGROUND = 4, /* no thread of the store's own; see background_maintenance */
       CAVEAT_OPEN_ENCRYPT = 8        /* encrypt a store that is plain, where keys are given */
};

enum { /* how far a write must be when the call returns: docs/durability.md */
       CAVEAT_DURABILITY_DEFAULT = 0, /* in options: wal; in a write: as the options say */
       CAVEAT_DURABILITY_NONE = 1,
       CAVEAT_DURABILITY_WAL = 2,
       CAVEAT_DURABILITY_FSYNC = 3
};

enum {                                 /* caveat_options.compression */
       CAVEAT_COMPRESSION_DEFAULT = 0, /* the store chooses */
       CAVEAT_COMPRESSION_NONE = 1,
       CAVEAT_COMPRESSION_LZ4 = 2,
       CAVEAT_COMPRESSION_ZSTD = 3,
       CAVEAT_COMPRESSION_CUSTOM = 4 /* by caveat_options.custom_codec_id */
};

/* A compressor of the host's: see caveat::CustomCompressor (caveat/codec.h). Called from several
 * threads at once. `dictionary` is empty where there is none. Both calls return 0, or anything else
 * for failure. */
typedef struct caveat_codec {
  size_t size;              /* sizeof(caveat_codec) */
  uint32_t id;              /* 128 to 255: on disk in every block that is made with it */
  uint32_t uses_dictionary; /* 0 or 1 */
  const char* name;         /* for people; copied */
  void* context;            /* given to each call */
  /* Writes at most `capacity` bytes to `out`, and how many to `out_size`. Where that is not enough:
   * returns 0 and sets `out_size` beyond `capacity`, and the bytes are kept as they are. */
  int (*compress)(void* context, caveat_string raw, caveat_string dictionary, char* out,
                  size_t capacity, size_t* out_size);
  /* Fills `out` wholly. What is stored is not to be trusted. */
  int (*decompress)(void* context, caveat_string stored, caveat_string dictionary, char* out,
                    size_t out_size);
  void (*release)(void* context); /* may be NULL; an open store needed it, and does no more */
} caveat_codec;

/* Called from threads of the store's, once for each error that struck in the background; the next
 * write returns it too. */
typedef void (*caveat_error_listener)(void* context, caveat_code code, const char* message);

/* What the store does and meets (docs/operating.md lists the events), from any thread and with
 * locks of the store held: be quick. All of it is gone when the call returns. */
enum { CAVEAT_LOG_DEBUG = 0, CAVEAT_LOG_INFO = 1, CAVEAT_LOG_WARNING = 2, CAVEAT_LOG_ERROR = 3 };
/* A figure or name of an event. */
typedef struct caveat_log_field {
  caveat_string key;  /* with its unit: "waiting_bytes" */
  caveat_value value; /* no list */
} caveat_log_field;
/* One event. */
typedef struct caveat_log_event {
  size_t size;                    /* as the library has it */
  int32_t severity;               /* CAVEAT_LOG_DEBUG, ... */
  uint32_t field_count;           /* of fields */
  caveat_string component;        /* "writes", "maintenance", ... */
  caveat_string event;            /* a name that stays: "fold_done" */
  caveat_string message;          /* a sentence for people */
  const caveat_log_field* fields; /* figures and names */
} caveat_log_event;
typedef void (*caveat_log_sink)(void* context, const caveat_log_event* event); /* gets each */

/* Nanoseconds since the Unix epoch, from any thread. */
typedef int64_t (*caveat_clock)(void* context);

/* What each means, its limits and its default: caveat/options.h. From `compression` to
 * `dictionary_bytes`, 0 lets the store choose. */
typedef struct caveat_options {
  size_t size;                        /* sizeof(caveat_options) */
  uint32_t flags;                     /* CAVEAT_OPEN_* */
  int32_t durability;                 /* CAVEAT_DURABILITY_*, of writes that do not say */
  uint64_t memory_budget_bytes;       /* 0: 256 MiB */
  uint64_t cache_bytes;               /* 0: a quarter of the budget */
  uint64_t delta_bytes;               /* 0: a quarter of the budget */
  int32_t compression;                /* CAVEAT_COMPRESSION_* */
  uint32_t custom_codec_id;           /* 128 to 255, for CUSTOM alone */
  int32_t compression_level;          /* 1 to 19; 0: chosen */
  int32_t optimize_compression_level; /* 1 to 19; 0: chosen */
  uint64_t partition_records;         /* 16 to 4096; 0: chosen */
  uint64_t partition_bytes;           /* 0: chosen */
  int64_t dictionary_bytes;           /* 0: chosen; -1: none */
  const caveat_codec* codecs;         /* used while the store is open */
  size_t codec_count;                 /* of codecs */
  caveat_log_sink log;                /* NULL: nobody is told */
  void* log_context;                  /* must outlive the store; so must the others */
  int32_t log_least;                  /* what is less severe is not sent; 0 is CAVEAT_LOG_DEBUG */
  uint32_t metrics_interval_ms;       /* at least 100; 0: 5000 */
  const char* metrics_file; /* kept up to date with what caveat_metrics gives; NULL: none */
  caveat_error_listener on_background_error; /* may be NULL */
  void* on_background_error_context;         /* given to it */
  caveat_clock clock;                        /* NULL: the system's */
  void* clock_context;                       /* given to it */
  /* NULL: no encryption. Else a text that ends with a zero, a key a line: "id:64 hexadecimal
   * digits"; new values are under the last one (caveat/encryption.h). Not kept; wipe it after the
   * call. */
  const char* keys;
  const struct caveat_key_provider* key_provider; /* caveat/c_keys.h: in place of `keys` */
} caveat_options;

/* Opens the store in the directory `path` (ends with a zero), or an empty one in memory. `options`
 * may be NULL: all defaults. */
caveat_code caveat_open(const char* path, const caveat_options* options, caveat_store** store,
                        caveat_error** error);
caveat_code caveat_open_volatile(const caveat_options* options, caveat_store** store,
                                 caveat_error** error); /* empty, in memory */
/* Folds what is pending and releases the files; from then on every call gives CAVEAT_CLOSED. With
 * cursors or snapshots open CAVEAT_BUSY, and the store stays open. Closing again does nothing. */
caveat_code caveat_close(caveat_store* store, caveat_error** error);
/* Gives the handle back. A store that is open is closed now, or with the last of its cursors and
 * snapshots; an error is lost, so close it first. */
void caveat_store_release(caveat_store* store);

/* --- Property names --------------------------------------------------------------------------- */

/* `property` may be NULL. */
caveat_code caveat_register_property(caveat_store* store, const char* name, size_t name_size,
                                     uint64_t* property, caveat_error** error);
caveat_code caveat_register_properties(caveat_store* store, const caveat_string* names,
                                       size_t count, caveat_error** error); /* all, or none */
/* `name` is to be freed; its data is NULL where the property has no name. */
caveat_code caveat_property_name(const caveat_store* store, uint64_t property, caveat_string* name,
                                 caveat_error** error);

/* --- Writing ---------------------------------------------------------------------------------- */
/* `durability`: CAVEAT_DURABILITY_DEFAULT or one of the others. Where a record and a key are given,
 * the record's own key is not looked at. */

caveat_code caveat_store_exception(
    caveat_store* store, const caveat_record* record, int32_t durability,
    caveat_error** error); /* in place of what is there; reads nothing */
caveat_code caveat_remove_exception(caveat_store* store, uint64_t node, uint64_t property,
                                    int32_t durability,
                                    caveat_error** error); /* nothing there is no error */
/* The same, and what was there: NULL, or a record to be freed. */
caveat_code caveat_exchange_exception(caveat_store* store, const caveat_record* record,
                                      int32_t durability, const caveat_record** was,
                                      caveat_error** error);
caveat_code caveat_take_exception(caveat_store* store, uint64_t node, uint64_t property,
                                  int32_t durability, const caveat_record** was,
                                  caveat_error** error); /* removes, and gives it */
/* Removes what is there, and sets `erased` to 1 if there was anything, else to 0. Reads the keys
 * alone: cheaper than caveat_take_exception. */
caveat_code caveat_erase_exception(caveat_store* store, uint64_t node, uint64_t property,
                                   int32_t durability, int32_t* erased, caveat_error** error);
/* Writes `desired` (NULL: removes) if what is there equals `expected` (NULL: nothing is there), and
 * sets `swapped` to 1; else to 0. */
caveat_code caveat_compare_and_set(caveat_store* store, uint64_t node, uint64_t property,
                                   const caveat_record* expected, const caveat_record* desired,
                                   int32_t durability, int32_t* swapped, caveat_error** error);
/* `distinct` (may be NULL): how many different keys there were. All or nothing for each chunk of
 * 65,536 records or 8 MiB; bad input stores nothing. */
caveat_code caveat_bulk_store(caveat_store* store, const caveat_record* records, size_t count,
                              int32_t durability, uint64_t* distinct, caveat_error** error);
caveat_code caveat_clear_node(caveat_store* store, uint64_t node, int32_t durability,
                              caveat_error** error); /* all that it has, in one short write */
caveat_code caveat_clear_property(caveat_store* store, uint64_t property, int32_t durability,
                                  caveat_error** error);             /* the same */
caveat_code caveat_flush(caveat_store* store, caveat_error** error); /* folds what is in memory */
/* Writes that are applied as a whole, in the order in which they were added. Of no store. */
typedef struct caveat_batch caveat_batch;
caveat_code caveat_batch_create(caveat_batch** batch, caveat_error** error); /* to be released */
caveat_code caveat_batch_store_exception(caveat_batch* batch, const caveat_record* record,
                                         caveat_error** error); /* as without "batch" */
caveat_code caveat_batch_remove_exception(caveat_batch* batch, uint64_t node, uint64_t property,
                                          caveat_error** error); /* the same */
caveat_code caveat_batch_clear_node(caveat_batch* batch, uint64_t node,
                                    caveat_error** error); /* the same */
caveat_code caveat_batch_clear_property(caveat_batch* batch, uint64_t property,
                                        caveat_error** error);             /* the same */
caveat_code caveat_batch_clear(caveat_batch* batch, caveat_error** error); /* empties it */
caveat_code caveat_batch_size(caveat_batch* batch, size_t* writes, size_t* bytes,
                              caveat_error** error); /* bytes as they will be logged */
caveat_code caveat_write(caveat_store* store, caveat_batch* batch, int32_t durability,
                         caveat_error** error); /* the batch stays as it is */
void caveat_batch_release(caveat_batch* batch); /* unwritten writes are dropped */

/* --- Reading ---------------------------------------------------------------------------------- */
/* `snapshot` NULL: the newest version. A snapshot of another store is CAVEAT_INVALID_ARGUMENT. */

typedef struct caveat_snapshot caveat_snapshot; /* one version of a store */
caveat_code caveat_snapshot_create(const caveat_store* store, caveat_snapshot** snapshot,
                                   caveat_error** error); /* to be released; keeps what it sees */
/* Writes up to this sequence number are in it; 0 for NULL. */
uint64_t caveat_snapshot_sequence(const caveat_snapshot* snapshot);
void caveat_snapshot_release(caveat_snapshot* snapshot); /* NULL: nothing */
/* The hot call: `found` is 1 or 0. */
caveat_code caveat_contains(const caveat_store* store, const caveat_snapshot* snapshot,
                            uint64_t node, uint64_t property, int32_t* found, caveat_error** error);
caveat_code caveat_has_exceptions(const caveat_store* store, const caveat_snapshot* snapshot,
                                  uint64_t node, int32_t* found,
                                  caveat_error** error); /* of any property */
/* `record`: NULL where there is none, or a record to be freed. */
caveat_code caveat_retrieve_exception(const caveat_store* store, const caveat_snapshot* snapshot,
                                      uint64_t node, uint64_t property,
                                      const caveat_record** record, caveat_error** error);
/* The same for `count` keys, of one version; `records` has room for as many pointers. */
caveat_code caveat_bulk_retrieve(const caveat_store* store, const caveat_snapshot* snapshot,
                                 const caveat_key* keys, size_t count,
                                 const caveat_record** records, caveat_error** error);

/* --- Queries ---------------------------------------------------------------------------------- */

enum { /* caveat_query.fields */
       CAVEAT_QUERY_NODE = 1,
       CAVEAT_QUERY_PROPERTY = 2,
       CAVEAT_QUERY_SOURCE = 4,
       CAVEAT_QUERY_CONFIDENCE = 8,
       CAVEAT_QUERY_TIME = 16,
       CAVEAT_QUERY_LIMIT = 32,
       CAVEAT_QUERY_NODES = 64
};
enum { CAVEAT_ORDER_KEY = 0, CAVEAT_ORDER_CONFIDENCE = 1, CAVEAT_ORDER_TIME = 2 };

/* All conditions that `fields` names must hold; ranges are closed. None: everything. */
typedef struct caveat_query {
  size_t size;                /* sizeof(caveat_query) */
  uint32_t fields;            /* CAVEAT_QUERY_*: those that count */
  int32_t source;             /* CAVEAT_EXPLICIT, ... */
  uint64_t node;              /* of this node */
  uint64_t property;          /* of this property */
  float confidence_min;       /* included */
  float confidence_max;       /* included */
  int64_t time_start_ns;      /* included */
  int64_t time_end_ns;        /* included */
  int32_t order;              /* CAVEAT_ORDER_* */
  int32_t descending;         /* 0 or 1 */
  uint64_t limit;             /* records at most */
  caveat_string resume_token; /* of caveat_cursor_resume_token; empty: from the start */
  uint64_t node_first;        /* included; with CAVEAT_QUERY_NODES */
  uint64_t node_last;         /* included */
} caveat_query;

/* A stream of results, of one version of the store. */
typedef struct caveat_cursor caveat_cursor;
caveat_code caveat_cursor_open(const caveat_store* store, const caveat_snapshot* snapshot,
                               const caveat_query* query, caveat_cursor** cursor,
                               caveat_error** error); /* to be released */
/* `record`: the next one, valid until the next call with this cursor; NULL at the end. */
caveat_code caveat_cursor_next(caveat_cursor* cursor, const caveat_record** record,
                               caveat_error** error);
/* After CAVEAT_CORRUPTION: goes on behind what cannot be read, if `skipped` is set to 1. */
caveat_code caveat_cursor_skip_damage(caveat_cursor* cursor, int32_t* skipped,
                                      caveat_error** error);
/* Text, to be freed, with which a query goes on behind the last record, also tomorrow. CAVEAT_BUSY
 * where there was no memory to show that one: ask caveat_cursor_next for it again first. */
caveat_code caveat_cursor_resume_token(caveat_cursor* cursor, caveat_string* token,
                                       caveat_error** error);
void caveat_cursor_release(caveat_cursor* cursor); /* NULL: nothing */
caveat_code caveat_count(const caveat_store* store, const caveat_snapshot* snapshot,
                         const caveat_query* query, uint64_t* count,
                         caveat_error** error); /* the limit counts */
/* How a query would run: lines for people or one JSON object, to be freed. */
caveat_code caveat_explain(const caveat_store* store, const caveat_snapshot* snapshot,
                           const caveat_query* query, caveat_string* text, caveat_error** error);
caveat_code caveat_explain_json(const caveat_store* store, const caveat_snapshot* snapshot,
                                const caveat_query* query, caveat_string* json,
                                caveat_error** error); /* JSON, to be freed */

/* --- Maintenance ------------------------------------------------------------------------------ */

/* Called now and then from the thread that made the call; `total` is 0 where it is unknown.
 * Anything but 0 stops: the call gives CAVEAT_CANCELLED, and what was committed stays. */
typedef int (*caveat_progress)(void* context, const char* stage, uint64_t done, uint64_t total);

/* Results may be NULL; otherwise their size is set by the caller. `progress` may be NULL. */
typedef struct caveat_optimization {
  size_t size;                   /* sizeof(caveat_optimization) */
  uint64_t partitions_rewritten; /* whose block is another one now */
  uint64_t partitions_split;     /* cut, as they were too large */
  uint64_t partitions_joined;    /* with a neighbour */
  uint64_t hints_removed;        /* stale ones */
  uint64_t indexes_rebuilt;      /* that were damaged or incomplete */
  uint64_t dictionaries_trained; /* and used */
  uint64_t bytes_before;         /* containers of all families */
  uint64_t bytes_after;          /* of the same */
  uint64_t duration_ns;          /* wall time */
  uint64_t partitions_skipped;   /* that cannot be read; on_background_error is told why */
} caveat_optimization;
caveat_code caveat_optimize_storage(caveat_store* store, caveat_progress progress, void* context,
                                    caveat_optimization* results,
                                    caveat_error** error); /* see storage_optimizer.h */

/* What a compaction did. */
typedef struct caveat_compaction {
  size_t size;                /* sizeof(caveat_compaction) */
  uint64_t disk_bytes_before; /* of the whole directory */
  uint64_t disk_bytes_after;  /* of the same */
  uint64_t bytes_reclaimed;   /* before - after, or 0 */
  uint64_t duration_ns;       /* wall time */
} caveat_compaction;
caveat_code caveat_compact_storage(caveat_store* store, caveat_progress progress, void* context,
                                   caveat_compaction* results,
                                   caveat_error** error); /* frees space */
caveat_code caveat_rebuild_indexes(caveat_store* store, caveat_progress progress, void* context,
                                   caveat_error** error); /* queries stay right */

/* What was found. */
typedef struct caveat_verification {
  size_t size;                 /* sizeof(caveat_verification) */
  uint64_t sound;              /* 1, or 0: something is wrong, and the report says what */
  uint64_t partitions;         /* looked at */
  uint64_t records;            /* that can be read */
  uint64_t delta_records;      /* recent commits in the log */
  uint64_t index_pairs;        /* hints of all indexes */
  uint64_t stale_hints;        /* cost time, no more */
  uint64_t missing_hints;      /* would make a query miss a record */
  uint64_t error_count;        /* all, those beyond the list too */
  uint64_t incomplete_indexes; /* not checked; rebuild them */
} caveat_verification;
/* `report_json` (may be NULL) is to be freed: the same figures, and each error in a sentence. */
caveat_code caveat_verify(const caveat_store* store, caveat_progress progress, void* context,
                          caveat_verification* results, caveat_string* report_json,
                          caveat_error** error);
/* Records of the log that an opening could not read are set aside, and caveat_verify names them
 * from then on. This forgets them: after what they wrote was written again, or is given up.
 * `forgotten` (may be NULL): how many there were. */
caveat_code caveat_forget_lost_writes(caveat_store* store, uint64_t* forgotten,
                                      caveat_error** error);

#ifdef __cplusplus
}
#endif

#include "caveat/c_backup.h"
#include "caveat/c_keys.h"
#include "caveat/c_statistics.h"
