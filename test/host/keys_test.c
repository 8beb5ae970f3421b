/* Keys that a host's function gives: which stores open, what is said where one does not, and which
 * keys a store's values are under. */
#include "check.h"

static caveat_error* error = NULL;

/* Keys 1 to 9, unless `missing`; what it answers otherwise, and why. */
struct Vault {
  uint32_t missing;
  caveat_code answers;
  const char* why;
  unsigned char twist; /* another key under the same id */
  int asked;
};

static caveat_code find(void* context, uint32_t id, unsigned char* key, char* why,
                        size_t why_bytes) {
  struct Vault* const vault = context;
  ++vault->asked;
  CHECK(why_bytes > 100);
  memset(key, (int)id + vault->twist, CAVEAT_KEY_BYTES); /* also where it fails: not looked at */
  if (id < 10 && id != vault->missing) return CAVEAT_OK;
  if (vault->why != NULL) snprintf(why, why_bytes, "%s", vault->why);
  return vault->answers;
}

static caveat_key_provider provider_of(struct Vault* vault, uint32_t current) {
  const caveat_key_provider provider = {
      .size = sizeof provider, .current = current, .context = vault, .key = find};
  return provider;
}

static caveat_code open_with(const char* path, const caveat_key_provider* provider, uint32_t flags,
                             caveat_store** store) {
  const caveat_options options = {.size = sizeof options, .flags = flags, .key_provider = provider};
  return caveat_open(path, &options, store, &error);
}

static void fill(caveat_store* store, uint64_t begin, uint64_t end) {
  for (uint64_t node = begin; node < end; ++node) {
    const caveat_record record = record_of(node, 1, (int64_t)node);
    OK(caveat_store_exception(store, &record, 0, &error));
  }
  OK(caveat_flush(store, &error));
}

static void close_it(caveat_store* store) {
  OK(caveat_close(store, &error));
  caveat_store_release(store);
}

/* A call that must fail with this code and these words. */
static void says(caveat_code wanted, const char* words, caveat_code code) {
  if (code != wanted || strstr(caveat_error_message(error), words) == NULL) {
    fprintf(stderr, "gave %s: %s\nand not %s: %s\n", caveat_code_name(code),
            caveat_error_message(error), caveat_code_name(wanted), words);
    exit(1);
  }
  caveat_error_free(error);
  error = NULL;
}

static void a_store_opens_with_the_keys_of_a_function(const char* path) {
  struct Vault vault = {.answers = CAVEAT_KEY_MISSING};
  caveat_store* store = NULL;
  caveat_key_provider provider = provider_of(&vault, 1);
  OK(open_with(path, &provider, 0, &store));
  provider.key = NULL; /* the store does not come back to it */
  provider.context = NULL;
  CHECK(vault.asked > 0);
  const int asked = vault.asked;
  fill(store, 0, 300);
  close_it(store);
  CHECK(vault.asked == asked);

  /* As text they are the same keys. */
  char keys[100] = "1:";
  for (int i = 0; i < CAVEAT_KEY_BYTES; ++i) strcat(keys, "01");
  const caveat_options text = {.size = sizeof text, .keys = keys};
  OK(caveat_open(path, &text, &store, &error));
  int32_t found = 0;
  OK(caveat_contains(store, NULL, 299, 1, &found, &error));
  CHECK(found == 1);
  close_it(store);
}

static void what_is_wrong_with_a_key_is_said(const char* path) {
  caveat_store* store = NULL;
  says(CAVEAT_KEY_MISSING, "key 1", caveat_open(path, NULL, &store, &error));
  struct Vault vault = {.missing = 1, .answers = CAVEAT_KEY_MISSING};
  const caveat_key_provider provider = provider_of(&vault, 1);
  says(CAVEAT_KEY_MISSING, "no key 1", open_with(path, &provider, 0, &store));
  vault.why = "the card is not in the reader";
  says(CAVEAT_KEY_MISSING, "key 1: the card is not in the reader",
       open_with(path, &provider, 0, &store));
  vault.answers = CAVEAT_IO_ERROR;
  says(CAVEAT_IO_ERROR, "key 1: the card is not in the reader",
       open_with(path, &provider, 0, &store));
  vault.answers = 4711;
  says(CAVEAT_KEY_MISSING, "4711", open_with(path, &provider, 0, &store));
  vault.answers = CAVEAT_OUT_OF_MEMORY;
  FAILS(CAVEAT_OUT_OF_MEMORY, open_with(path, &provider, 0, &store));
  vault.missing = 0;
  vault.twist = 1;
  says(CAVEAT_WRONG_KEY, "key 1", open_with(path, &provider, 0, &store));
  const caveat_key_provider other = provider_of(&vault, 77);
  says(CAVEAT_OUT_OF_MEMORY, "memory", open_with("unused", &other, 0, &store));
  CHECK(store == NULL);
}

static void arguments_that_break_a_rule_are_named(const char* path) {
  struct Vault vault = {.answers = CAVEAT_KEY_MISSING};
  caveat_store* store = NULL;
  caveat_key_provider provider = provider_of(&vault, 0);
  says(CAVEAT_INVALID_ARGUMENT, ".current", open_with(path, &provider, 0, &store));
  provider = provider_of(&vault, 1);
  provider.key = NULL;
  says(CAVEAT_INVALID_ARGUMENT, ".key", open_with(path, &provider, 0, &store));
  provider = provider_of(&vault, 1);
  provider.zero = 1;
  says(CAVEAT_INVALID_ARGUMENT, ".zero", open_with(path, &provider, 0, &store));
  provider.size = 0;
  says(CAVEAT_INVALID_ARGUMENT, ".size", open_with(path, &provider, 0, &store));
  provider = provider_of(&vault, 1);
  const caveat_options both = {.size = sizeof both, .keys = "1:00", .key_provider = &provider};
  says(CAVEAT_INVALID_ARGUMENT, "give one", caveat_open(path, &both, &store, &error));
  CHECK(vault.asked == 0);
}

