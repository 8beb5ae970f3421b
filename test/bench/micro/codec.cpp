// Codecs on the string frames that blocks compress.
#include <string>

#include "adapters/codec/codecs.h"
#include "test/bench/micro/blocks.h"
#include "test/bench/micro/cost.h"

namespace caveat::bench {
namespace {

const std::vector<std::string>& frames() {
  static const auto frames = [] {
    std::vector<std::string> made;
    // The second half: the dictionary was trained on the first.
    for (std::size_t i = sample_blocks() / 2; i < sample_blocks(); ++i) {
      collect_dictionary_samples(sample_block(i), made);
    }
    return made;
  }();
  return frames;
}

double raw_bytes() {
  double bytes = 0;
  for (const auto& frame : frames()) bytes += static_cast<double>(frame.size());
  return bytes;
}

using MakeCodec = std::shared_ptr<const Codec> (*)(int);

void compress(benchmark::State& state, MakeCodec make, int level, bool with_dictionary) {
  const auto codec = make(level);
  const auto dictionary = with_dictionary ? sample_dictionary() : nullptr;
  std::string out;
  double stored = 0;
  Cost cost(state);
  for (auto _ : state) {
    stored = 0;
    for (const auto& frame : frames()) {
      out.clear();
      must(codec->compress(frame, dictionary.get(), out));
      stored += static_cast<double>(out.size());
    }
  }
  cost.finish(static_cast<double>(frames().size()), raw_bytes(), "frame");
  state.counters["ratio"] = raw_bytes() / stored;
}

void decompress(benchmark::State& state, MakeCodec make, int level, bool with_dictionary) {
  const auto codec = make(level);
  const auto dictionary = with_dictionary ? sample_dictionary() : nullptr;
  std::vector<std::string> stored;
  for (const auto& frame : frames()) {
    must(codec->compress(frame, dictionary.get(), stored.emplace_back()));
  }
  std::size_t largest = 0;
  for (const auto& frame : frames()) largest = std::max(largest, frame.size());
  std::vector<char> out(largest);
  Cost cost(state);
  for (auto _ : state) {
    for (std::size_t i = 0; i < stored.size(); ++i) {
      must(codec->decompress(stored[i], dictionary.get(), {out.data(), frames()[i].size()}));
      benchmark::DoNotOptimize(out.data());
    }
  }
  cost.finish(static_cast<double>(frames().size()), raw_bytes(), "frame");
}

void both(const std::string& name, MakeCodec make, int level, bool with_dictionary) {
  benchmark::RegisterBenchmark(("codec/compress/" + name).c_str(), compress, make, level,
                               with_dictionary);
  benchmark::RegisterBenchmark(("codec/decompress/" + name).c_str(), decompress, make, level,
                               with_dictionary);
}

[[maybe_unused]] const bool registered = [] {
  both("lz4", make_lz4_codec, 3, false);
  for (const int level : {1, 3, 6, 12}) {
    both("zstd_" + std::to_string(level), make_zstd_codec, level, false);
    both("zstd_" + std::to_string(level) + "_dictionary", make_zstd_codec, level, true);
  }
  return true;
}();

}  // namespace
}  // namespace caveat::bench
