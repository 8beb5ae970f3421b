/* Keys of encrypted stores. Part of caveat/c.h, which includes this file. */
#pragma once

#include "caveat/c.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAVEAT_KEY_BYTES 32 /* of a key */

/* Where keys come from: a file, a vault, an HSM (caveat/encryption.h). Asked for while a call opens
 * a store, in the thread that made the call, and not later: struct and context need not outlive it.
 */
typedef struct caveat_key_provider {
  size_t size;      /* sizeof(caveat_key_provider) */
  uint32_t current; /* the id of the key that new values are under; not 0 */
  uint32_t zero;    /* reserved: 0 */
  void* context;    /* given to `key` */
  /* Writes the CAVEAT_KEY_BYTES bytes of key `id` to `key`, which the library wipes, and returns
   * CAVEAT_OK. Otherwise CAVEAT_KEY_MISSING where there is no such key, or what else struck
   * (CAVEAT_IO_ERROR, ...): the call that opens returns it, with the key's id and the sentence, if
   * any, that was written to `why`: at most `why_bytes` with the zero at its end, never the key. */
  caveat_code (*key)(void* context, uint32_t id, unsigned char* key, char* why, size_t why_bytes);
} caveat_key_provider;

/* How much lies under one key. */
typedef struct caveat_key_use {
  uint32_t key_id;  /* 0: not encrypted */
  uint32_t current; /* 1: new values are under it; else 0 */
  uint64_t values;  /* of all families */
  uint64_t bytes;   /* of values as stored */
} caveat_key_use;
/* Which keys the values of an encrypted store are under: none for a plain one, and one when a
 * rotation has ended. Reads the whole store. Fills at most `room` of `uses`, by id, and sets
 * `count` to how many there are. */
caveat_code caveat_key_usage(const caveat_store* store, caveat_key_use* uses, size_t room,
                             size_t* count, caveat_error** error);
#ifdef __cplusplus
}
#endif
