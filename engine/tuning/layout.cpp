#include "engine/tuning/tuning.h"

namespace caveat {

Layout Layout::of(const Options& options, const Tuning* tuning) noexcept {
  Layout layout;
  const auto chosen = [&](Tuned tuned) {
    return tuning != nullptr ? tuning->of(tuned).chosen : std::nullopt;
  };
  if (const auto codec = chosen(Tuned::codec)) layout.codec = static_cast<CodecId>(*codec);
  if (options.compression) {
    layout.codec = *options.compression == CompressionAlgorithm::Custom
                       ? options.custom_codec_id
                       : static_cast<CodecId>(*options.compression);
  }
  if (const auto level = chosen(Tuned::level)) layout.level = static_cast<int>(*level);
  if (const auto level = chosen(Tuned::optimize_level)) {
    layout.optimize_level = static_cast<int>(*level);
  }
  if (const auto rows = chosen(Tuned::partition)) {
    layout.partition_records = *rows;
    layout.partition_bytes = *rows * kBytesPerRow;
  }
  if (const auto bytes = chosen(Tuned::dictionary)) layout.dictionary_bytes = *bytes;
  layout.level = options.compression_level.value_or(layout.level);
  layout.optimize_level = options.optimize_compression_level.value_or(layout.optimize_level);
  layout.partition_records = options.partition_records.value_or(layout.partition_records);
  layout.partition_bytes = options.partition_bytes.value_or(layout.partition_bytes);
  layout.dictionary_bytes = options.dictionary_bytes.value_or(layout.dictionary_bytes);
  return layout;
}

}  // namespace caveat
