// Lines out of bytes.
#include <zstd.h>

#include <catch2/catch.hpp>
#include <cstring>

#include "test/model/random_record.h"
#include "tools/cli/byte_source.h"
#include "tools/cli/line_source.h"

using namespace caveat;
using namespace caveat::cli;

namespace {

// Gives its bytes in stretches of at most `stretch`.
class TextSource : public ByteSource {
 public:
  TextSource(std::string text, std::size_t stretch) : text_(std::move(text)), stretch_(stretch) {}
  Result<std::size_t> read(char* to, std::size_t size) override {
    const auto count = std::min({size, stretch_, text_.size() - given_});
    std::memcpy(to, text_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  std::string text_;
  std::size_t stretch_;
  std::size_t given_ = 0;
};

struct Lines {
  std::vector<std::string> texts;
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> refusals;
  std::string error;
};
Lines all(LineSource source) {
  Lines lines;
  LineSource::Line line;
  for (;;) {
    const auto found = source.next(line);
    if (!found) lines.error = found.error().message();
    if (!found || !*found) return lines;
    lines.texts.emplace_back(line.text);
    lines.refusals.push_back(line.refused ? line.refused->message() : "");
    lines.numbers.push_back(source.line_number());
  }
}
Lines lines_of(const std::string& text, std::size_t stretch = 1 << 20) {
  return all(LineSource(std::make_unique<TextSource>(text, stretch)));
}

std::string compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 1));
  return out;
}
Lines lines_of_zstd(const std::string& bytes, std::size_t stretch) {
  return all(LineSource(decompress(std::make_unique<TextSource>(bytes, stretch))));
}

using Texts = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("lines end at line feeds or at the end") {
  CHECK(lines_of("").texts.empty());
  CHECK(lines_of("a").texts == Texts{"a"});
  CHECK(lines_of("a\n").texts == Texts{"a"});
  CHECK(lines_of("a\nb").texts == Texts{"a", "b"});
}

TEST_CASE("blank lines are passed over and counted; a byte order mark is none of the text") {
  const auto lines = lines_of(
      "\xEF\xBB\xBF"
      "a\r\n\n \t\r\nb\r\n");
  CHECK(lines.texts == Texts{"a\r", "b\r"});
  CHECK(lines.numbers == Numbers{1, 4});
}

TEST_CASE("however the bytes come, the lines are the same") {
  test::RandomRecords random(3);
  std::string text;
  Texts expected;
  for (int i = 0; i < 200; ++i) {
    std::string line(1 + (i % 50 == 0 ? 700'000 : random.below(2000)),
                     static_cast<char>('a' + i % 26));
    text += line + "\n";
    expected.push_back(std::move(line));
  }
  for (const std::size_t stretch : {std::size_t{977}, std::size_t{65'536}, std::size_t{1} << 24}) {
    CHECK(lines_of(text, stretch).texts == expected);
    CHECK(lines_of_zstd(compressed(text), stretch).texts == expected);
  }
  // Two frames, one after the other.
  CHECK(lines_of_zstd(compressed("a\nb") + compressed("c\n"), 1).texts == Texts{"a", "bc"});
}

TEST_CASE("compressed input that is cut short or damaged is an error") {
  const auto bytes = compressed(std::string(100'000, 'x') + "\n" + std::string(50'000, 'y') + "\n");
  CHECK(lines_of_zstd(bytes.substr(0, bytes.size() / 2), 100).error ==
        "the compressed input ends in the middle of a frame");
  auto damaged = bytes;
  damaged[4] ^= 0x08;  // a reserved bit of the frame's header
  CHECK(lines_of_zstd(damaged, 100).error.find("damaged") != std::string::npos);
}

TEST_CASE("a file that is not there is named") {
  const auto source = LineSource::open("/nonexistent/records.ndjson");
  REQUIRE_FALSE(source);
  CHECK(source.error().code() == ErrorCode::not_found);
  CHECK(source.error().message() == "/nonexistent/records.ndjson: No such file or directory");
}

namespace {

// `begin`, `size` bytes of `fill`, and a line "{}" behind; nothing of it is ever in memory.
class LongLineSource : public ByteSource {
 public:
  LongLineSource(std::string begin, char fill, std::size_t size)
      : begin_(std::move(begin)), fill_(fill), left_(size) {}
  Result<std::size_t> read(char* to, std::size_t size) override {
    if (!begin_.empty()) return take(begin_, to, size);
    if (left_ == 0) return take(end_, to, size);
    const auto count = std::min(size, left_);
    std::memset(to, fill_, count);
    left_ -= count;
    return count;
  }

 private:
  static std::size_t take(std::string& from, char* to, std::size_t size) {
    const auto count = from.copy(to, size);
    from.erase(0, count);
    return count;
  }
  std::string begin_;
  const char fill_;
  std::size_t left_;
  std::string end_ = "\n{}\n";
};

Lines long_line(const std::string& begin, char fill, std::size_t size) {
  return all(LineSource(std::make_unique<LongLineSource>(begin, fill, size)));
}

}  // namespace

// A line of 200 MB was gathered in memory, and then called no JSON without a word on its length.
TEST_CASE("a long line that begins like no record is not gathered", "[regression]") {
  for (const std::string begin : {"x", "[{", "", "\xEF\xBB\xBF["}) {
    const auto lines = long_line(begin, begin.empty() ? ' ' : 'x', std::size_t{200} << 20);
    CHECK(lines.texts == Texts{"", "{}"});
    CHECK(lines.numbers == Numbers{1, 2});
    CHECK(lines.refusals[0] ==
          "the line is longer than 1 MiB and begins like no record, which would be a JSON object "
          "in one line");
  }
  const auto good = long_line("{", 'x', std::size_t{3} << 20);
  CHECK(good.texts[0].size() == (std::size_t{3} << 20) + 1);
  CHECK(good.refusals == Texts{"", ""});
}

TEST_CASE("a line that is longer than any record is passed over, and the limit named",
          "[regression]") {
  const auto lines = long_line("{", 'x', LineSource::kMaxLineBytes + (std::size_t{1} << 20));
  CHECK(lines.texts == Texts{"", "{}"});
  CHECK(lines.numbers == Numbers{1, 2});
  CHECK(lines.refusals == Texts{"the line is longer than 448 MiB, the limit of a line", ""});
}
