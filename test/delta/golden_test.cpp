// The layout, byte for byte. The file is the worked example of docs/format/delta.md.
// To write it anew after a change of format: CAVEAT_REGENERATE=1 ./test_delta '[golden]'
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "engine/delta/delta_record.h"
#include "test/model/hex_dump.h"
#include "test/support/test_folder.h"

using namespace caveat;

namespace {

void note_header(test::HexDump& dump, std::size_t at, const std::string& flags,
                 const std::string& rows) {
  dump.note(at, "magic \"CVDL\"");
  dump.note(at + 4, "version");
  dump.note(at + 5, "flags: " + flags);
  dump.note(at + 6, "reserved");
  dump.note(at + 8, "rows: " + rows);
  dump.note(at + 12, "raw size");
  dump.note(at + 16, "payload");
}

Exception penguin() {
  Exception exception;
  exception.inherited_value = true;
  exception.actual_value = false;
  exception.reason = "penguins swim";
  exception.source = ExceptionSource::Detected;
  exception.created_at = 1640995200123456789;
  exception.confidence = 0.75F;
  return exception;
}

void put_record(test::HexDump& dump, std::string& bytes, const DeltaRecordKey& key,
                const WriteBatch& batch, const std::string& flags) {
  dump.note(bytes.size(), "key: generation");
  dump.note(bytes.size() + 8, "key: first sequence");
  bytes += encode_delta_key(key);
  note_header(dump, bytes.size(), flags, std::to_string(batch.count()));
  encode_delta_record(key, batch.rows(), batch.count(), bytes);
  dump.note(bytes.size() - 8, "checksum");
}

WriteBatch plain_batch() {
  WriteBatch batch;
  REQUIRE(batch.store_exception({7, hash_property("flies")}, penguin()));
  REQUIRE(batch.remove_exception({7, 9}));
  REQUIRE(batch.clear_property(9));
  return batch;
}
WriteBatch large_batch() {
  WriteBatch batch;
  for (NodeId node = 0; node < 80; ++node) {
    REQUIRE(batch.store_exception({node, hash_property("flies")}, penguin()));
  }
  return batch;
}

std::string parse_hex_dump(const std::string& text) {
  std::string bytes;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string word;
    words >> word;  // the offset
    while (words >> word) bytes.push_back(static_cast<char>(std::stoi(word, nullptr, 16)));
  }
  return bytes;
}

std::filesystem::path golden(const char* name) {
  return test::test_folder() / "golden" / name;
}
// Writes it first where that was asked for.
std::string golden_text(const char* name, const std::string& text) {
  if (std::getenv("CAVEAT_REGENERATE") != nullptr) std::ofstream(golden(name)) << text;
  std::ifstream file(golden(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("log records are laid out as docs/format/delta.md says", "[delta][golden]") {
  test::HexDump dump;
  std::string bytes;
  put_record(dump, bytes, {3, 1000}, plain_batch(), "plain");
  const auto text = dump.text(bytes);
  REQUIRE(text == golden_text("record.hex", text));
}

TEST_CASE("a compressed record of old is still read", "[delta][golden]") {
  // Another LZ4 may compress in another way: what must stay is what the bytes mean.
  test::HexDump dump;
  std::string fresh;
  put_record(dump, fresh, {3, 1003}, large_batch(), "LZ4");
  const auto bytes = parse_hex_dump(golden_text("compressed_record.hex", dump.text(fresh)));
  const std::string_view all(bytes);
  const auto key = decode_delta_key(all.substr(0, kDeltaKeyBytes));
  REQUIRE((key && *key == DeltaRecordKey{3, 1003}));
  const auto reader = DeltaRecordReader::open(*key, all.substr(kDeltaKeyBytes));
  REQUIRE(reader);
  REQUIRE(reader->compressed());
  REQUIRE(reader->rows() == large_batch().rows());
}
