#include <malloc.h>

#include "tools/cli/app.h"

int main(int argc, char** argv) {
  // --memory is the user's word: threads that come and go must not each hold memory back, nor
  // malloc what it has learned to keep (docs/embedding.md, Memory).
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  return caveat::cli::run(argc, argv);
}
