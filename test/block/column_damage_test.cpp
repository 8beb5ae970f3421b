// What damaged bytes of an integer column say, read whole and value by value: as ever. A block's
// checksum and the sizes of its columns are not in the way here, so that each check of the decoders
// is seen by itself. golden/columns.txt has a line for each; after a change on purpose remove it,
// and CAVEAT_REGENERATE=1 ./test_block "damaged columns*" writes it anew.
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <optional>

#include "engine/block/int_column.h"
#include "engine/block/int_scratch.h"
#include "test/block/row_links.h"
#include "test/support/golden_lines.h"
#include "test/support/test_folder.h"

using namespace caveat;
using namespace caveat::detail;

namespace {

constexpr std::uint32_t kNodes = 7;
constexpr std::uint32_t kEach = 4;
constexpr std::uint32_t kRows = kNodes * kEach;

struct Shape {
  std::vector<std::uint16_t> nodes, properties;
  explicit Shape(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      nodes.push_back(static_cast<std::uint16_t>(i / kEach));
      properties.push_back(static_cast<std::uint16_t>(i % kEach));
    }
  }
  [[nodiscard]] RowShape rows() const {
    return {nodes, nodes.back() + 1U, properties, count_of_properties()};
  }
  [[nodiscard]] RowPlace place(std::size_t row) const {
    const auto at = static_cast<std::uint32_t>(row);
    return {at,         nodes[row],           at / kEach * kEach, nodes.back() + 1U,
            properties, count_of_properties()};
  }
  [[nodiscard]] std::uint32_t count_of_properties() const {
    return std::min(kEach, static_cast<std::uint32_t>(nodes.size()));
  }
};

struct Verdicts {
  std::size_t cases = 0;
  std::size_t whole = 0;  // accepted
  std::size_t points = 0;
  std::uint64_t digest = 0;

  template <class Value>
  void add(const Value& value) {
    digest = XXH3_64bits_withSeed(&value, sizeof(value), digest);
  }
};

template <class T>
void judge(const Shape& shape, std::string_view bytes, std::size_t count, Verdicts& verdicts) {
  const RowShape rows = shape.rows();
  // No value is any that a column before left in the buffers.
  std::vector<T> values(count + 2, T{0x5A5A});
  ByteReader in(bytes);
  const bool read = decode_ints(in, &rows, std::span(values).first(count));
  verdicts.cases += 1;
  verdicts.whole += read ? 1U : 0U;
  verdicts.add(read);
  if (read) {
    verdicts.add(in.left());
    for (const T value : values) verdicts.add(value);
  }
  REQUIRE(values[count] == 0x5A5A);
  for (std::size_t row = 0; row < count; row += row % 3 == 0 ? 1 : 2) {
    ByteReader at(bytes);
    T value = 0;
    const bool found = int_at(at, shape.place(row), count, value);
    verdicts.points += found ? 1U : 0U;
    verdicts.add(found);
    if (!found) continue;
    verdicts.add(at.left());
    verdicts.add(value);
    if (read && at.left() == in.left()) REQUIRE(value == values[row]);
  }
}

template <class T>
Verdicts verdicts_of(const std::string& whole, std::size_t count) {
  const Shape shape(count);
  Verdicts verdicts;
  const auto judged = [&](std::string_view bytes) { judge<T>(shape, bytes, count, verdicts); };
  judged(whole);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    const int was = static_cast<unsigned char>(whole[at]);
    for (const int byte : {0,  1,  2,  3,  4,  5,  6,  7,   8,   9,   10,      11,      12,
                           27, 28, 29, 33, 63, 64, 65, 127, 128, 255, was - 1, was + 1, was ^ 16}) {
      bytes[at] = static_cast<char>(byte);
      judged(bytes);
    }
    judged(std::string_view(whole).substr(0, at));
    judged(whole.substr(0, at) + whole.substr(at + 1));
    bytes = whole;
    bytes.insert(at, 1, whole[at]);
    judged(bytes);
    judged(bytes.replace(at, 2, 9, '\xFF'));
    bytes = whole;
    judged(bytes.replace(at, 1, "\xFF\xFF\xFF\xFF\x7F"));  // a number beyond 32 bits
  }
  return verdicts;
}

std::string written(const std::vector<std::uint64_t>& values, const RowShape* shape,
                    std::uint64_t fresh_from) {
  IntScratch scratch;
  std::string out;
  const RowLinks links = shape != nullptr ? links_of(*shape) : RowLinks{};
  encode_ints(values, shape != nullptr ? &links : nullptr, scratch, out, fresh_from);
  return out;
}

