#include "adapters/rocksdb/manifest_note.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "adapters/rocksdb/crc32c.h"

namespace caveat::detail {
namespace {

constexpr std::string_view kWord = "manifest ";
constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kDigitsMax = 20;
static_assert(kWord.size() + 2 * (kDigitsMax + 1) + 2 * (8 + 1) <= kManifestNoteMax);

template <class Number>
bool take_number(std::string_view& text, Number& number, int base, char behind) noexcept {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number, base);
  if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != behind) return false;
  text.remove_prefix(static_cast<std::size_t>(parsed.ptr + 1 - text.data()));
  return true;
}

}  // namespace

char* write_note(const ManifestNote& note, char* to) noexcept {
  if (note.number == 0) return to;
  char* const end =
      fmt::format_to(to, "{}{} {} {:08x}", kWord, note.number, note.bytes, note.checksum);
  const std::string_view line(to, static_cast<std::size_t>(end - to));
  return fmt::format_to(end, " {:08x}\n", crc32c(0, line));
}

ManifestNote parse_note(std::string_view text) noexcept {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n') + 1);  // all of it, without one
    if (line.empty()) return {};
    text.remove_prefix(line.size());
    if (!line.starts_with(kWord)) continue;
    std::string_view rest = line.substr(kWord.size());
    ManifestNote note;
    std::uint32_t check = 0;
    const bool read = take_number(rest, note.number, 10, ' ') &&
                      take_number(rest, note.bytes, 10, ' ') &&
                      take_number(rest, note.checksum, 16, ' ');
    const auto covered = line.substr(0, line.size() - rest.size() - (read ? 1 : 0));
    if (read && take_number(rest, check, 16, '\n') && check == crc32c(0, covered)) return note;
  }
  return {};
}

std::uint64_t manifest_number(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "MANIFEST-";
  if (!name.starts_with(kPrefix)) return 0;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + kPrefix.size(), end, number);
  return parsed.ec == std::errc() && parsed.ptr == end ? number : 0;
}

Result<bool> agrees(const std::filesystem::path& manifest, const ManifestNote& note) {
  if (note.number == 0 || manifest_number(manifest.filename().string()) != note.number) return true;
  const auto bytes = std::make_unique_for_overwrite<char[]>(kReadBytes);
  const int fd = ::open(manifest.c_str(), O_RDONLY | O_CLOEXEC);
  const auto error = [&](int code) {
    return fail(code == ENOENT ? ErrorCode::not_found : ErrorCode::io_error,
                manifest.string() + ": read: " + std::strerror(code));
  };
  if (fd < 0) return error(errno);
  std::uint64_t left = note.bytes;
  std::uint32_t checksum = 0;
  ssize_t got = 1;
  int failed = 0;
  while (left > 0 && got > 0) {
    got = ::read(fd, bytes.get(), std::min<std::uint64_t>(left, kReadBytes));
    failed = got < 0 ? errno : 0;
    if (got < 0 && failed == EINTR) got = 1;
    if (got <= 0 || failed != 0) continue;
    checksum = crc32c(checksum, {bytes.get(), static_cast<std::size_t>(got)});
    left -= static_cast<std::uint64_t>(got);
  }
  ::close(fd);
  if (got < 0) return error(failed);
  return left == 0 && checksum == note.checksum;
}

}  // namespace caveat::detail
