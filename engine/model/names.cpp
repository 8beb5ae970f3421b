// Enumerators as they are written in logs, JSON and command lines.
#include <array>

#include "caveat/codec.h"
#include "caveat/error.h"
#include "caveat/query.h"
#include "caveat/types.h"

namespace caveat {
namespace {

constexpr std::array<std::string_view, kExceptionSourceCount> kSourceNames = {
    "Explicit", "Detected", "Promoted", "Conflict", "Imported"};
constexpr std::array<int, kExceptionSourceCount> kSourcePriorities = {100, 40, 80, 60, 20};

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
      return "invalid_argument";
    case ErrorCode::not_found:
      return "not_found";
    case ErrorCode::already_exists:
      return "already_exists";
    case ErrorCode::hash_collision:
      return "hash_collision";
    case ErrorCode::limit_exceeded:
      return "limit_exceeded";
    case ErrorCode::corruption:
      return "corruption";
    case ErrorCode::codec_missing:
      return "codec_missing";
    case ErrorCode::unsupported_format:
      return "unsupported_format";
    case ErrorCode::locked:
      return "locked";
    case ErrorCode::io_error:
      return "io_error";
    case ErrorCode::no_space:
      return "no_space";
    case ErrorCode::read_only:
      return "read_only";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::cancelled:
      return "cancelled";
    case ErrorCode::closed:
      return "closed";
    case ErrorCode::internal:
      return "internal";
    case ErrorCode::key_missing:
      return "key_missing";
    case ErrorCode::wrong_key:
      return "wrong_key";
  }
  return "unknown";
}

std::string_view to_string(ExceptionSource source) noexcept {
  const auto index = static_cast<std::size_t>(source);
  return index < kSourceNames.size() ? kSourceNames[index] : "unknown";
}

std::optional<ExceptionSource> source_from_string(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kSourceNames.size(); ++i) {
    if (kSourceNames[i] == name) return static_cast<ExceptionSource>(i);
  }
  return std::nullopt;
}

int source_priority(ExceptionSource source) noexcept {
  const auto index = static_cast<std::size_t>(source);
  return index < kSourcePriorities.size() ? kSourcePriorities[index] : 0;
}

std::string_view to_string(CompressionAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case CompressionAlgorithm::None:
      return "none";
    case CompressionAlgorithm::Lz4:
      return "lz4";
    case CompressionAlgorithm::Zstd:
      return "zstd";
    case CompressionAlgorithm::Custom:
      return "custom";
  }
  // Every id from kFirstCustomCodec on is a custom codec.
  return static_cast<CodecId>(algorithm) > kFirstCustomCodec ? "custom" : "unknown";
}

std::string_view to_string(IndexKind kind) noexcept {
  switch (kind) {
    case IndexKind::primary:
      return "primary";
    case IndexKind::property:
      return "property";
    case IndexKind::source:
      return "source";
    case IndexKind::confidence:
      return "confidence";
    case IndexKind::temporal:
      return "temporal";
  }
  return "unknown";
}

}  // namespace caveat
