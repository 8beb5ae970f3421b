// The layout, byte for byte. The file is the worked example of docs/format/row.md.
// To write it anew after a change of format: CAVEAT_REGENERATE=1 ./test_model golden
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "engine/model/row.h"
#include "test/model/hex_dump.h"
#include "test/support/test_folder.h"

using namespace caveat;

namespace {

std::string all_rows(test::HexDump& dump) {
  std::string bytes;
  const auto note = [&](std::string text) { dump.note(bytes.size(), std::move(text)); };
  Exception penguin;
  penguin.inherited_value = true;
  penguin.actual_value = false;
  penguin.reason = "penguins swim";
  penguin.source = ExceptionSource::Detected;
  penguin.created_at = 1640995200123456789;
  penguin.confidence = 0.75F;
  note("store (node 7, hash_property(\"flies\")): true, false");
  encode_store_row({7, hash_property("flies")}, penguin, bytes);

  Exception odd;
  // A list of one list: without the value's name Clang takes the braces for a copy, GCC does not.
  const PropertyValue::List nested{PropertyValue(PropertyValue::List{})};
  odd.inherited_value = PropertyValue::List{PropertyValue(), 1, -65, 1.5, "\xC3\xA9", nested};
  odd.actual_value = std::numeric_limits<std::int64_t>::min();
  odd.created_at = -1;
  odd.confidence = 0.0F;
  note("store (node 2^64-1, 0): nested list, smallest integer, no reason");
  encode_store_row({~NodeId{0}, 0}, odd, bytes);

  RowView row;
  row.record.key = {7, 9};
  for (const auto& [kind, name] :
       {std::pair{RowKind::remove, "remove (7, 9)"}, std::pair{RowKind::clear_node, "clear_node 7"},
        std::pair{RowKind::clear_property, "clear_property 9"}}) {
    row.kind = kind;
    note(name);
    encode_row(row, bytes);
  }
  return bytes;
}

}  // namespace

TEST_CASE("rows are laid out as docs/format/row.md says", "[golden]") {
  test::HexDump dump;
  const auto bytes = all_rows(dump);
  const auto text = dump.text(bytes);
  const auto path = test::test_folder() / "golden" / "rows.hex";
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  CHECK(text == golden);
}
