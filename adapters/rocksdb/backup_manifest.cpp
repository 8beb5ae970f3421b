#include "adapters/rocksdb/backup_manifest.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"

namespace caveat::detail {
namespace {

constexpr std::uint32_t kBackupMagic = 0x4B425643;  // "CVBK"
constexpr std::size_t kHeadBytes = 56;
constexpr std::size_t kSealBytes = 8;
constexpr std::size_t kFileBytesMin = 8 + sizeof(ContentHash) + 1 + 1 + 1;
static_assert(kHeadBytes == 4 + 2 + 2 + 4 * 8 + 8 + 4 + 4);
static_assert(sizeof(ContentHash) == 16);

void put_text(std::string& out, std::string_view text) {
  out += static_cast<char>(static_cast<unsigned char>(text.size()));
  out += text;
}

bool take_text(std::string_view& bytes, std::string& text) {
  std::uint8_t size = 0;
  if (!take_fixed(bytes, size) || bytes.size() < size) return false;
  text = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

// It becomes a path, so nothing but a plain name will do.
bool plain_name(std::string_view name) {
  return !name.empty() && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

std::string BackupFile::content_name() const {
  std::string text;
  for (const std::uint8_t byte : hash) text += fmt::format("{:02x}", byte);
  return text + "-" + std::to_string(size);
}

std::uint64_t BackupManifest::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const BackupFile& file : files) sum += file.size;
  return sum;
}

BackupInfo BackupManifest::info() const noexcept {
  return {id, created_ns, records, bytes(), new_bytes, files.size()};
}

std::string BackupManifest::encode() {
  std::sort(files.begin(), files.end(),
            [](const BackupFile& a, const BackupFile& b) { return a.name < b.name; });
  std::string out;
  put_fixed(out, kBackupMagic);
  put_fixed(out, kBackupFormat);
  put_fixed(out, std::uint16_t{0});
  put_fixed(out, std::uint64_t{0});
  put_fixed(out, id);
  put_fixed(out, static_cast<std::uint64_t>(created_ns));
  put_fixed(out, records);
  put_fixed(out, new_bytes);
  put_fixed(out, static_cast<std::uint32_t>(files.size()));
  put_fixed(out, std::uint32_t{0});
  for (const BackupFile& file : files) {
    put_fixed(out, file.size);
    out.append(reinterpret_cast<const char*>(file.hash.data()), file.hash.size());
    put_text(out, file.name);
    put_text(out, file.identity);
  }
  put_fixed(out, std::uint64_t{XXH3_64bits(out.data(), out.size())});
  return out;
}

Result<BackupManifest> BackupManifest::decode(std::string_view bytes) {
  const auto damaged = [](std::string_view what) {
    return fail(ErrorCode::corruption, fmt::format("backup manifest: {}", what));
  };
  // Magic and version first: a newer format may have another length and checksum.
  if (bytes.size() < 8 || get_fixed<std::uint32_t>(bytes, 0) != kBackupMagic) {
    return damaged("wrong magic");
  }
  const auto version = get_fixed<std::uint16_t>(bytes, 4);
  if (bytes.size() < kHeadBytes + kSealBytes) return damaged("cut short");
  const std::size_t sealed = bytes.size() - kSealBytes;
  const bool whole = get_fixed<std::uint64_t>(bytes, sealed) == XXH3_64bits(bytes.data(), sealed);
  if (version > kBackupFormat && whole) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("backup manifest: format {}; this caveat knows up to {}", version,
                            kBackupFormat));
  }
  if (!whole) return damaged("checksum differs");
  if (version == 0 || get_fixed<std::uint16_t>(bytes, 6) != 0 ||
      get_fixed<std::uint32_t>(bytes, 52) != 0) {
    return damaged("impossible field");
  }
  if (const auto features = get_fixed<std::uint64_t>(bytes, 8); features != 0) {
    return fail(ErrorCode::unsupported_format,
                fmt::format("backup manifest: unknown feature bits {:#x}", features));
  }
  BackupManifest manifest;
  manifest.id = get_fixed<std::uint64_t>(bytes, 16);
  manifest.created_ns = static_cast<std::int64_t>(get_fixed<std::uint64_t>(bytes, 24));
  manifest.records = get_fixed<std::uint64_t>(bytes, 32);
  manifest.new_bytes = get_fixed<std::uint64_t>(bytes, 40);
  const auto count = get_fixed<std::uint32_t>(bytes, 48);
  std::string_view rest = bytes.substr(kHeadBytes, sealed - kHeadBytes);
  if (count > rest.size() / kFileBytesMin) return damaged("impossible count of files");
  for (std::uint32_t i = 0; i < count; ++i) {
    BackupFile file;
    if (!take_fixed(rest, file.size) || !take_fixed(rest, file.hash) ||
        !take_text(rest, file.name) || !take_text(rest, file.identity)) {
      return damaged("cut short");
    }
    if (!plain_name(file.name)) return damaged("impossible name of a file");
    if (!manifest.files.empty() && file.name <= manifest.files.back().name) {
      return damaged("files out of order");
    }
    manifest.files.push_back(std::move(file));
  }
  if (!rest.empty()) return damaged("bytes behind the files");
  return manifest;
}

}  // namespace caveat::detail