void check(const std::string& name, const std::string& bytes, std::size_t count = kRows) {
  const Verdicts wide = verdicts_of<std::uint64_t>(bytes, count);
  const Verdicts narrow = verdicts_of<std::uint32_t>(bytes, count);
  const std::string line = fmt::format(
      "{}: {} bytes, {} cases; wide {} {} {:016x}, narrow {} {} {:016x}", name, bytes.size(),
      wide.cases, wide.whole, wide.points, wide.digest, narrow.whole, narrow.points, narrow.digest);
  test::check_golden_line(test::test_folder() / "golden" / "columns.txt", line);
}

std::string column(IntEncoding encoding, std::initializer_list<std::string_view> parts) {
  std::string out(1, static_cast<char>(encoding));
  for (const auto part : parts) out += part;
  return out;
}

}  // namespace

TEST_CASE("damaged columns of each encoding are read or refused as ever") {
  const Shape shape(kRows);
  const RowShape rows = shape.rows();
  const auto checked = [&](const char* name, IntEncoding meant, const RowShape* given,
                           auto value_of, std::uint64_t fresh_from = kNoFresh) {
    std::vector<std::uint64_t> values;
    for (std::size_t i = 0; i < kRows; ++i) values.push_back(value_of(i));
    const std::string bytes = written(values, given, fresh_from);
    INFO(name << " is " << to_string(static_cast<IntEncoding>(bytes[0])));
    CHECK(bytes[0] == static_cast<char>(meant));
    check(name, bytes);
  };
  const auto scattered = [](std::size_t i) { return i * 2654435761U >> 3 & 1023; };
  checked("constant", IntEncoding::constant, nullptr, [](std::size_t) { return 900; });
  checked("packed", IntEncoding::packed, nullptr, scattered);
  checked("delta", IntEncoding::delta, nullptr, [](std::size_t i) { return 70 + i * i * 100; });
  checked("runs", IntEncoding::runs, nullptr,
          [&](std::size_t i) { return scattered(i / 9) * 1000; });
  checked("sparse", IntEncoding::sparse, nullptr,
          [](std::size_t i) { return i % 9 == 4 ? 1000 + i * i : 3; });
  checked("dictionary", IntEncoding::dictionary, nullptr,
          [&](std::size_t i) { return scattered(i) % 3 * 123'457'000; });
  const auto fresh = [n = std::uint64_t{100}](std::size_t i) mutable {
    return i % 2 == 0 ? n++ : i * 37 % 64;
  };
  checked("fresh", IntEncoding::fresh, nullptr, fresh, 100);
  checked("node_delta", IntEncoding::node_delta, &rows,
          [&](std::size_t i) { return scattered(i / 4) * 1000 + i % 4 * (i % 3 + 1); });
  checked("by_property", IntEncoding::by_property, &rows,
          [&](std::size_t i) { return scattered(i % 4) + (i == 18 ? 1 : 0); });
}

// Forms inside of others that the encoder would hardly choose for so few values.
TEST_CASE("damaged columns inside of columns are read or refused as ever") {
  using E = IntEncoding;
  const auto constant = [](char value) { return column(E::constant, {{&value, 1}}); };
  const std::string flags_runs = column(
      E::runs, {"\x03", column(E::packed, {{"\0\1\2", 3}}), column(E::packed, {{"\3\4\x25", 3}})});
  const std::string flags_sparse = column(E::sparse, {{"\0\3", 2}, constant(4), constant(1)});
  const std::string flags_bytes = column(E::delta, {{"\0\0", 2}, constant(0)});
  for (const auto& [name, flags] :
       {std::pair{"runs", flags_runs}, std::pair{"sparse", flags_sparse},
        std::pair{"delta", flags_bytes}}) {
    const std::string missed = column(E::delta, {{"\5\2", 2}, constant(1)});
    check(std::string("fresh of ") + name, column(E::fresh, {"\x64", flags, missed}));
    check(std::string("by_node of ") + name, column(E::by_node, {flags, missed}));
    check(std::string("by_property of ") + name, column(E::by_property, {flags, missed}));
    check(std::string("dictionary of ") + name,
          column(E::dictionary, {"\x02", column(E::packed, {{"\5\5\x6B\3", 4}}), flags}));
  }
  check("by_node",
        column(E::by_node, {column(E::packed, {{"\0\1\x45\x12\x08", 5}}),
                            column(E::packed, {{"\7\4\x10\x32\x54\x76\x98\xBA\x0C", 9}})}));
  // One value, as many runs as values, each value another, all rows fresh, or none of them.
  check("one", constant(5), 1);
  check("runs of one", column(E::runs, {"\x1C", flags_bytes, constant(0)}));
  check("all differ", column(E::sparse, {{"\3\x1C", 2}, constant(0), flags_sparse}));
  check("all distinct", column(E::dictionary, {"\x1C", column(E::delta, {{"\1\2", 2}, constant(1)}),
                                               column(E::delta, {{"\0\2", 2}, constant(0)})}));
  check("all fresh", column(E::fresh, {"\x64", constant(1)}));
  check("none fresh", column(E::fresh, {"\x64", constant(0), flags_runs}));
  // Lengths and gaps that are no leaves, as the encoder would write them.
  const std::string few = column(E::runs, {"\2", column(E::packed, {{"\1\1\2", 3}}), constant(1)});
  check("runs by runs", column(E::runs, {"\5", column(E::packed, {{"\5\3\x98\x3A", 4}}), few}));
  check("sparse by runs", column(E::sparse, {{"\3\4", 2}, few, few}));
  // Each row another property.
  check("a row a property", column(E::by_property, {column(E::delta, {{"\5\2", 2}, constant(1)})}),
        kEach);
  check("none", column(E::sparse, {{"\7\0", 2}}));
  check("steps", column(E::node_delta, {{"\0", 1},
                                        column(E::delta, {{"\5\2", 2}, constant(1)}),
                                        column(E::runs, {"\2", constant(3), constant(6)})}));
}

