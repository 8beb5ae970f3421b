// What damaged bytes say under right checksums: what was refused stays refused, and what was
// accepted says the same, as the next version has to read what this one takes. Each check of a
// decoder stands on some of these bytes, so one that is lost, or that refuses more, changes a line
// of golden/verdicts.txt.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "engine/encryption/envelope.h"
#include "engine/encryption/key_sheet.h"
#include "test/block/block_maker.h"
#include "test/bytes/open_cipher.h"
#include "test/support/formats/format.h"
#include "test/support/test_folder.h"

namespace caveat::test {

namespace {

struct Verdicts {
  std::uint64_t cases = 0;
  std::uint64_t accepted = 0;
  std::uint64_t digest = 0;

  void judge(const Format& format, std::string bytes) {
    if (format.seal) format.seal(bytes);
    std::string said;
    try {
      const auto read = format.read(bytes);
      accepted += read ? 1U : 0U;
      said = read ? 'y' + *read : 'n' + std::string(to_string(read.error().code()));
    } catch (const Violation& violation) {
      said = violation.what();  // a case of sealed_test.cpp, if it is one at all
    }
    ++cases;
    said += std::to_string(digest);
    digest = XXH3_64bits(said.data(), said.size());
  }
};

// Each byte in two wrong ways, one more and one less at each place, each end, and some at once.
Verdicts verdicts_of(const Format& format) {
  Verdicts verdicts;
  std::mt19937_64 random(7);
  for (const std::string& whole : format.samples) {
    const std::size_t step = whole.size() / 600 + 1;
    for (std::size_t at = 0; at < whole.size(); at += step) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] + 1);
      verdicts.judge(format, bytes);
      bytes[at] = static_cast<char>(random());
      verdicts.judge(format, bytes);
      bytes[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
      verdicts.judge(format, bytes);
      bytes = whole;
      bytes.insert(at, 1, bytes[at]);
      verdicts.judge(format, bytes);
      verdicts.judge(format, whole.substr(0, at) + whole.substr(at + 1));
      verdicts.judge(format, whole.substr(0, at));
    }
    verdicts.judge(format, whole + '\0');
  }
  return verdicts;
}

void check(const std::vector<Format>& formats) {
  std::ifstream file(test_folder() / "golden" / "verdicts.txt");
  std::vector<std::string> golden;
  for (std::string line; std::getline(file, line);) golden.push_back(line);
  for (const Format& format : formats) {
    const auto found = verdicts_of(format);
    const std::string line = fmt::format("{}: {} of {} accepted, {:016x}", format.name,
                                         found.accepted, found.cases, found.digest);
    // The line that is there now is in the message, for who changes a format on purpose.
    INFO(line);
    CHECK(std::find(golden.begin(), golden.end(), line) != golden.end());
  }
}

// Many small ones that are not compressed, so that what is damaged is a column and not a frame.
Format plain_blocks(std::uint64_t seed) {
  static const CodecRegistry codecs = all_codecs();
  Format format = block_format();
  format.name = "plain blocks " + std::to_string(seed);
  format.samples.clear();
  BlockMaker maker(seed);
  for (int i = 0; i < 6; ++i) {
    const auto set = maker.rows(6 + maker.below(12));
    std::string out;
    REQUIRE(encode_block(set.rows, context_for(codecs, 0), out));
    format.samples.push_back(std::move(out));
  }
  return format;
}

// Under a tag that agrees with everything, as the key's owner could make it.
Format envelopes_in_the_open() {
  static const OpenCipher cipher;
  static const StoreId store{};
  static const Place place{store, Family::primary, "key"};
  Format format;
  format.name = "open envelopes";
  for (const std::uint64_t count : {1U, 4U}) {
    std::string& value = format.samples.emplace_back();
    for (std::uint64_t i = 0; i < count; ++i) {
      const EnvelopeHeader header{i == 0 ? EnvelopeKind::put : EnvelopeKind::append, 3, 0, 300 + i};
      REQUIRE(append_envelope(cipher, SecretKey(), header, std::string(kRandomBytes, 'r'), place,
                              std::string(i * 5, static_cast<char>('A' + i)), value));
    }
  }
  format.read = [](std::string_view bytes) -> Result<std::string> {
    const SecretKey key;
    std::string value(bytes);
    CAVEAT_TRY(open_envelopes(
        cipher, [&](KeyId id) { return id == 3 ? &key : nullptr; }, place, value));
    return value;
  };
  return format;
}

