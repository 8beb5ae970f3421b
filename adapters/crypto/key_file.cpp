#include "adapters/crypto/key_file.h"

#include <string.h>  // explicit_bzero

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace caveat {

namespace {

constexpr std::uintmax_t kKeyFileBytesMax = std::uintmax_t{1} << 20;

}  // namespace

Result<std::shared_ptr<const KeyProvider>> keys_in_file(std::string path) {
  if (path.empty()) {
    const char* const named = std::getenv("CAVEAT_KEY_FILE");
    if (named == nullptr || *named == '\0') return nullptr;
    path = named;
  }
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) return fail(ErrorCode::not_found, path + ": there is no such file of keys");
  if (bytes > kKeyFileBytesMax) {
    return fail(ErrorCode::invalid_argument, path + ": too large for a file of keys");
  }
  std::string text{std::istreambuf_iterator<char>(file), {}};
  auto ring = KeyRing::parse(text);
  ::explicit_bzero(text.data(), text.size());
  if (!ring) return fail(ring.error().within(path));
  return std::make_shared<const KeyRing>(std::move(*ring));
}

}  // namespace caveat
