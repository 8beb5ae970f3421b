#include "adapters/rocksdb/file_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace caveat::detail {
namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 20;
constexpr std::uint64_t kSmallFileMax = std::uint64_t{256} << 20;

// A descriptor that closes itself.
class Handle {
 public:
  Handle(const std::filesystem::path& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~Handle() {
    if (fd_ >= 0) ::close(fd_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

class Hasher {
 public:
  Hasher() : state_(XXH3_createState(), XXH3_freeState) {
    if (!state_) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }
  void add(const char* bytes, std::size_t size) { XXH3_128bits_update(state_.get(), bytes, size); }
  [[nodiscard]] ContentHash hash() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
    ContentHash hash;
    static_assert(sizeof(canonical.digest) == sizeof(ContentHash));
    std::memcpy(hash.data(), canonical.digest, hash.size());
    return hash;
  }

 private:
  std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state_;
};

Result<void> write_all(int fd, const std::filesystem::path& path, const char* bytes,
                       std::size_t size) {
  while (size > 0) {
    const ssize_t done = ::write(fd, bytes, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return file_error(path, "write", done < 0 ? errno : ENOSPC);
    bytes += done;
    size -= static_cast<std::size_t>(done);
  }
  return {};
}

// Hands out the first `size` bytes, piece by piece.
template <class Take>
Result<void> read_pieces(const std::filesystem::path& from, std::uint64_t size, const Take& take) {
  const Handle in(from, O_RDONLY);
  if (in.fd() < 0) return file_error(from, "open", errno);
  std::vector<char> piece(
      static_cast<std::size_t>(std::clamp<std::uint64_t>(size, 1, kPieceBytes)));
  for (std::uint64_t left = size; left > 0;) {
    const ssize_t got =
        ::read(in.fd(), piece.data(),
               static_cast<std::size_t>(std::min<std::uint64_t>(left, piece.size())));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_error(from, "read", errno);
    if (got == 0) {
      return fail(ErrorCode::corruption, from.string() + " is shorter than the " +
                                             std::to_string(size) + " bytes it should have");
    }
    CAVEAT_TRY(take(piece.data(), static_cast<std::size_t>(got)));
    left -= static_cast<std::uint64_t>(got);
  }
  return {};
}

// `fill(write)` gives the bytes to write.
template <class Fill>
Result<ContentHash> make_file(const std::filesystem::path& to, CopyProgress& progress,
                              const Fill& fill) {
  Hasher hasher;
  const auto made = [&]() -> Result<void> {
    const Handle out(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW);
    if (out.fd() < 0) return file_error(to, "create", errno);
    CAVEAT_TRY(fill([&](const char* bytes, std::size_t size) -> Result<void> {
      hasher.add(bytes, size);
      CAVEAT_TRY(write_all(out.fd(), to, bytes, size));
      return progress.add(size);
    }));
    if (::fsync(out.fd()) != 0) return file_error(to, "sync", errno);
    return {};
  }();
  if (made) return hasher.hash();
  ::unlink(to.c_str());
  return fail(made.error());
}

}  // namespace

Result<void> CopyProgress::add(std::uint64_t bytes) {
  progress_.done += bytes;
  if (sink_ == nullptr || sink_->on_progress(progress_)) return {};
  return fail(ErrorCode::cancelled,
              std::string(progress_.stage) + ": stopped by its caller; nothing was changed");
}

Result<ContentHash> copy_file_hashed(const std::filesystem::path& from, std::uint64_t size,
                                     const std::filesystem::path& to, CopyProgress& progress) {
  return make_file(to, progress, [&](const auto& write) { return read_pieces(from, size, write); });
}

Result<ContentHash> write_file_hashed(std::string_view bytes, const std::filesystem::path& to,
                                      CopyProgress& progress) {
  return make_file(to, progress,
                   [&](const auto& write) { return write(bytes.data(), bytes.size()); });
}

Result<ContentHash> hash_file(const std::filesystem::path& from, std::uint64_t size,
                              CopyProgress& progress) {
  struct stat found {};
  if (::stat(from.c_str(), &found) != 0) return file_error(from, "stat", errno);
  if (static_cast<std::uint64_t>(found.st_size) != size) {
    return fail(ErrorCode::corruption, from.string() + " has " + std::to_string(found.st_size) +
                                           " bytes and should have " + std::to_string(size));
  }
  Hasher hasher;
  CAVEAT_TRY(read_pieces(from, size, [&](const char* bytes, std::size_t count) -> Result<void> {
    hasher.add(bytes, count);
    return progress.add(count);
  }));
  return hasher.hash();
}

Result<std::string> read_file(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return file_error(path, "stat", errno);
  if (static_cast<std::uint64_t>(found.st_size) > kSmallFileMax) {
    return fail(ErrorCode::corruption, path.string() + " is impossibly long");
  }
  std::string text;
  CAVEAT_TRY(read_pieces(path, static_cast<std::uint64_t>(found.st_size),
                         [&](const char* bytes, std::size_t count) -> Result<void> {
                           text.append(bytes, count);
                           return {};
                         }));
  return text;
}

tl::unexpected<StorageError> file_error(const std::filesystem::path& path, const char* operation,
                                        int error) {
  const auto code = error == ENOSPC || error == EDQUOT ? ErrorCode::no_space
                    : error == ENOENT                  ? ErrorCode::not_found
                                                       : ErrorCode::io_error;
  return fail(code, path.string() + ": " + operation + ": " + std::strerror(error));
}

}  // namespace caveat::detail
