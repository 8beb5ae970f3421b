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
