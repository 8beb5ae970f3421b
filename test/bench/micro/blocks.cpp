#include "test/bench/micro/blocks.h"

namespace caveat::bench {

CodecChoice::CodecChoice(CompressionAlgorithm a, int l,
                         std::shared_ptr<const CompressionDictionary> d)
    : algorithm(a), level(l), dictionary(std::move(d)) {
  context.codec_id = static_cast<CodecId>(algorithm);
  if (algorithm != CompressionAlgorithm::None) {
    context.codec = must(registry.find(context.codec_id));
  }
  context.dictionary = dictionary.get();
  if (dictionary) resolver.add(dictionary);
}

std::shared_ptr<const CompressionDictionary> sample_dictionary() {
  static const auto dictionary = [] {
    const auto rows = sample_rows();
    std::vector<std::string> samples;
    for (std::size_t i = 0; i * kBlockRows < rows.size() / 2; ++i) {
      collect_dictionary_samples(sample_block(i), samples);
    }
    auto trained = train_dictionary(samples, std::size_t{112} << 10, 1);
    return trained ? make_dictionary(1, trained->bytes) : nullptr;
  }();
  return dictionary;
}

std::vector<Bytes> encode_all(const CodecChoice& choice) {
  std::vector<Bytes> blocks;
  for (std::size_t i = 0; i < sample_blocks(); ++i) {
    std::string out;
    must(encode_block(sample_block(i), choice.context, out));
    blocks.push_back(std::make_shared<const std::string>(std::move(out)));
  }
  return blocks;
}

}  // namespace caveat::bench
