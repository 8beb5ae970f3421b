// Integer columns: what is written comes back whatever structure lies inside which, as the encoding
// that is meant for it; and bytes that are no column are refused.
#include <xxhash.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "engine/block/int_column.h"
#include "engine/block/int_scratch.h"
#include "test/block/row_links.h"

using namespace caveat;
using namespace caveat::detail;

namespace {

using Column = std::vector<std::uint64_t>;

// Rows of nodes, each of which has the same properties or some of them.
struct Rows {
  std::vector<std::uint16_t> node_of_row, property_of_row;
  std::uint32_t nodes = 0, properties = 0;
  [[nodiscard]] RowShape shape() const { return {node_of_row, nodes, property_of_row, properties}; }
};

Rows rows_of(std::uint32_t nodes, std::uint32_t each) {
  Rows rows;
  rows.nodes = nodes;
  rows.properties = each;
  for (std::uint32_t n = 0; n < nodes; ++n) {
    for (std::uint32_t p = 0; p < each; ++p) {
      rows.node_of_row.push_back(static_cast<std::uint16_t>(n));
      rows.property_of_row.push_back(static_cast<std::uint16_t>(p));
    }
  }
  return rows;
}

std::string written(const Column& values, const RowShape* shape, IntEncoding* encoding = nullptr,
                    std::uint64_t fresh_from = kNoFresh) {
  IntScratch scratch;
  std::string out;
  const RowLinks links = shape != nullptr ? links_of(*shape) : RowLinks{};
  const IntEncoding chosen =
      encode_ints(values, shape != nullptr ? &links : nullptr, scratch, out, fresh_from);
  if (encoding != nullptr) *encoding = chosen;
  return out;
}

template <class T>
bool reads(std::string_view bytes, const RowShape* shape, std::vector<T>& values) {
  ByteReader in(bytes);
  return decode_ints(in, shape, std::span<T>(values)) && in.left() == 0;
}

// Each value by itself, as a block's point reads do.
template <class T>
void check_points(const Column& values, const RowShape* shape, std::string_view bytes) {
  RowPlace place;
  place.node_count = 1;
  if (shape != nullptr) {
    place.node_count = shape->node_count;
    place.property_of_row = shape->property_of_row;
    place.property_count = shape->property_count;
  }
  for (std::uint32_t row = 0; row < values.size(); ++row) {
    place.row = row;
    if (shape != nullptr && (row == 0 || shape->node_of_row[row] != place.node)) {
      place.node = shape->node_of_row[row];
      place.first_row_of_node = row;
    }
    ByteReader in(bytes);
    T value = 0;
    REQUIRE(int_at(in, place, values.size(), value));
    REQUIRE(in.left() == 0);
    REQUIRE(value == values[row]);
  }
}

// What is cut off is not read: the sanitizers would tell. (It need not be refused.)
void read_points(std::string_view cut, std::size_t count) {
  RowPlace place;
  place.node_count = 1;
  for (const std::size_t row : {std::size_t{0}, count / 2, count - 1}) {
    place.row = static_cast<std::uint32_t>(row);
    ByteReader in(cut);
    std::uint64_t value = 0;
    static_cast<void>(int_at(in, place, count, value));
  }
}

// Reads it back both ways, whole and value by value; and nothing that is shorter.
void check_column(const Column& values, const RowShape* shape, const std::string& bytes) {
  Column wide(values.size());
  REQUIRE(reads(bytes, shape, wide));
  REQUIRE(wide == values);
  if (*std::max_element(values.begin(), values.end()) < (std::uint64_t{1} << 31)) {
    std::vector<std::uint32_t> narrow(values.size());
    REQUIRE(reads(bytes, shape, narrow));
    REQUIRE(std::equal(narrow.begin(), narrow.end(), values.begin()));
    check_points<std::uint32_t>(values, shape, bytes);
  }
  check_points<std::uint64_t>(values, shape, bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    REQUIRE_FALSE(reads(std::string_view(bytes).substr(0, size), shape, wide));
    read_points(std::string_view(bytes).substr(0, size), values.size());
  }
}

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {}
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  // At most so many nodes, each with at most so many properties. Drawn in this order by every
  // compiler: as arguments of a call they would not be.
  Rows some_rows(std::uint64_t nodes_max, std::uint64_t each_max) {
    const auto each = static_cast<std::uint32_t>(1 + below(each_max));
    const auto nodes = static_cast<std::uint32_t>(1 + below(nodes_max));
    return rows_of(nodes, each);
  }

