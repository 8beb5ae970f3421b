// Training dictionaries, and deciding whether one is worth having.
#define ZSTD_STATIC_LINKING_ONLY
#define ZDICT_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "caveat/compressed_block.h"

namespace caveat {
namespace {

// More samples than this make training slow and the dictionary no better.
constexpr std::size_t kSampleFactor = 100;
constexpr std::size_t kSampleBytesMax = std::size_t{12} << 20;
constexpr std::size_t kSamplesMin = 16;
constexpr std::size_t kDictionaryMin = 256;
constexpr std::size_t kHeldOut = 10;  // every tenth sample is for measuring
constexpr std::size_t kMeasureBytesMax = std::size_t{1} << 20;

// Bytes of the samples compressed one by one, with or without a dictionary.
Result<std::size_t> measure(std::span<const std::string_view> samples, std::string_view dictionary,
                            int level) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                        ZSTD_freeCCtx);
  const std::unique_ptr<ZSTD_CDict, std::size_t (*)(ZSTD_CDict*)> digest(
      dictionary.empty() ? nullptr : ZSTD_createCDict(dictionary.data(), dictionary.size(), level),
      ZSTD_freeCDict);
  if (context == nullptr || (!dictionary.empty() && digest == nullptr)) throw std::bad_alloc();
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_format, ZSTD_f_zstd1_magicless);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_dictIDFlag, 0);
  ZSTD_CCtx_refCDict(context.get(), digest.get());
  std::size_t total = 0;
  std::string out;
  for (const std::string_view sample : samples) {
    out.resize(std::max(out.size(), ZSTD_compressBound(sample.size())));
    const std::size_t size =
        ZSTD_compress2(context.get(), out.data(), out.size(), sample.data(), sample.size());
    if (ZSTD_isError(size) != 0U)
      return fail(ErrorCode::internal, std::string("zstd: ") + ZSTD_getErrorName(size));
    total += size;
  }
  return total;
}

}  // namespace

Result<CompressionDictionary> train_dictionary(std::span<const std::string> samples,
                                               std::size_t max_bytes, std::uint32_t id, int level) {
  if (id == 0) return fail(ErrorCode::invalid_argument, "dictionary id 0 means none");
  const auto none = [](std::string why) {
    return fail(ErrorCode::not_found, "no dictionary: " + std::move(why));
  };
  std::size_t available = 0;
  for (const auto& sample : samples) available += sample.size();
  if (samples.size() < kSamplesMin || max_bytes < kDictionaryMin || available < kDictionaryMin * 8)
    return none("too few samples");
  max_bytes = std::min(max_bytes, available / 4);

  // An even selection over all samples, so that no part of the store is left out.
  const std::size_t budget = std::min(kSampleBytesMax, max_bytes * kSampleFactor);
  const double keep = std::min(1.0, static_cast<double>(budget) / static_cast<double>(available));
  std::string training;
  std::vector<std::size_t> sizes;
  std::vector<std::string_view> held_out;
  std::size_t held_out_bytes = 0;
  double due = 0;
  std::size_t taken = 0;
  for (const auto& sample : samples) {
    due += keep;
    if (due < 1.0 - 1e-9 || sample.empty()) continue;
    due -= 1.0;
    if (taken++ % kHeldOut == kHeldOut / 2) {
      if (held_out_bytes < kMeasureBytesMax) {
        held_out.emplace_back(sample);
        held_out_bytes += sample.size();
      }
      continue;
    }
    training += sample;
    sizes.push_back(sample.size());
  }
  if (held_out.empty() || sizes.size() < kSamplesMin / 2) return none("too few samples");

  CompressionDictionary dictionary;
  dictionary.id = id;
  dictionary.bytes.resize(max_bytes);
  ZDICT_fastCover_params_t params{};
  params.d = 8;
  params.k = 1024;
  params.f = 20;
  params.accel = 1;
  params.splitPoint = 1.0;
  params.zParams.compressionLevel = level;
  const std::size_t made =
      ZDICT_trainFromBuffer_fastCover(dictionary.bytes.data(), max_bytes, training.data(),
                                      sizes.data(), static_cast<unsigned>(sizes.size()), params);
  if (ZDICT_isError(made) != 0U) return none(ZDICT_getErrorName(made));
  dictionary.bytes.resize(made);

  CAVEAT_ASSIGN(const std::size_t without, measure(held_out, {}, level));
  CAVEAT_ASSIGN(const std::size_t with, measure(held_out, dictionary.bytes, level));
  if (with * 100 > without * 97)
    return none("gains " + std::to_string(without) + " to " + std::to_string(with) +
                " bytes on samples it has not seen, less than 3 %");
  return dictionary;
}

}  // namespace caveat