Format key_sheets_in_the_open() {
  static const OpenCipher cipher;
  Format format;
  format.name = "open key sheets";
  KeySheet sheet;
  sheet.cipher_id = 128;
  KeyList keys;
  for (const KeyId id : {3U, 9U, 4U}) {
    sheet.key_ids.push_back(id);
    sheet.numbers_end += id;
    keys.emplace_back(id, SecretKey());
    format.samples.push_back(encode_key_sheet(sheet, keys, cipher).value());
    sheet.converting = !sheet.converting;
  }
  format.seal = backup_manifest_format().seal;  // XXH3-64 at the end, too
  format.read = [](std::string_view bytes) -> Result<std::string> {
    CAVEAT_ASSIGN(const KeySheet read, decode_key_sheet(bytes));
    std::string said = fmt::format("{} {} {} ", read.cipher_id, read.converting, read.numbers_end);
    said.append(read.store_id.data(), read.store_id.size());
    for (const KeyId id : read.key_ids) said += std::to_string(id) + ' ';
    return said;
  };
  return format;
}

}  // namespace

TEST_CASE("damaged blocks under right checksums are read or refused as ever", "[bytes]") {
  check({block_format()});
}

TEST_CASE("damaged columns under right checksums are read or refused as ever", "[bytes]") {
  check({plain_blocks(1)});
}

TEST_CASE("damaged columns of other blocks are read or refused as ever", "[bytes]") {
  check({plain_blocks(2)});
}

TEST_CASE("damaged columns of more blocks are read or refused as ever", "[bytes]") {
  check({plain_blocks(3)});
}

// What verify and the tools print of a block that cannot be read: as far as it goes, and why it
// ends.
TEST_CASE("damaged blocks are described as ever, to where they stop", "[bytes]") {
  Format described = plain_blocks(1);
  described.name = "described blocks";
  described.read = [](std::string_view bytes) {
    return Result<std::string>(describe_block(bytes).to_text());
  };
  check({described});
}

// All columns at once, as a query reads them: what a row by itself would have refused is refused
// here.
TEST_CASE("damaged columns are loaded or refused as ever", "[bytes]") {
  static const CodecRegistry codecs = all_codecs();
  for (const std::uint64_t seed : {1U, 2U}) {
    Format loaded = plain_blocks(seed);
    loaded.name = "loaded blocks " + std::to_string(seed);
    loaded.read = [](std::string_view bytes) -> Result<std::string> {
      const SimpleBlockResolver resolver(codecs);
      auto shared = std::make_shared<const std::string>(bytes);
      const auto size = shared->size();
      CAVEAT_ASSIGN(const auto block, DecodedBlock::open(std::move(shared), 0, size, resolver));
      CAVEAT_TRY(block->load(kAllColumns));
      std::string said;
      for (std::uint32_t row = 0; row < block->row_count(); ++row) {
        const ExceptionView view = block->view(row);
        said += fmt::format("{} {} {} {} {} ", view.key.node_id, block->property_id(row),
                            view.created_at, static_cast<int>(view.source), view.confidence);
        said.append(view.inherited_value.payload()).append(view.actual_value.payload());
        said.append(view.reason);
      }
      return said;
    };
    check({loaded});
  }
}

TEST_CASE("damaged postings under right checksums are read or refused as ever", "[bytes]") {
  check({posting_segment_format(), posting_container_format()});
}

TEST_CASE("damaged containers and pages under right checksums are read or refused as ever",
          "[bytes]") {
  check({run_format(), container_format(), directory_page_format(), key_filter_format(),
         catalogue_format(), dictionary_format(), superblock_format(), tuning_format()});
}

TEST_CASE("damaged rows and tokens under right checksums are read or refused as ever", "[bytes]") {
  check({delta_record_format(), row_format(), value_format(), resume_token_format()});
}

TEST_CASE(
    "damaged backup manifests and spare copies under right checksums are read or refused as "
    "ever",
    "[bytes]") {
  check({backup_manifest_format(), spare_format()});
}

TEST_CASE("damaged envelopes and key sheets are read or refused as ever where no tag speaks",
          "[bytes]") {
  check({envelopes_in_the_open(), key_sheets_in_the_open()});
}

}  // namespace caveat::test
