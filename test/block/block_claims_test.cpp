// Blocks whose sections claim what is not so, under right sizes and a right checksum: what open,
// load, a row by itself and the description say of each, as ever. golden/claims.txt has a line for
// each kind of block; after a change on purpose remove it, and
// CAVEAT_REGENERATE=1 ./test_block "blocks of damaged sections*" writes it anew.
#include <fmt/format.h>
#include <xxhash.h>

#include <catch2/catch.hpp>

#include "engine/block/bits.h"
#include "engine/block/layout.h"
#include "engine/block/string_pool.h"
#include "test/block/block_maker.h"
#include "test/support/golden_lines.h"
#include "test/support/test_folder.h"

using namespace caveat;
using namespace caveat::test;
using detail::ordinal;

namespace {

// A block taken apart, and put together with what a test made of its parts.
struct Sections {
  std::string header;
  std::array<std::string, detail::kSectionCount> parts;
  std::string frames;

  explicit Sections(std::string_view block) : header(block.substr(0, detail::kHeaderBytes)) {
    detail::ByteReader in(block.substr(detail::kHeaderBytes));
    std::array<std::uint64_t, detail::kSectionCount> sizes{};
    for (auto& size : sizes) size = in.varint();
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = in.take(sizes[i]);
    frames = in.take(in.left());
    REQUIRE(in.ok());
  }
  [[nodiscard]] std::string joined() const {
    std::string sizes;
    for (const auto& part : parts) detail::put_varint(sizes, part.size());
    return sealed(sizes);
  }
  // With another directory.
  [[nodiscard]] std::string sealed(const std::string& directory) const {
    std::string block = header + directory;
    for (const auto& part : parts) block += part;
    block += frames;
    const auto size = static_cast<std::uint32_t>(block.size());
    std::memcpy(block.data() + detail::kStoredBytesAt, &size, sizeof size);
    const std::uint64_t checksum = detail::block_checksum(block);
    std::memcpy(block.data() + detail::kChecksumAt, &checksum, sizeof checksum);
    return block;
  }
  std::string& operator[](BlockColumn column) { return parts[ordinal(column)]; }
};

std::string constant(std::uint64_t value) {
  std::string column(1, '\1');
  detail::put_varint(column, value);
  return column;
}

Sections encoded(const RowSet& set) {
  static const auto codecs = all_codecs();
  return Sections(CompressedBlock::encode(set.rows, context_for(codecs, 0)).value().bytes());
}

// Rows without a word to say, of these nodes and properties.
RowSet plain_rows(std::initializer_list<std::pair<NodeId, std::uint32_t>> keys) {
  RowSet set;
  for (const auto& [node, property] : keys) {
    BlockRow row;
    row.view.key.node_id = node;
    row.property_id = property;
    set.rows.push_back(row);
  }
  return set;
}

std::string text_of(const Result<void>& done) {
  return done ? "read" : done.error().message();
}

Result<void> load(const std::string& block, Reasons reasons = Reasons::whole) {
  static const auto codecs = all_codecs();
  static const SimpleBlockResolver resolver(codecs);
  auto bytes = std::make_shared<const std::string>(block);
  CAVEAT_ASSIGN(const auto opened, DecodedBlock::open(bytes, 0, bytes->size(), resolver, reasons));
  return opened->load(kAllColumns);
}

Result<void> read_row(const std::string& block, std::uint32_t row = 0) {
  static const auto codecs = all_codecs();
  static const SimpleBlockResolver resolver(codecs);
  auto bytes = std::make_shared<const std::string>(block);
  // In halves, or a reason that is cut in two would be read with all others.
  CAVEAT_ASSIGN(const auto opened,
                DecodedBlock::open(bytes, 0, bytes->size(), resolver, Reasons::halves));
  ExceptionView view;
  RowRoom room;
  return opened->materialise(row, view, room);
}

struct Verdicts {
  std::size_t cases = 0;
  std::size_t read = 0;
  std::uint64_t digest = 0;

