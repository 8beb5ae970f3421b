#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <cerrno>

#include "tools/cli/app.h"
#include "tools/cli/exit_code.h"

namespace {

// Where a standard stream is closed, the next file to be opened would be in its place, and what the
// tool says would be written into a store. Whatever is read or written there fails as before.
bool keep_streams_closed() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest number that is free, and those below are taken.
    if (::open("/", O_PATH) != stream) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (!keep_streams_closed()) return caveat::cli::kIoError;
  // --memory is the user's word: threads that come and go must not each hold memory back, nor
  // malloc what it has learned to keep (docs/embedding.md, Memory).
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
  return caveat::cli::run(argc, argv);
}