  Column column(std::size_t count, unsigned depth = 0) {
    const std::uint64_t base = below(3) == 0 ? below(1U << 20) : 0;
    Column made(count, base);
    const auto kind = below(depth < 2 ? 6 : 3);
    if (kind == 0) return made;
    if (kind == 1) {
      for (auto& value : made) value += below(std::uint64_t{2} << below(10));
    } else if (kind == 2) {
      std::uint64_t sum = base;
      for (auto& value : made) value = sum += 5 + below(3);
    } else if (kind == 3) {  // runs
      const Column heads = column(count, depth + 1);
      for (std::size_t i = 0, run = 0; i < count; ++run) {
        for (auto length = 1 + below(12); length > 0 && i < count; --length) made[i++] = heads[run];
      }
    } else if (kind == 4) {  // few that differ
      const Column others = column(count, depth + 1);
      for (std::size_t i = 0; i < count; ++i) made[i] = below(9) == 0 ? others[i] : base;
    } else {  // few distinct ones
      const Column some = column(1 + below(9), depth + 1);
      for (auto& value : made) value = some[below(some.size())] * 977;
    }
    return made;
  }

  // Leans on the rows' nodes and properties.
  Column shaped(const Rows& rows) {
    const std::size_t count = rows.node_of_row.size();
    Column made(count), heads = column(rows.nodes), steps = column(count);
    const Column of_property = column(rows.properties);
    const auto kind = below(4);
    for (std::size_t i = 0; i < count; ++i) {
      const bool first = i == 0 || rows.node_of_row[i] != rows.node_of_row[i - 1];
      if (kind == 0) made[i] = first ? heads[rows.node_of_row[i]] : made[i - 1] + steps[i] % 50;
      if (kind == 1)
        made[i] = first || below(8) == 0 ? heads[rows.node_of_row[i]] + i : made[i - 1];
      if (kind == 2) made[i] = of_property[rows.property_of_row[i]] + (below(9) == 0 ? 1 : 0);
      if (kind == 3) made[i] = steps[i];
    }
    return made;
  }

 private:
  std::mt19937_64 random_;
};

std::string bytes_of_packed(std::uint8_t width, std::string_view bits) {
  return std::string("\x02\0", 2) + static_cast<char>(width) + std::string(bits);
}

}  // namespace

TEST_CASE("columns come back, whatever structure is inside which") {
  Maker maker(31);
  std::array<std::size_t, kIntEncodingLast + 1> seen{};
  for (int round = 0; round < 3000; ++round) {
    const Rows rows = maker.some_rows(30, 12);
    const RowShape shape = rows.shape();
    const bool leans = maker.below(3) != 0;
    const Column values = leans ? maker.shaped(rows) : maker.column(rows.node_of_row.size());
    const RowShape* const given = leans ? &shape : nullptr;
    IntEncoding encoding{};
    const std::string bytes = written(values, given, &encoding);
    ++seen[static_cast<std::size_t>(encoding)];
    INFO("round " << round << ", " << to_string(encoding));
    check_column(values, given, bytes);
  }
  for (std::size_t i = 1; i < seen.size(); ++i) {
    if (static_cast<IntEncoding>(i) == IntEncoding::fresh) continue;  // has to be asked for
    INFO(to_string(static_cast<IntEncoding>(i)));
    CHECK(seen[i] > 0);
  }
}