  void add(std::string_view text) {
    digest = XXH3_64bits_withSeed(text.data(), text.size(), digest);
  }
  void judge(const std::string& block) {
    static const auto codecs = all_codecs();
    static const SimpleBlockResolver resolver(codecs);
    ++cases;
    add(describe_block(block, &resolver).to_text());
    add(text_of(load(block, Reasons::halves)));
    const Result<void> loaded = load(block);
    add(text_of(loaded));
    read += loaded ? 1U : 0U;
    for (const std::uint32_t row : {0U, 3U}) add(text_of(read_row(block, row)));
  }
};

void check(const std::string& name, const RowSet& set) {
  const Sections whole = encoded(set);
  const std::size_t size = whole.joined().size();
  Verdicts verdicts;
  for (std::size_t s = 0; s < whole.parts.size(); ++s) {
    const std::string& part = whole.parts[s];
    Sections changed = whole;
    const auto judge = [&](std::string other) {
      changed.parts[s] = std::move(other);
      verdicts.judge(changed.joined());
    };
    judge(part + '\0');
    for (std::size_t at = 0; at < part.size(); at += at < 40 ? 1 : 5) {
      judge(part.substr(0, at));
      judge(part.substr(0, at) + '\x80');  // a number that does not end
      for (const std::uint64_t number :
           {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, set.rows.size() - 1,
            set.rows.size(), set.rows.size() + 1, std::uint64_t{0xFFFF}, std::uint64_t{1} << 31,
            std::uint64_t{1} << 32, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
        std::string other = part.substr(0, at);
        detail::put_varint(other, number);
        judge(other + part.substr(at + 1));
      }
    }
    // The directory: a size that is nearly the block's, or what is left of it.
    for (const std::uint64_t claim :
         {std::uint64_t{0}, part.size() + 1, size - 1, size, size + 1, size + 2,
          part.size() + whole.frames.size(), part.size() + whole.frames.size() + 1}) {
      std::string sizes;
      for (std::size_t i = 0; i < whole.parts.size(); ++i) {
        detail::put_varint(sizes, i == s ? claim : whole.parts[i].size());
      }
      verdicts.judge(whole.sealed(sizes));
    }
  }
  Sections changed = whole;
  for (std::size_t at = 0; at < whole.frames.size(); at += at < 60 ? 1 : 11) {
    changed.frames = whole.frames;
    changed.frames[at] = '\xFF';  // what ends a string
    verdicts.judge(changed.joined());
    changed.frames = whole.frames.substr(0, at);
    verdicts.judge(changed.joined());
    verdicts.judge(whole.joined().substr(0, at));
  }
  const std::string line = fmt::format("{}: {} bytes, {} of {} read, {:016x}", name, size,
                                       verdicts.read, verdicts.cases, verdicts.digest);
  check_golden_line(test_folder() / "golden" / "claims.txt", line);
}

}  // namespace

TEST_CASE("blocks of damaged sections are read or refused as ever") {
  BlockMaker maker(8);
  check("made up", maker.rows(7));
  check("others", maker.rows(15));
  auto split = plain_rows({});
  for (std::uint32_t i = 0; i < 24; ++i) {
    BlockRow row;
    row.view.key.node_id = i / 3;
    row.property_id = i % 3;
    row.view.created_at = 1000 * i;
    row.view.reason = split.keep(
        fmt::format("observed by station {} and not inherited from {}", i % 5, i * 7919 % 1009));
    row.view.actual_value = split.value(PropertyValue(i % 2 == 0));
    split.rows.push_back(row);
  }
  check("with reasons", split);
}

TEST_CASE("nodes that are not ascending, or have rows that there are not, are refused") {
  Sections block = encoded(plain_rows({{5, 1}, {6, 1}}));
  const auto says = [&](const std::string& column) {
    block[BlockColumn::node] = column;
    return text_of(load(block.joined()));
  };
  const std::string two = "\2";
  const std::string rising("\3\5\2\1\0", 5);  // 5 and 6
  CHECK(says(two + rising + constant(0)) == "read");
  CHECK_THAT(says(two + constant(5) + constant(0)), Catch::Contains("column node"));
  for (const std::uint64_t rows : {1U, 2U, 7U}) {
    CHECK_THAT(says(two + rising + constant(rows)), Catch::Contains("column node"));
  }
  CHECK_THAT(says(two + rising + constant(0) + '\1'), Catch::Contains("column node"));
  CHECK_THAT(says(two + rising), Catch::Contains("column node"));
  // More nodes than rows: nothing is allocated for them.
  for (const std::uint64_t nodes :
       {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 40, ~std::uint64_t{0}}) {
    std::string many;
    detail::put_varint(many, nodes);
    CHECK_THAT(says(many + rising + constant(0)), Catch::Contains("column node"));
  }
}

TEST_CASE("properties that are not ascending, not used or too large are refused") {
  Sections block = encoded(plain_rows({{5, 1}, {5, 2}, {6, 1}, {6, 2}}));
  const auto says = [&](const std::string& column) {
    block[BlockColumn::property] = column;
    return text_of(load(block.joined()));
  };
  const std::string flags("\2\0\1\x0A", 4);                    // 0, 1, 0, 1
  const std::string least("\3\x80\x80\x80\x80\x10\2\1\0", 9);  // 2^32 and after
  const std::string largest("\2\xFE\xFF\xFF\xFF\x0F\1\2", 8);  // 2^32 - 2 and 2^32 - 1
  CHECK(says(std::string("\2\2\1\1\2", 5) + flags) == "read");
  CHECK(says('\2' + largest + flags) == "read");
  CHECK_THAT(says('\2' + constant(7) + flags), Catch::Contains("column property"));
  CHECK_THAT(says('\2' + least + flags), Catch::Contains("column property"));
  CHECK_THAT(says(std::string("\2\2\1\1\2", 5) + constant(0)), Catch::Contains("column property"));
  CHECK_THAT(says(std::string("\2\2\1\1\2", 5) + flags + '\0'), Catch::Contains("column property"));
  CHECK_THAT(says("\5" + flags + flags), Catch::Contains("column property"));
  // Without local numbers.
  const std::string none(1, '\0');
  CHECK(says(none + flags) == "read");
  CHECK_THAT(says(none + constant(3)), Catch::Contains("column property"));
  CHECK_THAT(says(none + flags + '\0'), Catch::Contains("column property"));
  CHECK_THAT(says(none), Catch::Contains("column property"));
  CHECK_THAT(says(""), Catch::Contains("column property"));
  // One twice, of which each is used.
  Sections apart = encoded(plain_rows({{5, 1}, {6, 1}}));
  apart[BlockColumn::property] = '\2' + constant(7) + std::string("\2\0\1\2", 4);
  CHECK_THAT(text_of(load(apart.joined())), Catch::Contains("column property"));
  // As many of them as rows.
  Sections each = encoded(plain_rows({{5, 1}, {5, 2}}));
  each[BlockColumn::property] = std::string("\2\2\1\1\2", 5) + std::string("\2\0\1\2", 4);
  CHECK(text_of(load(each.joined())) == "read");
}

TEST_CASE("numbers one beyond what there is are refused, whole and in a row by itself") {
  Sections block = encoded(plain_rows({{5, 1}, {6, 1}}));
  const auto both = [](const std::string& bytes) {
    const bool loaded = load(bytes).has_value();
    CHECK_THAT(text_of(load(bytes)), Catch::StartsWith(text_of(read_row(bytes))));
    return loaded;
  };
  Sections changed = block;
  for (std::uint64_t source = 0; source < 8; ++source) {
    changed[BlockColumn::source] = constant(source);
    CHECK(both(changed.joined()) == (source < kExceptionSourceCount));
  }
  for (const BlockColumn column : {BlockColumn::inherited, BlockColumn::actual}) {
    changed = block;
    std::size_t accepted = 0;
    for (std::uint64_t string = 0; string < 4; ++string) {
      changed[column] = constant(static_cast<std::uint64_t>(ValueKind::String)) + constant(string);
      const bool is_read = both(changed.joined());
      CHECK(is_read == (string <= accepted));
      accepted += is_read && string != 0 ? 1U : 0U;
    }
    changed[column] = constant(9);
    CHECK_FALSE(both(changed.joined()));
  }
  changed = block;
  for (const char* form : {"\1", "\2"}) {
    for (std::uint64_t string = 0; string < 6; ++string) {
      const std::string bytes = std::string(form) + (*form == '\2' ? std::string(1, '\0') : "");
      changed[BlockColumn::reason] =
          bytes + constant(string) + (*form == '\2' ? constant(0) : std::string());
      CAPTURE(static_cast<int>(*form), string);
      both(changed.joined());
      if (*form == '\2') {
        changed[BlockColumn::reason] = bytes + constant(0) + constant(string);
        both(changed.joined());
      }
    }
  }
  // A time beyond all times.
  changed = block;
  std::string time;
  detail::put_varint(time, std::uint64_t{1} << 62);
  changed[BlockColumn::created_at] = time + std::string(2, '\0') + constant(1);
  CHECK(both(changed.joined()));
  changed[BlockColumn::created_at] = time + std::string(2, '\0') + constant(4);
  CHECK_FALSE(both(changed.joined()));
}

TEST_CASE("a block that does not lie in its container is refused") {
  const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  const auto bytes =
      std::make_shared<const std::string>(encoded(plain_rows({{5, 1}, {6, 1}})).joined());
  const std::size_t size = bytes->size();
  const auto says = [&](std::size_t offset, std::size_t length) {
    const auto opened = DecodedBlock::open(bytes, offset, length, resolver);
    return opened ? "read" : opened.error().message();
  };
  CHECK(says(0, size) == "read");
  for (const auto& [offset, length] :
       {std::pair{std::size_t{0}, size + 1}, std::pair{std::size_t{1}, size},
        std::pair{size, std::size_t{1}}, std::pair{size + 1, std::size_t{0}},
        std::pair{~std::size_t{0}, std::size_t{2}}}) {
    CHECK_THAT(says(offset, length), Catch::Contains("passes the end of its container"));
  }
  CHECK_THAT(says(size, 0), Catch::Contains("shorter than its header"));
}

TEST_CASE("a block whose text lies apart is charged for it") {
  static const auto codecs = all_codecs();
  const SimpleBlockResolver resolver(codecs);
  auto set = plain_rows({});
  BlockMaker maker(3);
  std::size_t text = 0;
  for (std::uint32_t i = 0; i < 400; ++i) {
    BlockRow row;
    row.view.key.node_id = i;
    row.view.reason =
        set.keep(fmt::format("the station number {} of the second kind says {}", i % 20,
                             std::string(300, static_cast<char>('a' + i % 7))));
    text += row.view.reason.size();
    set.rows.push_back(row);
  }
  const auto block = CompressedBlock::encode(set.rows, context_for(codecs, 0)).value();
  const auto opened = block.open(resolver).value();
  CHECK(opened->charge_bytes() > text);
  CHECK(opened->charge_bytes() < 4 * text);
}

TEST_CASE("a codec that is not named in the block is not used for it") {
  const auto codecs = all_codecs();
  BlockMaker maker(9);
  const auto set = maker.rows(300);
  BlockContext context = context_for(codecs, 0);
  const auto plain = CompressedBlock::encode(set.rows, context).value();
  context.codec = codecs.find(1).value();
  CHECK(CompressedBlock::encode(set.rows, context).value().bytes() == plain.bytes());
}

TEST_CASE("strings keep their numbers while their table grows") {
  detail::StringPool pool;
  pool.clear(1);
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(fmt::format("text {}", i));
  for (int round = 0; round < 2; ++round) {
    for (std::uint32_t i = 0; i < texts.size(); ++i) REQUIRE(pool.add(texts[i]) == i);
  }
  CHECK(pool.strings().size() == texts.size());
}