TEST_CASE("a column that leans on properties is refused of rows without") {
  const std::string bytes = column(IntEncoding::by_property, {std::string("\1\1\1\5", 4)});
  Shape shape(kRows);
  for (const bool with : {true, false}) {
    RowShape rows = shape.rows();
    RowPlace place = shape.place(9);
    if (!with) {
      rows.property_of_row = place.property_of_row = {};
      rows.property_count = place.property_count = 0;
    }
    std::vector<std::uint64_t> values(kRows);
    ByteReader whole(bytes), point(bytes);
    std::uint64_t value = 0;
    CHECK(decode_ints(whole, &rows, std::span(values)) == with);
    CHECK(int_at(point, place, kRows, value) == with);
  }
}

// Recursion is bounded for what one value depends on as well.
TEST_CASE("a value is read to the depth of the format and no deeper") {
  using E = IntEncoding;
  const std::string none = column(E::constant, {{"\0", 1}});
  const Shape shape(kRows);
  const RowShape rows = shape.rows();
  for (const E outer : {E::dictionary, E::by_node, E::by_property}) {
    for (const E inner : {E::dictionary, E::fresh}) {
      for (unsigned depth = 1; depth <= kMaxColumnDepth + 2; ++depth) {
        CAPTURE(to_string(outer), to_string(inner), depth);
        std::string bytes = none;
        for (unsigned level = 1; level < depth; ++level) {
          const E form = level + 1 == depth ? outer : inner;
          bytes = form == E::dictionary
                      ? column(form, {"\2", column(E::packed, {{"\0\1\2", 3}}), bytes})
                  : form == E::fresh ? column(form, {"\x64", none, bytes})
                                     : column(form, {none, bytes});
        }
        std::uint64_t value = 0;
        ByteReader point(bytes);
        CHECK(int_at(point, shape.place(9), kRows, value) == (depth <= kMaxColumnDepth));
        std::vector<std::uint32_t> values(kRows);
        ByteReader whole(bytes);
        CHECK(decode_ints(whole, &rows, std::span(values)) == (depth <= kMaxColumnDepth));
      }
    }
  }
}

// Of sparse flags only those up to a row are looked at: what they say of all can be anything.
TEST_CASE("flags that lie about how many are set lead to no value behind the last") {
  using E = IntEncoding;
  const Shape shape(kRows);
  const auto value_at = [&](const std::string& bytes, std::size_t row) {
    ByteReader in(bytes);
    std::uint64_t value = 0;
    return int_at(in, shape.place(row), kRows, value) ? std::optional(value) : std::nullopt;
  };
  const auto sparse = [](char common, char others, char gap) {
    return column(E::sparse,
                  {std::string{common, others}, column(E::constant, {{&gap, 1}}),
                   column(E::constant, {common == 0 ? "\1" : std::string_view("\0", 1)})});
  };
  // A value a node, of 64 bits each: none of the 21 flags is set, though the first nine are.
  std::string values(7 * sizeof(std::uint64_t), '\x5A');
  const std::string missed = column(E::packed, {std::string{'\0', '\x40'}, values});
  const std::string by_node = column(E::by_node, {sparse(1, 21, 9), missed});
  CHECK(value_at(by_node, 0).has_value());
  CHECK_FALSE(value_at(by_node, 9).has_value());
  CHECK_FALSE(value_at(by_node, 11).has_value());
  // One earlier number, or none, for the first ten rows.
  const std::string one = column(E::packed, {std::string{'\0', '\x40'}, values.substr(0, 8)});
  const std::string fresh = column(E::fresh, {"\x64", sparse(0, 27, 10), one});
  CHECK(value_at(fresh, 0).has_value());
  CHECK_FALSE(value_at(fresh, 9).has_value());
  CHECK_FALSE(value_at(column(E::fresh, {"\x64", sparse(0, 28, 10)}), 9).has_value());
}
