// Dictionaries help where blocks are alike, are refused where not, and stay with their blocks.
#include <catch2/catch.hpp>

#include "test/block/block_maker.h"

using namespace caveat;
using namespace caveat::test;

namespace {

// Blocks whose words come from one vocabulary, as those of one store do.
std::vector<RowSet> similar_blocks(std::size_t blocks) {
  std::mt19937_64 random(5);
  std::vector<std::string> words;
  for (int i = 0; i < 400; ++i) {
    std::string word(6 + random() % 12, ' ');
    for (char& c : word) c = static_cast<char>('a' + random() % 26);
    words.push_back(word);
  }
  std::vector<RowSet> sets(blocks);
  for (auto& set : sets)
    for (std::uint32_t i = 0; i < 64; ++i) {
      BlockRow row;
      row.view.key.node_id = random() % 1000 + i * 1000ULL;
      row.property_id = i;
      const auto& a = words[random() % words.size()];
      const auto& b = words[random() % words.size()];
      row.view.actual_value = {ValueKind::String, set.keep(a + " " + b)};
      row.view.reason = set.keep(b + " overrides the " + a);
      set.rows.push_back(row);
    }
  return sets;
}

}  // namespace

TEST_CASE("a trained dictionary makes small blocks denser, and they need it to be read") {
  const auto codecs = all_codecs();
  const auto sets = similar_blocks(120);
  std::vector<std::string> samples;
  for (const auto& set : sets) collect_dictionary_samples(set.rows, samples);
  const auto trained = train_dictionary(samples, 16 << 10, 9);
  REQUIRE(trained);
  CHECK(trained->bytes.size() <= std::size_t{16} << 10);
  const auto dictionary = make_dictionary(trained->id, trained->bytes);

  const auto plain = CompressedBlock::encode(sets[0].rows, context_for(codecs, 2)).value();
  const auto with =
      CompressedBlock::encode(sets[0].rows, context_for(codecs, 2, dictionary.get())).value();
  CHECK(with.bytes().size() < plain.bytes().size());
  CHECK(with.header().dictionary_id == 9);

  SimpleBlockResolver resolver(codecs);
  CHECK_FALSE(with.open(resolver));
  resolver.add(dictionary);
  const auto opened = with.open(resolver).value();
  REQUIRE(opened->load(kAllColumns));
  for (std::uint32_t row = 0; row < 64; ++row)
    CHECK(same_record(opened->view(row), sets[0].rows[row].view));

  // Without its digested form it is slower, not different.
  auto bare = std::make_shared<CompressionDictionary>(*trained);
  const auto again =
      CompressedBlock::encode(sets[0].rows, context_for(codecs, 2, bare.get())).value();
  SimpleBlockResolver slow(codecs);
  slow.add(bare);
  CHECK(with.open(slow).value()->load(kAllColumns));
  CHECK(again.open(resolver).value()->load(kAllColumns));
}

TEST_CASE("codecs that use no dictionary do not name one") {
  const auto codecs = all_codecs();
  const auto dictionary = make_dictionary(9, std::string(1000, 'x'));
  const auto sets = similar_blocks(1);
  for (const CodecId codec : {CodecId{0}, CodecId{1}, kRunCodec})
    CHECK(CompressedBlock::encode(sets[0].rows, context_for(codecs, codec, dictionary.get()))
              ->header()
              .dictionary_id == 0);
}

TEST_CASE("a dictionary without a number is not used, and one is found among several") {
  const auto codecs = all_codecs();
  const auto sets = similar_blocks(1);
  const auto nameless = make_dictionary(0, std::string(1000, 'x'));
  const auto without =
      CompressedBlock::encode(sets[0].rows, context_for(codecs, 2, nameless.get())).value();
  CHECK(without.header().dictionary_id == 0);
  SimpleBlockResolver resolver(codecs);
  for (const std::uint32_t id : {4U, 9U, 7U}) resolver.add(make_dictionary(id, "bytes"));
  CHECK(resolver.dictionary(9).value()->id == 9);
  CHECK_FALSE(resolver.dictionary(8));
  // A block is as long as it says.
  CHECK_FALSE(CompressedBlock::from_bytes(std::string(without.bytes()) + "x"));
}

TEST_CASE("samples are drawn from all there are, and the empty ones are passed over") {
  std::vector<std::string> samples;
  collect_dictionary_samples({}, samples);
  CHECK(samples.empty());
  // Few that have something in them.
  const auto text = [](std::size_t i) {
    return "observed by the station at the northern end, number " + std::to_string(i * 7919);
  };
  samples.resize(400);
  for (const std::size_t step : {90, 50}) {  // five of them, and eight
    for (std::size_t i = 0; i < samples.size(); ++i) {
      samples[i] = i % step == 0 ? std::string(3000, 'a') + text(i) : std::string();
    }
    const auto refused = train_dictionary(samples, 1 << 12, 1);
    REQUIRE_FALSE(refused);
    CHECK_THAT(refused.error().message(), Catch::Contains("too few samples"));
  }
  CHECK_FALSE(train_dictionary(samples, 100, 1));
  // More than are looked at, and more than are measured.
  samples.clear();
  for (std::size_t i = 0; i < 100'000; ++i) samples.push_back(text(i) + text(i + 1) + text(i % 7));
  const auto trained = train_dictionary(samples, 1 << 12, 1);
  REQUIRE(trained);
  CHECK(trained->bytes.size() <= std::size_t{1} << 12);
  for (auto& sample : samples) {
    const std::string one = sample;
    for (int i = 0; i < 7; ++i) sample += one;
  }
  CHECK(train_dictionary(samples, 1 << 18, 1));
}

TEST_CASE("no dictionary comes of too little, or of what has nothing in common") {
  CHECK(train_dictionary({}, 1 << 16, 1).error().code() == ErrorCode::not_found);
  CHECK(train_dictionary({}, 1 << 16, 0).error().code() == ErrorCode::invalid_argument);
  std::mt19937_64 random(6);
  std::vector<std::string> noise(300);
  for (auto& sample : noise) {
    sample.resize(2000);
    for (char& c : sample) c = static_cast<char>(random());
  }
  CHECK(train_dictionary(noise, 1 << 14, 1).error().code() == ErrorCode::not_found);
}
