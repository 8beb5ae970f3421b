/* A host that knows caveat only by its headers: loads the library, refuses what does not fit, and
 * works with what does.
 *
 *   host_plugin LIBRARY                 works, and prints what it found
 *   host_plugin LIBRARY --refuse WHY    must refuse it for that reason
 */
#include <dlfcn.h>

#include "caveat/plugin.h"
#include "check.h"

/* NULL where it is taken; why not, otherwise. */
static const char* load(const char* path, const caveat_api** api) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return "no library";
  void* const symbol = dlsym(library, CAVEAT_PLUGIN_SYMBOL);
  if (symbol == NULL) return "no plug-in";
  caveat_plugin_entry entry = NULL;
  memcpy(&entry, &symbol, sizeof entry); /* C knows no cast from object to function */
  const caveat_api* const table = entry();
  if (table == NULL) return "no table";
  if (table->abi_version != CAVEAT_ABI_VERSION) return "another version";
  if (table->size < sizeof *table) return "an older library";
  CHECK(caveat_api_fits(table) == 1);
  *api = table;
  return NULL;
}

static void work(const caveat_api* caveat) {
  caveat_error* error = NULL;
  caveat_store* store = NULL;
  CHECK(caveat->open_volatile(NULL, &store, &error) == CAVEAT_OK);
  uint64_t can_fly = 0;
  CHECK(caveat->register_property(store, "can_fly", 7, &can_fly, &error) == CAVEAT_OK);
  const caveat_record penguin = record_of(42, can_fly, 0);
  CHECK(caveat->store_exception(store, &penguin, CAVEAT_DURABILITY_DEFAULT, &error) == CAVEAT_OK);
  int32_t found = 0;
  CHECK(caveat->contains(store, NULL, 42, can_fly, &found, &error) == CAVEAT_OK && found == 1);
  CHECK(caveat->contains(NULL, NULL, 42, can_fly, &found, &error) == CAVEAT_INVALID_ARGUMENT);
  CHECK(caveat->error_code(error) == CAVEAT_INVALID_ARGUMENT);
  caveat->error_free(error);
  CHECK(caveat->close(store, NULL) == CAVEAT_OK);
  caveat->store_release(store);
  printf("caveat %s: an exception\n", caveat->version());
}

int main(int count, char** arguments) {
  CHECK(count >= 2);
  const caveat_api* api = NULL;
  const char* const refused = load(arguments[1], &api);
  if (count >= 4 && strcmp(arguments[2], "--refuse") == 0) {
    if (refused == NULL) fprintf(stderr, "%s was not refused\n", arguments[1]);
    CHECK(refused != NULL && strcmp(refused, arguments[3]) == 0);
    return 0;
  }
  if (refused != NULL) fprintf(stderr, "%s: %s\n", arguments[1], refused);
  CHECK(refused == NULL);
  work(api);
  /* No function is left out. */
  const char* const bytes = (const char*)api;
  for (size_t at = offsetof(caveat_api, version); at < sizeof *api; at += sizeof(void*)) {
    static const char none[sizeof(void*)] = {0};
    CHECK(memcmp(bytes + at, none, sizeof none) != 0);
  }
  return 0;
}
