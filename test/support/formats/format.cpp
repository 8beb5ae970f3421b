#include "test/support/formats/format.h"

#include "caveat/encryption.h"

namespace caveat::test {

namespace {

void check_reading(const Format& format, std::string_view bytes) {
  const auto said = format.read(bytes);
  const auto again = format.read(bytes);
  must_hold(said.has_value() == again.has_value(), "the second reading ends otherwise");
  if (!said) {
    must_hold(refuses(said.error().code()), "refused with a code that means something else");
    must_hold(!said.error().message().empty(), "refused without a word");
    return;
  }
  must_hold(*said == *again, "the second reading says something else");
  const auto written = format.write_again(bytes);
  must_hold(written.has_value(), "what was read cannot be written");
  if (format.canonical) must_hold(*written == bytes, "one content has two encodings");
  const auto read_back = format.read(*written);
  must_hold(read_back.has_value(), "what was written again is refused");
  must_hold(*read_back == *said, "what was written again says something else");
}

}  // namespace

void check_any_bytes(const Format& format, std::string_view bytes) {
  check_reading(format, bytes);
  if (!format.seal) return;
  std::string sealed(bytes);
  format.seal(sealed);
  if (sealed != bytes) check_reading(format, sealed);
}

std::vector<Format> all_formats() {
  std::vector<Format> formats = {block_format(),
                                 run_format(),
                                 container_format(),
                                 posting_segment_format(),
                                 posting_container_format(),
                                 directory_page_format(),
                                 key_filter_format(),
                                 catalogue_format(),
                                 dictionary_format(),
                                 superblock_format(),
                                 tuning_format(),
                                 delta_record_format(),
                                 row_format(),
                                 value_format(),
                                 resume_token_format(),
                                 backup_manifest_format(),
                                 spare_format()};
  if (built_in_cipher() != nullptr) {
    formats.push_back(envelope_format());
    formats.push_back(key_sheet_format());
  }
  return formats;
}

}  // namespace caveat::test
