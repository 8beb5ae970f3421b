#include "engine/query/resume_token.h"

#include <xxhash.h>

#include <bit>
#include <cstring>

namespace caveat::detail {
namespace {

constexpr std::size_t kFlagsAt = 1;
constexpr std::size_t kFingerprintAt = 8;
constexpr std::size_t kValueAt = 16;
constexpr std::size_t kNodeAt = 24;
constexpr std::size_t kPropertyAt = 32;
constexpr std::size_t kCheckAt = 40;
constexpr std::uint8_t kAfterFlag = 1;
static_assert(kCheckAt + sizeof(std::uint64_t) == kTokenBytes);
static_assert(std::endian::native == std::endian::little);

void put(char* at, std::uint64_t value) {
  std::memcpy(at, &value, sizeof value);
}
std::uint64_t get(const char* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;  // capitals too: one token has one spelling
}

tl::unexpected<StorageError> refused(const char* why) {
  return fail(ErrorCode::invalid_argument, std::string("resume token: ") + why);
}

}  // namespace

std::uint64_t query_fingerprint(const Query& query) noexcept {
  // One word for what is set, order and direction; then a word for each bound, 0 where unset.
  // A range of nodes, younger than the others, adds two more words where it is set.
  std::uint64_t words[10] = {};
  words[0] = (query.node ? 1U : 0U) | (query.property ? 2U : 0U) | (query.source ? 4U : 0U) |
             (query.confidence ? 8U : 0U) | (query.time ? 16U : 0U) |
             (query.descending ? 32U : 0U) | (query.nodes ? 64U : 0U) |
             static_cast<std::uint64_t>(query.order) << 8;
  words[1] = query.node.value_or(0);
  words[2] = query.property.value_or(0);
  words[3] = query.source ? static_cast<std::uint64_t>(*query.source) : 0;
  if (query.confidence) {
    words[4] = std::bit_cast<std::uint32_t>(query.confidence->min + 0.0F);
    words[5] = std::bit_cast<std::uint32_t>(query.confidence->max + 0.0F);
  }
  if (query.time) {
    words[6] = static_cast<std::uint64_t>(query.time->start_ns);
    words[7] = static_cast<std::uint64_t>(query.time->end_ns);
  }
  if (!query.nodes) return XXH3_64bits(words, 8 * sizeof words[0]);
  words[8] = query.nodes->first;
  words[9] = query.nodes->last;
  return XXH3_64bits(words, sizeof words);
}

std::string encode_resume_token(std::uint64_t fingerprint,
                                const std::optional<SortPosition>& after) {
  char bytes[kTokenBytes] = {};
  bytes[0] = static_cast<char>(kTokenVersion);
  put(bytes + kFingerprintAt, fingerprint);
  if (after) {
    bytes[kFlagsAt] = static_cast<char>(kAfterFlag);
    put(bytes + kValueAt, after->value);
    put(bytes + kNodeAt, after->key.node_id);
    put(bytes + kPropertyAt, after->key.property_hash);
  }
  put(bytes + kCheckAt, XXH3_64bits(bytes, kCheckAt));

  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(2 * kTokenBytes, '0');
  for (std::size_t i = 0; i < kTokenBytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    text[2 * i] = kDigits[byte >> 4];
    text[2 * i + 1] = kDigits[byte & 15];
  }
  return text;
}

Result<std::optional<SortPosition>> decode_resume_token(std::string_view token,
                                                        std::uint64_t fingerprint) {
  if (token.size() != 2 * kTokenBytes) return refused("it is not 96 hex digits");
  char bytes[kTokenBytes];
  for (std::size_t i = 0; i < kTokenBytes; ++i) {
    const int high = digit_value(token[2 * i]);
    const int low = digit_value(token[2 * i + 1]);
    if (high < 0 || low < 0) return refused("it is not 96 hex digits");
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  if (get(bytes + kCheckAt) != XXH3_64bits(bytes, kCheckAt)) return refused("it was altered");
  if (static_cast<std::uint8_t>(bytes[0]) != kTokenVersion) return refused("of another version");
  if (get(bytes + kFingerprintAt) != fingerprint) return refused("it belongs to another query");

  const auto flags = static_cast<std::uint8_t>(bytes[kFlagsAt]);
  const SortPosition after{get(bytes + kValueAt), {get(bytes + kNodeAt), get(bytes + kPropertyAt)}};
  for (std::size_t i = kFlagsAt + 1; i < kFingerprintAt; ++i) {
    if (bytes[i] != 0) return refused("its reserved bytes are set");
  }
  if (flags > kAfterFlag) return refused("its reserved bits are set");
  if (flags == 0) {
    if (after != SortPosition{}) return refused("a start token has a position");
    return std::optional<SortPosition>();
  }
  return std::optional<SortPosition>(after);
}

}  // namespace caveat::detail
