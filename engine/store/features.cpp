#include "engine/store/features.h"

#include <fmt/format.h>

namespace caveat {

namespace {

constexpr unsigned kBits = 64;
// A name is bytes from disk: no more than this of it is shown, and nothing that is no plain text.
constexpr std::size_t kNameBytesMax = 64;

std::string shown_name(std::string_view stored) {
  std::string name;
  for (const char c : stored.substr(0, kNameBytesMax)) {
    if (c >= ' ' && c <= '~') name += c;
  }
  return name;
}

}  // namespace

std::string_view to_string(Feature feature) noexcept {
  switch (feature) {
    case Feature::names_without_hashes:
      return "names without their hashes";
    case Feature::frames_of_rows:
      return "frames of rows";
  }
  return {};
}

std::string feature_key(unsigned bit) {
  return {'F', static_cast<char>(bit)};
}

void put_superblock_and_features(const Superblock& superblock, KvBatch& batch) {
  std::string bytes;
  superblock.encode(bytes);
  batch.put(Family::meta, kSuperblockKey, bytes);
  for (unsigned bit = 0; bit < kBits; ++bit) {
    if ((superblock.features & kKnownFeatures) >> bit & 1) {
      batch.put(Family::meta, feature_key(bit), to_string(static_cast<Feature>(bit)));
    }
  }
}

Result<void> check_features(KvBackend& backend, std::uint64_t features) {
  const std::uint64_t unknown = features & ~kKnownFeatures;
  if (unknown == 0) return {};
  std::string list;
  for (unsigned bit = 0; bit < kBits; ++bit) {
    if ((unknown >> bit & 1) == 0) continue;
    std::string name;
    CAVEAT_ASSIGN(const bool named, backend.get(Family::meta, feature_key(bit), nullptr, name));
    if (!list.empty()) list += ", ";
    list += named ? fmt::format("\"{}\" (feature {})", shown_name(name), bit)
                  : fmt::format("feature {}", bit);
  }
  return fail(ErrorCode::unsupported_format,
              fmt::format("superblock: a newer caveat has written to the store, and it uses what "
                          "this one does not know: {}. Open it with that caveat",
                          list));
}

}  // namespace caveat
