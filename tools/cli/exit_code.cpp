#include "tools/cli/exit_code.h"

namespace caveat::cli {

ExitCode exit_code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::already_exists:
      return kUsageError;
    case ErrorCode::not_found:
      return kNotFound;
    case ErrorCode::hash_collision:
    case ErrorCode::limit_exceeded:
    case ErrorCode::corruption:
    case ErrorCode::codec_missing:
    case ErrorCode::unsupported_format:
      return kDataError;
    case ErrorCode::locked:
    case ErrorCode::busy:
      return kLocked;
    case ErrorCode::io_error:
    case ErrorCode::no_space:
    case ErrorCode::read_only:
    case ErrorCode::closed:
      return kIoError;
    case ErrorCode::cancelled:
      return kInterrupted;
    case ErrorCode::internal:
      return kInternalError;
  }
  return kInternalError;
}

std::string_view exit_code_table() noexcept {
  return "Exit codes:\n"
         "  0    done\n"
         "  1    bad data: a bad line, a corrupt or foreign store, errors found by verify\n"
         "  2    wrong command line, or a store that should not be there\n"
         "  3    no such store, file or record\n"
         "  4    another process has the store open for writing\n"
         "  5    the file system said no, or the disk is full\n"
         "  6    a bug in caveat; please report the message\n"
         "  130  interrupted (143: terminated); what was done stays";
}

}  // namespace caveat::cli
