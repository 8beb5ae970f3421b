/* Libraries that a host must refuse: of another ABI, older, without a table, without an entry. */
#include "caveat/plugin.h"

#if defined(OTHER_VERSION)
const caveat_api* caveat_plugin(void) {
  static const caveat_api api = {.size = sizeof api, .abi_version = CAVEAT_ABI_VERSION + 1};
  return &api;
}
#elif defined(OLDER)
const caveat_api* caveat_plugin(void) {
  static const caveat_api api = {.size = sizeof api - sizeof(void*),
                                 .abi_version = CAVEAT_ABI_VERSION};
  return &api;
}
#elif defined(NO_TABLE)
const caveat_api* caveat_plugin(void) {
  return NULL;
}
#else
int something_else(void);
int something_else(void) {
  return 1;
}
#endif
