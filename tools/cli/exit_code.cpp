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
    case ErrorCode::key_missing:
    case ErrorCode::wrong_key:
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

const std::vector<std::pair<std::string, std::string>>& exit_codes() {
  static const std::vector<std::pair<std::string, std::string>> codes = {
      {"0", "done"},
      {"1",
       "bad data: a bad line, a corrupt or foreign store, a part of one that was left out for "
       "that, "
       "one that verify does not call sound; "
       "of diff: there are differences"},
      {"2", "wrong command line, or a store that should not be there"},
      {"3", "no such store, file or record; nothing to remove"},
      {"4", "another process has the store open for writing"},
      {"5", "the file system said no, or the disk is full"},
      {"6", "a bug in caveat; please report the message"},
      {"7", "out of memory"},
      {"130", "interrupted by Ctrl-C (143: terminated); what was done stays"}};
  return codes;
}

}  // namespace caveat::cli
