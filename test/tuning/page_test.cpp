// What was chosen, in bytes. The file is the worked example of docs/format/tuning.md.
// To write it anew after a change of format: CAVEAT_REGENERATE=1 ./test_tuning '[golden]'
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "engine/tuning/tuning_page.h"
#include "test/model/hex_dump.h"
#include "test/support/stores.h"
#include "test/support/test_folder.h"

namespace caveat::test {

namespace {

Tuning sample_tuning() {
  Tuning tuning;
  tuning.moment = Moment::optimize;
  tuning.sampled_rows = 2048;
  tuning.records = 469'763;
  tuning.of(Tuned::dictionary) = {114'688, {{114'688, 14'230}, {65'536, 14'620}}};
  tuning.of(Tuned::codec) = {2, {{2, 14'230}, {1, 21'004}}};
  tuning.of(Tuned::partition) = {256, {{256, 14'230}, {128, 15'311}}};
  tuning.of(Tuned::optimize_level) = {12, {{19, 13'940}, {12, 14'230}, {6, 14'777}}};
  return tuning;
}

}  // namespace

TEST_CASE("choices are laid out as docs/format/tuning.md says", "[tuning][golden]") {
  std::string bytes;
  encode_tuning(sample_tuning(), bytes);
  HexDump dump;
  dump.note(0, "magic \"CVTU\"");
  dump.note(4, "version");
  dump.note(5, "when: by optimize");
  dump.note(6, "trials: 9, and zero");
  dump.note(8, "records of the store");
  dump.note(16, "records measured, and zero");
  dump.note(24, "checksum");
  dump.note(32, "dictionaries: what, chosen, zero, value, thousandths of a byte a record");
  dump.note(32 + 2 * 12, "codecs");
  dump.note(32 + 4 * 12, "partitions");
  dump.note(32 + 6 * 12, "levels of optimize");
  const auto file = test_folder() / "golden" / "tuning.hex";
  const auto text = dump.text(bytes);
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(file) << text;
  std::ifstream golden(file);
  CHECK(text == std::string(std::istreambuf_iterator<char>(golden), {}));
  CHECK(value_of(decode_tuning(bytes)) == sample_tuning());
}

TEST_CASE("choices of nothing are a page as well", "[tuning]") {
  std::string bytes;
  encode_tuning({}, bytes);
  CHECK(value_of(decode_tuning(bytes)) == Tuning{});
}

}  // namespace caveat::test
