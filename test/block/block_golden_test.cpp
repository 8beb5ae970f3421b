// The format, frozen: an annotated dump that must not change, and that must stay readable.
// CAVEAT_REWRITE_GOLDEN=1 in the environment writes the file anew (then raise the version, and keep
// the dump of the version before as block-N.txt).
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "test/block/block_maker.h"
#include "test/support/test_folder.h"

using namespace caveat;
using namespace caveat::test;

namespace {

const std::filesystem::path kGolden = test::test_folder() / "golden" / "block.txt";
// What version 1 wrote of the same rows.
const std::filesystem::path kGolden1 = test::test_folder() / "golden" / "block-1.txt";

// Six rows of two nodes that use most of the encodings. Codec none: zstd's bytes are its own.
RowSet golden_rows() {
  RowSet set;
  const auto add = [&](NodeId node, std::uint32_t property, std::string actual, float confidence,
                       std::int64_t seconds, std::string where) {
    BlockRow row;
    row.view.key.node_id = node;
    row.property_id = property;
    row.view.inherited_value = {ValueKind::String, set.keep("flies")};
    row.view.actual_value = {ValueKind::String, set.keep(std::move(actual))};
    row.view.reason = set.keep(std::move(where));
    row.view.confidence = confidence;
    row.view.created_at = seconds * 1'000'000'000;
    row.view.source = property == 3 ? ExceptionSource::Detected : ExceptionSource::Explicit;
    set.rows.push_back(row);
  };
  add(100, 1, "swims", 0.9F, 1'650'000'000, "penguin overrides bird");
  add(100, 3, "walks", 0.95F, 1'650'000'010, "penguin overrides bird");
  add(100, 7, "dives", 0.9F, 1'650'000'011, "penguin overrides bird");
  add(164, 1, "runs", 0.9F, 1'649'990'000, "ostrich overrides bird");
  add(164, 3, "walks", 0.95F, 1'649'990'020, "ostrich overrides bird");
  add(164, 8, "", 1.0F, 1'649'990'080, "");
  return set;
}

std::string annotate(std::string_view bytes) {
  std::ostringstream out;
  out << "# offset  bytes  meaning; hex below each\n";
  const auto described = describe_block(bytes);
  REQUIRE(described.stopped.empty());
  std::size_t next = 0;
  for (const auto& field : described.fields) {
    REQUIRE(field.offset == next);  // every byte is named
    next = field.offset + field.size;
    out << field.offset << "  " << field.size << "  " << field.name << ": " << field.meaning
        << "\n  ";
    for (std::size_t i = 0; i < field.size; ++i) {
      constexpr const char* kHex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(bytes[field.offset + i]);
      out << ' ' << kHex[byte >> 4] << kHex[byte & 15];
    }
    out << '\n';
  }
  REQUIRE(next == bytes.size());
  return out.str();
}

// The bytes of the hex lines, which are the indented ones.
std::string bytes_of(const std::string& text) {
  std::string bytes;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] != ' ') continue;
    std::istringstream words(line);
    for (std::string word; words >> word;)
      bytes.push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
  }
  return bytes;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) FAIL("no " << path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_rows(const std::string& dump, const RowSet& set) {
  const auto codecs = all_codecs();
  const auto block = CompressedBlock::from_bytes(bytes_of(dump));
  REQUIRE(block);
  const SimpleBlockResolver resolver(codecs);
  const auto opened = block->open(resolver).value();
  REQUIRE(opened->load(kAllColumns));
  RowRoom room;
  for (std::uint32_t row = 0; row < set.rows.size(); ++row) {
    CHECK(same_record(opened->view(row), set.rows[row].view));
    ExceptionView alone;
    const auto fresh = block->open(resolver, Reasons::halves).value();
    REQUIRE(fresh->materialise(row, alone, room));
    CHECK(same_record(alone, set.rows[row].view));
  }
}

}  // namespace

TEST_CASE("the block format is the one of the golden dump") {
  const auto codecs = all_codecs();
  const auto set = golden_rows();
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  const std::string text = annotate(block.bytes());
  if (std::getenv("CAVEAT_REWRITE_GOLDEN") != nullptr) std::ofstream(kGolden) << text;
  const std::string golden = contents(kGolden);
  CHECK(text == golden);
  check_rows(golden, set);
}

TEST_CASE("blocks of version 1 are read") {
  const std::string golden = contents(kGolden1);
  CHECK(golden.find("version 1") != std::string::npos);
  check_rows(golden, golden_rows());
}
