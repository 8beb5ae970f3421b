// The registry and the codecs by themselves.
#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

TEST_CASE("the registry takes custom codecs once and under ids of their own") {
  auto codecs = CodecRegistry::built_in(3);
  const auto codec = std::make_shared<RunCodec>();
  CHECK(codecs.add(2, codec).error().code() == ErrorCode::invalid_argument);
  CHECK(codecs.add(127, codec).error().code() == ErrorCode::invalid_argument);
  CHECK(codecs.add(128, nullptr).error().code() == ErrorCode::invalid_argument);
  CHECK(codecs.add(128, codec));
  CHECK(codecs.add(128, codec).error().code() == ErrorCode::already_exists);
  CHECK(codecs.find(128).value() == codec.get());
  CHECK(codecs.find(99).error().code() == ErrorCode::codec_missing);
}

TEST_CASE("codecs fill what they are given, give back what they took, and refuse damage") {
  std::mt19937_64 random(8);
  for (const int level : {-5, 1, 3, 12, 19, 99}) {
    const auto codecs = all_codecs(level);
    for (const CodecId id : {CodecId{0}, CodecId{1}, CodecId{2}, kRunCodec}) {
      const Codec& codec = *codecs.find(id).value();
      CAPTURE(level, codec.name());
      for (const std::size_t size : {0, 1, 100, 5000, 100'000}) {
        std::string raw(size, 'a');
        for (std::size_t i = 0; i < size; i += 1 + random() % 9)
          raw[i] = static_cast<char>('a' + random() % 4);
        std::string stored = "before";
        REQUIRE(codec.compress(raw, nullptr, stored));
        REQUIRE(stored.substr(0, 6) == "before");
        stored.erase(0, 6);
        // Bytes around the span must stay as they are, whatever the input.
        std::string out(size + 8, '#');
        const auto within = [&](std::size_t room) { return std::span(out).subspan(4, room); };
        const auto outside = [&](std::size_t room) {
          return out.substr(0, 4) + out.substr(4 + room);
        };
        REQUIRE(codec.decompress(stored, nullptr, within(size)));
        CHECK(out == "####" + raw + "####");
        // Less room than it needs: refused, not overrun.
        if (size > 1) {
          CHECK_FALSE(codec.decompress(stored, nullptr, within(size - 1)));
          CHECK(outside(size) == "########");
        }
        CHECK_FALSE(codec.decompress(stored, nullptr, within(size + 1)));
        out.assign(size + 8, '#');
        for (int i = 0; i < 50 && !stored.empty(); ++i) {
          std::string damaged = stored;
          damaged[random() % damaged.size()] = static_cast<char>(random());
          static_cast<void>(codec.decompress(damaged, nullptr, within(size)));
          if (outside(size) != "########") FAIL("written outside the span");
        }
      }
    }
  }
}

TEST_CASE("lz4 is fast up to level 9, and dense from level 10 on") {
  std::mt19937_64 random(5);
  std::string raw;
  for (int i = 0; i < 8000; ++i) raw += "calendar/month"[random() % 14];
  raw += raw.substr(100, 3000) + raw.substr(2000, 3000);
  const auto size_at = [&](int level) {
    std::string stored;
    REQUIRE(all_codecs(level).find(1).value()->compress(raw, nullptr, stored));
    return stored.size();
  };
  CHECK(size_at(9) == size_at(1));
  CHECK(size_at(10) < size_at(9));
  CHECK(size_at(12) <= size_at(10));
}

// They share one place that a frame is inflated to, behind the dictionary: whoever comes second has
// to use another.
TEST_CASE("frames of one dictionary are inflated by several threads at once", "[threads]") {
  const std::string words = "what blocks of one store have in common, over and over again ";
  const auto dictionary = make_dictionary(7, words);
  const auto codecs = all_codecs();
  const Codec& codec = *codecs.find(2).value();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::string raw;
      for (int i = 0; i < 200; ++i)
        raw +=
            words.substr(static_cast<std::size_t>(t * 7 + i) % 40, 20) + static_cast<char>('0' + t);
      std::string stored;
      if (!codec.compress(raw, dictionary.get(), stored)) ++wrong;
      for (int i = 0; i < 3000 && wrong == 0; ++i) {
        std::string back(raw.size(), '#');
        if (!codec.decompress(stored, dictionary.get(), back) || back != raw) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}
