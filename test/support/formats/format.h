// One of our formats, as tests that damage bytes see it: some real encodings, and an account of
// everything that bytes say, so that two readings can be compared whatever the format is.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/error.h"

namespace caveat::test {

// What no bytes may bring about: two ways to read that disagree, an order that does not hold.
class Violation : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void must_hold(bool condition, const char* what) {
  if (!condition) throw Violation(what);
}

struct Format {
  std::string name;
  std::vector<std::string> samples;

  // Everything the bytes say, in an encoding of its own; or the refusal.
  std::function<Result<std::string>(std::string_view)> read;
  // What the bytes say, written by the format's own encoder.
  std::function<Result<std::string>(std::string_view)> write_again;
  // Makes all checksums right; none where the format leaves them to what it is embedded in.
  std::function<void(std::string&)> seal;

  // One content has one encoding: write_again gives back the bytes.
  bool canonical = false;
  // Values that are appended to: whole segments may be missing or more of them.
  bool appendable = false;
  // Where the segments of an appendable value end.
  std::function<std::vector<std::size_t>(std::string_view)> ends;
};

[[nodiscard]] Format block_format();
[[nodiscard]] Format run_format();
[[nodiscard]] Format container_format();
[[nodiscard]] Format posting_segment_format();
[[nodiscard]] Format posting_container_format();
[[nodiscard]] Format directory_page_format();
[[nodiscard]] Format key_filter_format();
[[nodiscard]] Format catalogue_format();
[[nodiscard]] Format dictionary_format();
[[nodiscard]] Format superblock_format();
[[nodiscard]] Format tuning_format();
[[nodiscard]] Format delta_record_format();
[[nodiscard]] Format row_format();
[[nodiscard]] Format value_format();
[[nodiscard]] Format resume_token_format();
[[nodiscard]] Format backup_manifest_format();
[[nodiscard]] Format spare_format();
// In a build with a cipher.
[[nodiscard]] Format envelope_format();
[[nodiscard]] Format key_sheet_format();
[[nodiscard]] std::vector<Format> all_formats();

// Refusals that say "these bytes are wrong"; anything else is the wrong advice.
[[nodiscard]] inline bool refuses(ErrorCode code) {
  return code == ErrorCode::corruption || code == ErrorCode::unsupported_format ||
         code == ErrorCode::codec_missing || code == ErrorCode::invalid_argument ||
         code == ErrorCode::limit_exceeded || code == ErrorCode::wrong_key;
}

// For fuzzing: reads as it is and under right checksums. What is accepted must survive being
// written again. Throws Violation.
void check_any_bytes(const Format& format, std::string_view bytes);

}  // namespace caveat::test
