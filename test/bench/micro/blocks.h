// Encoded blocks of the sample, and opening them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "test/bench/caveat_views.h"
#include "test/bench/micro/sample.h"

namespace caveat::bench {

using peers::must;

// A codec as a store uses it, and what reads its blocks again.
struct CodecChoice {
  CompressionAlgorithm algorithm = CompressionAlgorithm::Zstd;
  int level = 3;
  std::shared_ptr<const CompressionDictionary> dictionary;  // may be null

  CodecRegistry registry = CodecRegistry::built_in(level);
  SimpleBlockResolver resolver{registry};
  BlockContext context;
  // Not copied: the resolver points at the registry.
  CodecChoice(CompressionAlgorithm a, int l, std::shared_ptr<const CompressionDictionary> d = {});
  CodecChoice(const CodecChoice&) = delete;
  CodecChoice& operator=(const CodecChoice&) = delete;
};

// A dictionary trained on the sample's first half; null where training finds nothing to gain.
std::shared_ptr<const CompressionDictionary> sample_dictionary();

using Bytes = std::shared_ptr<const std::string>;
// One block each of kBlockRows rows.
std::vector<Bytes> encode_all(const CodecChoice& choice);
inline std::shared_ptr<const DecodedBlock> open_block(const Bytes& bytes,
                                                      const CodecChoice& choice) {
  return must(DecodedBlock::open(bytes, 0, bytes->size(), choice.resolver));
}

}  // namespace caveat::bench
