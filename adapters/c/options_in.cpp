#include "adapters/c/options_in.h"

#include <fmt/format.h>

#include "adapters/c/host_codec.h"
#include "adapters/c/record_in.h"
#include "adapters/c/sized.h"

namespace caveat::c {
namespace {

constexpr std::size_t kFirstOptionsBytes = offsetof(caveat_options, clock_context) + sizeof(void*);
constexpr std::size_t kFirstCodecBytes = offsetof(caveat_codec, release) + sizeof(void*);
constexpr std::uint32_t kAllFlags =
    CAVEAT_OPEN_EXISTING | CAVEAT_OPEN_NEW | CAVEAT_OPEN_NO_BACKGROUND;

class HostClock final : public Clock {
 public:
  HostClock(caveat_clock clock, void* context) : clock_(clock), context_(context) {}
  [[nodiscard]] std::int64_t now_ns() const noexcept override { return clock_(context_); }

 private:
  const caveat_clock clock_;
  void* const context_;
};

Result<void> bad(const char* field, std::int64_t value) {
  return fail(ErrorCode::invalid_argument,
              fmt::format("caveat_options.{}: {} is no value of it", field, value));
}

Result<void> set_compression(const caveat_options& given, Options& options) {
  switch (given.compression) {
    case CAVEAT_COMPRESSION_DEFAULT:
    case CAVEAT_COMPRESSION_ZSTD:
      options.compression = CompressionAlgorithm::Zstd;
      break;
    case CAVEAT_COMPRESSION_NONE:
      options.compression = CompressionAlgorithm::None;
      break;
    case CAVEAT_COMPRESSION_LZ4:
      options.compression = CompressionAlgorithm::Lz4;
      break;
    case CAVEAT_COMPRESSION_CUSTOM:
      options.compression = CompressionAlgorithm::Custom;
      if (given.custom_codec_id > 255) return bad("custom_codec_id", given.custom_codec_id);
      options.custom_codec_id = static_cast<CodecId>(given.custom_codec_id);
      break;
    default:
      return bad("compression", given.compression);
  }
  if (given.compression_level != 0) options.compression_level = given.compression_level;
  if (given.optimize_compression_level != 0) {
    options.optimize_compression_level = given.optimize_compression_level;
  }
  if (given.dictionary_bytes < -1) return bad("dictionary_bytes", given.dictionary_bytes);
  if (given.dictionary_bytes == -1) options.dictionary_bytes = 0;
  if (given.dictionary_bytes > 0) {
    options.dictionary_bytes = static_cast<std::size_t>(given.dictionary_bytes);
  }
  return {};
}

// The listener owns the clock as well: it lives as long as the options do.
void set_callbacks(const caveat_options& given, Options& options) {
  std::shared_ptr<const HostClock> clock;
  if (given.clock != nullptr) {
    clock = std::make_shared<const HostClock>(given.clock, given.clock_context);
    options.clock = clock.get();
  }
  if (given.on_background_error == nullptr && clock == nullptr) return;
  options.on_background_error = [clock, listener = given.on_background_error,
                                 context =
                                     given.on_background_error_context](const StorageError& error) {
    if (listener == nullptr) return;
    try {
      listener(context, static_cast<caveat_code>(error.code()), error.message().c_str());
    } catch (...) {  // a host's; nobody could be told
    }
  };
}

}  // namespace

Result<Options> options_of(const caveat_options* pointer) {
  Options options;
  if (pointer == nullptr) return options;
  CAVEAT_ASSIGN(const auto given, read_sized(pointer, kFirstOptionsBytes, "caveat_options"));
  if ((given.flags & ~kAllFlags) != 0) return fail(bad("flags", given.flags).error());
  options.create_if_missing = (given.flags & CAVEAT_OPEN_EXISTING) == 0;
  options.error_if_exists = (given.flags & CAVEAT_OPEN_NEW) != 0;
  options.background_maintenance = (given.flags & CAVEAT_OPEN_NO_BACKGROUND) == 0;
  switch (given.durability) {
    case CAVEAT_DURABILITY_DEFAULT:
    case CAVEAT_DURABILITY_WAL:
      break;
    case CAVEAT_DURABILITY_NONE:
      options.durability = Durability::none;
      break;
    case CAVEAT_DURABILITY_FSYNC:
      options.durability = Durability::fsync;
      break;
    default:
      return fail(bad("durability", given.durability).error());
  }
  if (given.memory_budget_bytes != 0) options.memory_budget_bytes = given.memory_budget_bytes;
  options.cache_bytes = given.cache_bytes;
  options.delta_bytes = given.delta_bytes;
  if (given.partition_records != 0) options.partition_records = given.partition_records;
  if (given.partition_bytes != 0) options.partition_bytes = given.partition_bytes;
  CAVEAT_TRY(set_compression(given, options));
  CAVEAT_TRY(
      check_array(given.codecs, given.codec_count, sizeof(caveat_codec), "caveat_options.codecs"));
  // An array of the caller's structs: each says where the next one is.
  const auto* at = reinterpret_cast<const char*>(given.codecs);
  for (std::size_t i = 0; i < given.codec_count; ++i) {
    const auto* const one = reinterpret_cast<const caveat_codec*>(at);
    CAVEAT_ASSIGN(const auto codec, read_sized(one, kFirstCodecBytes, "caveat_codec"));
    if (codec.size % alignof(caveat_codec) != 0) {
      return fail(ErrorCode::invalid_argument, "caveat_codec.size: is no size of a struct");
    }
    CAVEAT_ASSIGN(auto wrapped, host_codec(codec));
    options.custom_codecs.emplace_back(static_cast<CodecId>(codec.id), std::move(wrapped));
    at += codec.size;
  }
  set_callbacks(given, options);
  return options;
}

Result<WriteOptions> write_options(std::int32_t durability) {
  static_assert(CAVEAT_DURABILITY_NONE == static_cast<int>(WriteOptions::Level::none));
  static_assert(CAVEAT_DURABILITY_WAL == static_cast<int>(WriteOptions::Level::wal));
  static_assert(CAVEAT_DURABILITY_FSYNC == static_cast<int>(WriteOptions::Level::fsync));
  if (durability < CAVEAT_DURABILITY_DEFAULT || durability > CAVEAT_DURABILITY_FSYNC) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("durability: {} is no known level", durability));
  }
  return WriteOptions{static_cast<WriteOptions::Level>(durability)};
}

}  // namespace caveat::c
