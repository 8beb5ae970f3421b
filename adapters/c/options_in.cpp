#include "adapters/c/options_in.h"

#include <fmt/format.h>

#include <type_traits>
#include <vector>

#include "adapters/c/host_codec.h"
#include "adapters/c/host_keys.h"
#include "adapters/c/record_in.h"
#include "adapters/c/sized.h"

namespace caveat::c {
namespace {

constexpr std::size_t kFirstOptionsBytes = offsetof(caveat_options, clock_context) + sizeof(void*);
constexpr std::size_t kFirstCodecBytes = offsetof(caveat_codec, release) + sizeof(void*);
constexpr std::uint32_t kAllFlags =
    CAVEAT_OPEN_EXISTING | CAVEAT_OPEN_NEW | CAVEAT_OPEN_NO_BACKGROUND | CAVEAT_OPEN_ENCRYPT;

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
      break;
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
      if (given.custom_codec_id < kFirstCustomCodec || given.custom_codec_id > 255) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("caveat_options.custom_codec_id: {} is no codec of the host's, "
                                "which have 128 to 255",
                                given.custom_codec_id));
      }
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

class HostLog final : public LogSink {
 public:
  HostLog(caveat_log_sink sink, void* context, Severity least)
      : sink_(sink), context_(context), least_(least) {}
  [[nodiscard]] Severity least() const noexcept override { return least_; }
  void on_event(const LogEvent& event) noexcept override {
    try {
      std::vector<caveat_log_field> fields;
      fields.reserve(event.fields.size());
      for (const auto& field : event.fields) {
        fields.push_back({string_of(field.key), std::visit(value_of, field.value)});
      }
      caveat_log_event shown{};
      shown.size = sizeof shown;
      shown.severity = static_cast<std::int32_t>(event.severity);
      shown.field_count = static_cast<std::uint32_t>(fields.size());
      shown.component = string_of(event.component);
      shown.event = string_of(event.event);
      shown.message = string_of(event.message);
      shown.fields = fields.data();
      sink_(context_, &shown);
    } catch (...) {  // memory ended, or it is a host's; nobody could be told
    }
  }

 private:
  static caveat_string string_of(std::string_view text) noexcept {
    return {text.data(), text.size()};
  }
  static constexpr auto value_of = [](const auto& given) noexcept {
    using Given = std::decay_t<decltype(given)>;
    caveat_value value{};
    if constexpr (std::is_same_v<Given, bool>) {
      value.kind = CAVEAT_BOOLEAN;
      value.as.boolean = given ? 1 : 0;
    } else if constexpr (std::is_integral_v<Given>) {
      // No count of ours comes near the sign.
      value.kind = CAVEAT_INTEGER;
      value.as.integer = static_cast<std::int64_t>(given);
    } else if constexpr (std::is_floating_point_v<Given>) {
      value.kind = CAVEAT_FLOAT;
      value.as.number = given;
    } else {
      value.kind = CAVEAT_STRING;
      value.as.string = string_of(given);
    }
    return value;
  };

  const caveat_log_sink sink_;
  void* const context_;
  const Severity least_;
};

// The listener owns clock and log as well: it lives as long as the options do.
Result<void> set_callbacks(const caveat_options& given, Options& options) {
  if (given.log_least < CAVEAT_LOG_DEBUG || given.log_least > CAVEAT_LOG_ERROR) {
    return bad("log_least", given.log_least);
  }
  std::shared_ptr<HostLog> log;
  if (given.log != nullptr) {
    log = std::make_shared<HostLog>(given.log, given.log_context,
                                    static_cast<Severity>(given.log_least));
    options.log_sink = log.get();
  }
  std::shared_ptr<const HostClock> clock;
  if (given.clock != nullptr) {
    clock = std::make_shared<const HostClock>(given.clock, given.clock_context);
    options.clock = clock.get();
  }
  if (given.on_background_error == nullptr && clock == nullptr && log == nullptr) return {};
  options.on_background_error = [clock, log, listener = given.on_background_error,
                                 context =
                                     given.on_background_error_context](const StorageError& error) {
    if (listener == nullptr) return;
    try {
      listener(context, static_cast<caveat_code>(error.code()), error.message().c_str());
    } catch (...) {  // a host's; nobody could be told
    }
  };
  return {};
}

}  // namespace

Result<caveat_options> read_options(const caveat_options* given) {
  return read_sized(given, kFirstOptionsBytes, "caveat_options");
}

Result<Options> options_of(const caveat_options* pointer) {
  Options options;
  if (pointer == nullptr) return options;
  CAVEAT_ASSIGN(const auto given, read_options(pointer));
  if ((given.flags & ~kAllFlags) != 0) return fail(bad("flags", given.flags).error());
  options.create_if_missing = (given.flags & CAVEAT_OPEN_EXISTING) == 0;
  options.error_if_exists = (given.flags & CAVEAT_OPEN_NEW) != 0;
  options.background_maintenance = (given.flags & CAVEAT_OPEN_NO_BACKGROUND) == 0;
  options.encryption.encrypt_existing = (given.flags & CAVEAT_OPEN_ENCRYPT) != 0;
  CAVEAT_ASSIGN(options.encryption.keys, host_keys(given));
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
  if (given.metrics_file != nullptr) options.metrics_file = given.metrics_file;
  if (given.metrics_interval_ms != 0) {
    options.metrics_interval = std::chrono::milliseconds(given.metrics_interval_ms);
  }
  CAVEAT_TRY(set_callbacks(given, options));
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
