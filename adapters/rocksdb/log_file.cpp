#include "adapters/rocksdb/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "adapters/rocksdb/crc32c.h"
#include "engine/model/bytes.h"

namespace caveat::detail {
namespace {

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::size_t kSectorBytes = 512;  // what a device writes at once, at the least

std::uint32_t masked(std::uint32_t crc) noexcept {
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

bool zeros(std::string_view bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == 0; });
}

constexpr std::size_t kZerosMin = 16;  // fewer at a record's end may be meant

// Is its end zeros, or a whole sector in it? `offset` is its place in the file.
bool has_unwritten_part(std::string_view bytes, std::uint64_t offset) noexcept {
  if (bytes.size() > kZerosMin && zeros(bytes.substr(bytes.size() - kZerosMin))) return true;
  std::size_t begin = (kSectorBytes - offset % kSectorBytes) % kSectorBytes;
  for (; begin < bytes.size(); begin += kSectorBytes) {
    const auto sector = bytes.substr(begin, kSectorBytes);
    if (sector.size() == kSectorBytes && zeros(sector)) return true;
  }
  return false;
}

tl::unexpected<StorageError> read_error(const std::filesystem::path& path, int error) {
  const auto code = error == ENOENT ? ErrorCode::not_found : ErrorCode::io_error;
  return fail(code, path.string() + ": " + std::strerror(error));
}

}  // namespace

Result<LogFile> LogFile::open(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return read_error(path, errno);
  LogFile file(fd, 0);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return read_error(path, errno);
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  return file;
}

LogFile::LogFile(LogFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      block_at_(other.block_at_),
      next_block_(other.next_block_),
      block_(std::move(other.block_)),
      at_(other.at_),
      bad_(other.bad_) {}

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

// False at the end.
Result<bool> LogFile::load_next_block() {
  block_at_ = next_block_;
  at_ = 0;
  const auto wanted =
      static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, size_ - block_at_));
  block_.resize(wanted);
  std::size_t have = 0;
  while (have < wanted) {
    const ssize_t got =
        ::pread(fd_, block_.data() + have, wanted - have, static_cast<off_t>(block_at_ + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(ErrorCode::io_error, std::string("read: ") + std::strerror(errno));
    if (got == 0) break;  // it was cut meanwhile
    have += static_cast<std::size_t>(got);
  }
  block_.resize(have);
  next_block_ = block_at_ + have;
  if (have < wanted) size_ = next_block_;
  return have > 0;
}

bool LogFile::sound_at(std::size_t at, Fragment& fragment) const noexcept {
  const std::string_view block(block_.data(), block_.size());
  if (block.size() - at < kHeaderBytes) return false;
  const auto size = get_fixed<std::uint16_t>(block, at + 4);
  const auto kind = static_cast<unsigned char>(block[at + 6]);
  if (kind < 1 || kind > 4 || size > block.size() - at - kHeaderBytes) return false;
  const auto covered = block.substr(at + 6, size + std::size_t{1});
  if (masked(crc32c(0, covered)) != get_fixed<std::uint32_t>(block, at)) return false;
  fragment = {static_cast<Kind>(kind), block_at_ + at, covered.substr(1)};
  return true;
}

Result<LogFile::Step> LogFile::next(Fragment& fragment) {
  while (block_.size() - at_ < kHeaderBytes) {
    const bool last = next_block_ >= size_;
    if (last && at_ < block_.size() && block_.size() < kBlockBytes) {
      bad_ = {block_at_ + at_, "it ends inside a header", true, true};
      at_ = block_.size();
      return Step::bad;
    }
    if (last) return Step::end;
    CAVEAT_ASSIGN(const bool more, load_next_block());
    if (!more) return Step::end;
  }
  if (sound_at(at_, fragment)) {
    at_ += kHeaderBytes + fragment.data.size();
    return Step::fragment;
  }
  judge_bad();
  return Step::bad;
}

// What is wrong at at_.
void LogFile::judge_bad() noexcept {
  const std::string_view rest(block_.data() + at_, block_.size() - at_);
  const auto size = get_fixed<std::uint16_t>(rest, 4);
  const auto kind = static_cast<unsigned char>(rest[6]);
  const std::size_t length = kHeaderBytes + size;
  bad_.offset = block_at_ + at_;
  const std::size_t end = at_ + std::min(length, rest.size());
  bad_.unwritten = length > rest.size() || has_unwritten_sector(at_, end);
  if (zeros(rest.substr(0, kHeaderBytes))) {
    bad_.why = "zeros";
    bad_.torn = true;
  } else if (length > rest.size()) {
    bad_.why = "a record that does not end";
    // Or is it whole, and only its size is wrong?
    const bool whole = masked(crc32c(0, rest.substr(6))) == get_fixed<std::uint32_t>(rest, 0);
    bad_.torn = next_block_ >= size_ && block_.size() < kBlockBytes && !whole;
  } else {
    bad_.why = kind < 1 || kind > 4 ? "no record" : "checksum mismatch";
    const auto behind = rest.substr(length);
    bad_.torn = has_unwritten_part(rest.substr(0, length), bad_.offset) ||
                (rest[length - 1] == 0 && !behind.empty() && zeros(behind));
  }
}

// Sectors that overlap [begin, end) of the block; of the first, what is behind begin, for before
// that a sector may have been written; of the last, what there is.
bool LogFile::has_unwritten_sector(std::size_t begin, std::size_t end) const noexcept {
  const std::string_view block(block_.data(), block_.size());
  for (std::size_t at = begin / kSectorBytes * kSectorBytes; at < end; at += kSectorBytes) {
    const std::size_t from = std::max(at, begin);
    const std::string_view sector = block.substr(from, at + kSectorBytes - from);
    if (zeros(sector.substr(sector.size() - std::min(sector.size(), kZerosMin)))) return true;
  }
  return false;
}

Result<LogFile::Step> LogFile::next_sound(Fragment& fragment) {
  // Byte by byte through the rest of this block, and through each later one that begins badly.
  if (at_ < block_.size()) ++at_;
  for (;;) {
    for (; at_ + kHeaderBytes <= block_.size(); ++at_) {
      const auto kind = static_cast<unsigned char>(block_[at_ + 6]);
      if (kind != 1 && kind != 2) continue;
      if (sound_at(at_, fragment)) {
        at_ += kHeaderBytes + fragment.data.size();
        return Step::fragment;
      }
    }
    if (next_block_ >= size_) return Step::end;
    CAVEAT_ASSIGN(const bool more, load_next_block());
    if (!more) return Step::end;
  }
}

}  // namespace caveat::detail
