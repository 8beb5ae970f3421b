#include <malloc.h>

#include "tools/cli/app.h"

int main(int argc, char** argv) {
  // --memory is the user's word: threads that come and go must not each hold memory back.
  mallopt(M_ARENA_MAX, 2);
  return caveat::cli::run(argc, argv);
}