static void a_rotation_shows_in_the_usage_of_keys(const char* path) {
  struct Vault vault = {.answers = CAVEAT_KEY_MISSING};
  caveat_store* store = NULL;
  caveat_key_provider provider = provider_of(&vault, 2);
  OK(open_with(path, &provider, 0, &store));
  fill(store, 300, 310);
  size_t count = 0;
  OK(caveat_key_usage(store, NULL, 0, &count, &error));
  CHECK(count == 2);
  caveat_key_use uses[3] = {{.key_id = 99}, {.key_id = 99}, {.key_id = 99}};
  OK(caveat_key_usage(store, uses, 1, &count, &error));
  CHECK(count == 2 && uses[0].key_id == 1 && uses[1].key_id == 99);
  OK(caveat_key_usage(store, uses, 3, &count, &error));
  CHECK(uses[0].current == 0 && uses[0].values > 0 && uses[0].bytes > 300);
  CHECK(uses[1].current == 1 && uses[1].key_id == 2 && uses[2].key_id == 99);
  says(CAVEAT_INVALID_ARGUMENT, "uses", caveat_key_usage(store, NULL, 3, &count, &error));
  says(CAVEAT_INVALID_ARGUMENT, "count", caveat_key_usage(store, uses, 3, NULL, &error));
  OK(caveat_optimize_storage(store, NULL, NULL, NULL, &error));
  OK(caveat_key_usage(store, uses, 3, &count, &error));
  CHECK(count == 1 && uses[0].key_id == 2 && uses[0].current == 1);
  OK(caveat_close(store, &error));
  FAILS(CAVEAT_CLOSED, caveat_key_usage(store, uses, 3, &count, &error));
  caveat_store_release(store);
  vault.missing = 1; /* it is not asked for any more */
  OK(open_with(path, &provider, 0, &store));
  close_it(store);
}

static void a_plain_store_is_encrypted_where_that_is_asked_for(const char* path) {
  struct Vault vault = {.answers = CAVEAT_KEY_MISSING};
  caveat_store* store = NULL;
  OK(caveat_open(path, NULL, &store, &error));
  fill(store, 0, 10);
  size_t count = 7;
  OK(caveat_key_usage(store, NULL, 0, &count, &error));
  CHECK(count == 0);
  close_it(store);
  const caveat_key_provider provider = provider_of(&vault, 1);
  says(CAVEAT_INVALID_ARGUMENT, "not encrypted", open_with(path, &provider, 0, &store));
  OK(open_with(path, &provider, CAVEAT_OPEN_ENCRYPT, &store));
  close_it(store);
  FAILS(CAVEAT_KEY_MISSING, caveat_open(path, NULL, &store, &error));
}

static void a_backup_is_checked_with_its_keys(const char* path, const char* backups) {
  struct Vault vault = {.answers = CAVEAT_KEY_MISSING};
  const caveat_key_provider provider = provider_of(&vault, 2);
  caveat_store* store = NULL;
  OK(open_with(path, &provider, 0, &store));
  OK(caveat_create_backup(store, backups, 0, 1, NULL, NULL, NULL, &error));
  close_it(store);
  caveat_backup found = {.size = sizeof found};
  OK(caveat_verify_backup(backups, 0, 0, NULL, NULL, &found, &error));
  says(CAVEAT_KEY_MISSING, "backup 1: the store is encrypted: give key 2",
       caveat_verify_backup(backups, 0, 1, NULL, NULL, &found, &error));
  says(CAVEAT_KEY_MISSING, "key 2",
       caveat_verify_backup_with_keys(backups, 0, NULL, NULL, NULL, &found, &error));
  caveat_options options = {.size = sizeof options, .key_provider = &provider};
  found.records = 0;
  OK(caveat_verify_backup_with_keys(backups, 1, &options, NULL, NULL, &found, &error));
  CHECK(found.id == 1 && found.records == 310);
  vault.missing = 2;
  vault.why = "lost";
  says(CAVEAT_KEY_MISSING, "key 2: lost",
       caveat_verify_backup_with_keys(backups, 1, &options, NULL, NULL, &found, &error));
  options.size = 1;
  FAILS(CAVEAT_INVALID_ARGUMENT,
        caveat_verify_backup_with_keys(backups, 1, &options, NULL, NULL, &found, &error));
}

int main(int count, char** arguments) {
  CHECK(count == 2);
  char backups[4096];
  char plain[4096];
  snprintf(backups, sizeof backups, "%s.backups", arguments[1]);
  snprintf(plain, sizeof plain, "%s.plain", arguments[1]);
  arguments_that_break_a_rule_are_named(arguments[1]);
  a_store_opens_with_the_keys_of_a_function(arguments[1]);
  what_is_wrong_with_a_key_is_said(arguments[1]);
  a_rotation_shows_in_the_usage_of_keys(arguments[1]);
  a_plain_store_is_encrypted_where_that_is_asked_for(plain);
  a_backup_is_checked_with_its_keys(arguments[1], backups);
  return 0;
}