TEST_CASE("each structure gets the encoding that is meant for it, in the bytes that it takes") {
  const Rows rows = rows_of(40, 6);
  const RowShape shape = rows.shape();
  const std::size_t count = rows.node_of_row.size();
  const auto check = [&](IntEncoding meant, std::size_t bytes_max, const RowShape* given,
                         auto value_of, std::uint64_t fresh_from = kNoFresh) {
    Column values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = value_of(i);
    IntEncoding encoding{};
    const std::string bytes = written(values, given, &encoding, fresh_from);
    INFO(to_string(encoding) << " in " << bytes.size() << " bytes for " << to_string(meant));
    CHECK(encoding == meant);
    CHECK(bytes.size() <= bytes_max);
    check_column(values, given, bytes);
  };
  const auto scattered = [](std::size_t i) { return i * 2654435761U >> 3 & 1023; };
  check(IntEncoding::constant, 3, nullptr, [](std::size_t) { return 900; });
  check(IntEncoding::packed, 310, nullptr, scattered);
  check(IntEncoding::delta, 8, nullptr, [](std::size_t i) { return 70 + i * 1000; });
  check(IntEncoding::runs, 20, nullptr, [](std::size_t i) { return i / 60 * 7 % 13; });
  check(IntEncoding::sparse, 20, nullptr, [](std::size_t i) { return i % 50 == 7 ? 100 + i : 3; });
  check(IntEncoding::dictionary, 110, nullptr,
        [&](std::size_t i) { return scattered(i) % 5 * 123'457; });
  check(IntEncoding::dictionary, 40, nullptr,
        [](std::size_t i) { return std::popcount(i) % 2 * 4; });
  check(
      IntEncoding::fresh, 70, nullptr,
      [n = std::uint64_t{100}](std::size_t i) mutable { return i % 2 == 0 ? n++ : 100 + i % 3; },
      100);
  // The nodes' first values rise, and so do the steps: columns inside columns.
  check(IntEncoding::node_delta, 14, &shape,
        [](std::size_t i) { return 5000 + i / 6 * 1000 + i % 6; });
  check(IntEncoding::by_node, 70, &shape, [&](std::size_t i) { return scattered(i / 6) + 7; });
  check(IntEncoding::by_property, 20, &shape, [&](std::size_t i) { return scattered(i % 6) + 7; });
}

TEST_CASE("packed columns of too wide values, or with bits behind the last, are refused") {
  Column wide(4);
  std::vector<std::uint32_t> narrow(4);
  const std::string most(64, '\x7F');
  const auto accepts = [&](std::uint8_t width, std::string_view bits, auto& values) {
    return reads(bytes_of_packed(width, bits), nullptr, values);
  };
  // Four values of 3 bits: the upper half of the second byte is nobody's.
  CHECK(accepts(3, std::string("\xFF\x0F", 2), wide));
  CHECK(wide == Column(4, 7));
  for (const char stray : {'\x1F', '\x2F', '\x4F', '\x8F'}) {
    CHECK_FALSE(accepts(3, std::string{'\xFF', stray}, wide));
    CHECK_FALSE(accepts(3, std::string{'\xFF', stray}, narrow));
  }
  CHECK(accepts(64, most.substr(0, 32), wide));
  CHECK(accepts(32, most.substr(0, 16), narrow));
  for (unsigned width = 65; width < 128; ++width) {
    for (std::size_t size = 32; size <= 64; ++size) {
      REQUIRE_FALSE(accepts(static_cast<std::uint8_t>(width), most.substr(0, size), wide));
    }
  }
  for (unsigned width = 33; width < 128; ++width) {
    for (std::size_t size = 16; size <= 64; ++size) {
      REQUIRE_FALSE(accepts(static_cast<std::uint8_t>(width), most.substr(0, size), narrow));
    }
  }
}

// Recursion that goes no deeper than the format bounds the stack, whatever bytes claim.
TEST_CASE("columns nested in columns are read to the depth of the format and no deeper") {
  constexpr std::size_t kRows = 40;
  const auto put = [](IntEncoding encoding, std::string& out) {
    out.push_back(static_cast<char>(encoding));
  };
  const auto constant = [&](std::uint64_t value, std::string& out) {
    put(IntEncoding::constant, out);
    put_varint(out, value);
  };
  for (const IntEncoding encoding : {IntEncoding::delta, IntEncoding::runs, IntEncoding::sparse,
                                     IntEncoding::dictionary, IntEncoding::fresh}) {
    for (unsigned depth = 1; depth <= kMaxColumnDepth + 3; ++depth) {
      CAPTURE(to_string(encoding), depth);
      std::string front, back;  // what lies before and behind the innermost column
      for (unsigned level = 1; level < depth; ++level) {
        put(encoding, front);
        if (encoding == IntEncoding::delta) {
          put_varint(front, 1);
          put_varint(front, 0);
        } else if (encoding == IntEncoding::runs) {
          put_varint(front, kRows);  // as many as there are values, each of one
          constant(0, back);
        } else if (encoding == IntEncoding::sparse) {
          put_varint(front, 9);
          put_varint(front, kRows);  // all differ from what is common
          constant(0, front);
        } else if (encoding == IntEncoding::fresh) {
          put_varint(front, 9);  // whose flags say that none is
          constant(0, back);
        } else {
          put_varint(front, kRows);
          constant(0, back);
        }
      }
      constant(0, front);
      std::vector<std::uint64_t> wide(kRows);
      std::vector<std::uint32_t> narrow(kRows);
      CHECK(reads(front + back, nullptr, wide) == (depth <= kMaxColumnDepth));
      CHECK(reads(front + back, nullptr, narrow) == (depth <= kMaxColumnDepth));
      const std::string bytes = front + back;
      ByteReader in(bytes);
      CHECK(decode_ints(in, nullptr, std::span(wide)) == (depth <= kMaxColumnDepth));
    }
  }
}

// What runs and gaps claim is compared with the room that is left, to the place.
TEST_CASE("runs and exceptions that reach just to the end are read, and none goes beyond it") {
  constexpr std::size_t kRows = 10;
  const auto value_of = [](std::uint64_t value) {
    std::string column(1, static_cast<char>(IntEncoding::constant));
    put_varint(column, value);
    return column;
  };
  const auto read = [](const std::string& bytes, bool expected) {
    std::vector<std::uint64_t> room(kRows + 4, 77);
    ByteReader in(bytes);
    const bool done = decode_ints(in, nullptr, std::span(room).first(kRows)) && in.left() == 0;
    CHECK(done == expected);
    for (std::size_t i = kRows; i < room.size(); ++i) CHECK(room[i] == 77);
    return room;
  };
  for (std::uint64_t length = kRows - 3; length <= kRows + 2; ++length) {
    CAPTURE(length);
    std::string runs(1, static_cast<char>(IntEncoding::runs));
    put_varint(runs, 2);  // of which the first is one longer than it says
    read(runs + value_of(5) + value_of(length), length + 1 < kRows);
    std::string sparse(1, static_cast<char>(IntEncoding::sparse));
    put_varint(sparse, 3);
    put_varint(sparse, 1);
    const auto values = read(sparse + value_of(length) + value_of(6), length < kRows);
    if (length < kRows) CHECK(values[length] == 6);
  }
  for (const std::uint64_t runs : {0U, 1U, 11U}) {
    std::string bytes(1, static_cast<char>(IntEncoding::runs));
    put_varint(bytes, runs);
    read(bytes + value_of(5) + value_of(0), false);
  }
  // Exceptions: none, each, one too many, and one behind the last.
  for (const std::uint64_t others : {0U, 10U, 11U}) {
    std::string sparse(1, static_cast<char>(IntEncoding::sparse));
    put_varint(sparse, 3);
    put_varint(sparse, others);
    read(others == 0 ? sparse : sparse + value_of(0) + value_of(6), others <= kRows);
  }
  std::string behind(1, static_cast<char>(IntEncoding::sparse));
  put_varint(behind, 3);
  put_varint(behind, 2);
  read(behind + value_of(kRows - 1) + value_of(6), false);
}

TEST_CASE("an encoder's working memory says what it holds, at each depth") {
  IntScratch scratch;
  const auto check = [&](auto& values, std::size_t width) {
    const std::size_t before = scratch.bytes();
    values.reserve(1000);
    CHECK(scratch.bytes() >= before + 1000 * width);
    CHECK(scratch.bytes() < before + 2000 * width);
  };
  const auto check_all = [&](auto& buffers, std::size_t width) {
    check(buffers.values, width);
    check(buffers.ranks, width);
    for (auto& level : buffers.levels) {
      for (auto* values : {&level.a, &level.b, &level.distinct, &level.index})
        check(*values, width);
    }
  };
  check_all(scratch.buffers<std::uint16_t>(), 2);
  check_all(scratch.buffers<std::uint32_t>(), 4);
  check_all(scratch.buffers<std::uint64_t>(), 8);
}

namespace {

// Of columns one after the other: what they are written as.
struct WrittenColumns {
  std::size_t size = 0;
  std::uint64_t digest = 0;

  void add(const Column& values, const RowShape* shape, std::uint64_t fresh_from = kNoFresh) {
    const std::string bytes = written(values, shape, nullptr, fresh_from);
    Column read(values.size());
    REQUIRE(reads(bytes, shape, read));
    REQUIRE(read == values);
    size += bytes.size();
    digest = XXH3_64bits_withSeed(bytes.data(), bytes.size(), digest);
  }
};

}  // namespace

// At the borders of what pays, where one byte decides on a form: golden/encodings.txt of test/bytes
// says the same of whole blocks.
TEST_CASE("columns of the same values are the bytes they ever were") {
  Maker maker(77);
  WrittenColumns columns;
  for (int round = 0; round < 20'000; ++round) {
    const Rows rows = maker.some_rows(12, 6);
    const RowShape shape = rows.shape();
    const bool leans = maker.below(2) != 0;
    Column values = leans ? maker.shaped(rows) : maker.column(rows.node_of_row.size());
    std::uint64_t from = kNoFresh;
    if (maker.below(3) == 0) {  // numbers given out as they come, or nearly
      from = maker.below(40);
      std::uint64_t next = from;
      for (auto& value : values) value = maker.below(3) == 0 ? next++ : value % (from + 1);
      if (maker.below(8) == 0) values.back() += 3;
    }
    columns.add(values, leans ? &shape : nullptr, from);
  }
  CHECK(columns.size == 267'568);
  CHECK(columns.digest == 0xa91d13bf18c28a51);
}

// The encoder works in the narrowest numbers that have room for all it computes of a column.
TEST_CASE("columns of wide numbers, and of ones about as wide as others, are the bytes they were") {
  Maker maker(78);
  WrittenColumns columns;
  for (const unsigned bits : {14U, 15U, 16U, 30U, 31U, 32U, 62U, 63U, 64U}) {
    for (int round = 0; round < 1500; ++round) {
      const Rows rows = maker.some_rows(12, 12);
      const RowShape shape = rows.shape();
      const bool leans = maker.below(2) != 0;
      Column values = leans ? maker.shaped(rows) : maker.column(rows.node_of_row.size());
      // The highest is just below so many bits, or at most as much above.
      const std::uint64_t most =
          (~std::uint64_t{0} >> (64 - bits)) + (bits < 64 ? maker.below(3) : 0);
      const std::uint64_t high = *std::max_element(values.begin(), values.end());
      const bool near_all = maker.below(2) != 0;
      for (auto& value : values) {
        if (near_all || value == high) value += most - high;
      }
      columns.add(values, leans ? &shape : nullptr);
    }
  }
  CHECK(columns.size == 558'043);
  CHECK(columns.digest == 0x49b8b4d25e045644);
}

TEST_CASE("the highest number of all is none that was given out, where none are") {
  const Rows rows = rows_of(1, 2);
  const RowShape shape = rows.shape();
  for (const Column& values : {Column{~std::uint64_t{0}, 0}, Column{0, ~std::uint64_t{0}}}) {
    IntEncoding encoding{};
    const std::string bytes = written(values, &shape, &encoding);
    CHECK(encoding == IntEncoding::delta);
    check_column(values, &shape, bytes);
  }
}
