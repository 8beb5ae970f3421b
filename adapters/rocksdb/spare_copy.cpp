//   0  u32 magic "CVSP"           16  u64 XXH3-64 of all other bytes
//   4  u8  version (1)            24  one zstd frame: the entries, in key order:
//   5  u8[3] zero                       u16 bytes of the key, u32 bytes of the value, both
//   8  u32 entries
//  12  u32 bytes of the entries
// docs/format/spare.md.
#include "adapters/rocksdb/spare_copy.h"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>
#include <new>

#include "adapters/rocksdb/zstd_frame.h"
#include "engine/model/bytes.h"
#include "engine/model/checksum.h"

namespace caveat::detail {
namespace {

constexpr std::uint32_t kMagic = 0x50535643;  // "CVSP"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kChecksumOffset = 16;
constexpr std::size_t kEntryHeaderBytes = 6;
// Names repeat far apart: paths of a schema, in the order in which they came.
constexpr int kLevel = 9;
// A catalogue is some megabytes; more than this is no copy of ours.
constexpr std::size_t kEntriesBytesMax = std::size_t{1} << 30;
static_assert(kHeaderBytes == 4 + 1 + 3 + 4 + 4 + 8);
static_assert(kEntryHeaderBytes == 2 + 4);

tl::unexpected<StorageError> corrupt(const char* why) {
  return fail(ErrorCode::corruption, std::string(kSpareFile) + ": " + why);
}

}  // namespace

std::string encode_spare(const SpareEntries& entries) {
  std::string out;
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  out.append(3, '\0');
  std::string plain;
  for (const auto& [key, value] : entries) {
    put_fixed(plain, static_cast<std::uint16_t>(key.size()));
    put_fixed(plain, static_cast<std::uint32_t>(value.size()));
    plain.append(key).append(value);
  }
  put_fixed(out, static_cast<std::uint32_t>(entries.size()));
  put_fixed(out, static_cast<std::uint32_t>(plain.size()));
  put_fixed(out, std::uint64_t{0});
  out.resize(kHeaderBytes + ZSTD_compressBound(plain.size()));
  const std::size_t stored = ZSTD_compress(out.data() + kHeaderBytes, out.size() - kHeaderBytes,
                                           plain.data(), plain.size(), kLevel);
  if (ZSTD_isError(stored) != 0) throw std::bad_alloc();  // there is room: nothing else can fail
  out.resize(kHeaderBytes + stored);
  set_fixed(out, kChecksumOffset, checksum_around(out, kChecksumOffset, sizeof(std::uint64_t)));
  return out;
}

Result<SpareEntries> decode_spare(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return corrupt("it ends inside its header");
  if (get_fixed<std::uint32_t>(bytes, 0) != kMagic) return corrupt("wrong magic");
  if (get_fixed<std::uint64_t>(bytes, kChecksumOffset) !=
      checksum_around(bytes, kChecksumOffset, sizeof(std::uint64_t))) {
    return corrupt("checksum differs");
  }
  if (static_cast<std::uint8_t>(bytes[4]) != kVersion) return corrupt("unknown version");
  if (bytes.substr(5, 3) != std::string_view("\0\0\0", 3)) return corrupt("impossible field");
  const auto count = get_fixed<std::uint32_t>(bytes, 8);
  const auto size = get_fixed<std::uint32_t>(bytes, 12);
  const std::string_view frame = bytes.substr(kHeaderBytes);
  if (size > kEntriesBytesMax || ZSTD_getFrameContentSize(frame.data(), frame.size()) != size) {
    return corrupt("another size of entries");
  }
  const auto plain = unpack_frame(frame, size);
  if (!plain) return corrupt("its entries do not decompress");
  std::string_view rest = *plain;
  SpareEntries entries;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint16_t key = 0;
    std::uint32_t value = 0;
    if (!take_fixed(rest, key) || !take_fixed(rest, value) || key > rest.size() ||
        value > rest.size() - key) {
      return corrupt("it ends inside an entry");
    }
    const std::string_view name = rest.substr(0, key);
    if (name.empty() || kSparedLetters.find(name[0]) == std::string_view::npos) {
      return corrupt("a key that is never copied");
    }
    if (!entries.empty() && name <= entries.back().first) return corrupt("keys out of order");
    entries.emplace_back(name, rest.substr(key, value));
    rest.remove_prefix(std::size_t{key} + value);
  }
  if (!rest.empty()) return corrupt("bytes after its entries");
  return entries;
}

Result<void> write_spare(const std::filesystem::path& directory, const SpareEntries& entries) {
  const std::string bytes = encode_spare(entries);
  const auto draft = directory / kSpareDraft;
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const auto error = [&](const char* operation) {
    const auto code =
        errno == ENOSPC || errno == EDQUOT ? ErrorCode::no_space : ErrorCode::io_error;
    return fail(code, draft.string() + ": " + operation + ": " + std::strerror(errno));
  };
  if (fd < 0) return error("create");
  std::string_view rest(bytes);
  bool written = true;
  while (written && !rest.empty()) {
    const ssize_t got = ::write(fd, rest.data(), rest.size());
    written = got > 0 || (got < 0 && errno == EINTR);
    if (got > 0) rest.remove_prefix(static_cast<std::size_t>(got));
  }
  // Before it takes the place of the one that there is.
  written = written && ::fdatasync(fd) == 0;
  Result<void> result;
  if (!written) result = error("write");
  ::close(fd);
  if (written && ::rename(draft.c_str(), (directory / kSpareFile).c_str()) != 0) {
    result = error("rename");
    written = false;
  }
  if (!written) ::unlink(draft.c_str());
  return result;
}

}  // namespace caveat::detail
