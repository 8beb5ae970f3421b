#include "tools/cli/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <vector>

#include "tools/cli/dangling_link.h"
#include "tools/cli/signals.h"

namespace caveat::cli {
namespace {

class FileSource : public ByteSource {
 public:
  FileSource(int descriptor, std::string name, std::shared_ptr<std::uint64_t> count)
      : descriptor_(descriptor), name_(std::move(name)), count_(std::move(count)) {}
  ~FileSource() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }

  Result<std::size_t> read(char* to, std::size_t size) override {
    // A pipe may stay silent for ever; a signal must end the wait.
    ::pollfd waits[2] = {{descriptor_, POLLIN, 0}, {stop_descriptor(), POLLIN, 0}};
    while (::poll(waits, 2, -1) < 0 && errno == EINTR) {
    }
    if (stop_requested()) return fail(ErrorCode::cancelled, "interrupted");
    for (;;) {
      const auto count = ::read(descriptor_, to, size);
      if (count >= 0) {
        *count_ += static_cast<std::uint64_t>(count);
        return static_cast<std::size_t>(count);
      }
      if (errno == EINTR) continue;
      return fail(ErrorCode::io_error, fmt::format("{}: {}", name_, std::strerror(errno)));
    }
  }

 private:
  int descriptor_;
  std::string name_;
  std::shared_ptr<std::uint64_t> count_;
};

class PrefixedSource : public ByteSource {
 public:
  PrefixedSource(std::string begin, std::unique_ptr<ByteSource> inner)
      : begin_(std::move(begin)), inner_(std::move(inner)) {}

  Result<std::size_t> read(char* to, std::size_t size) override {
    if (given_ == begin_.size()) return inner_->read(to, size);
    const auto count = std::min(size, begin_.size() - given_);
    std::memcpy(to, begin_.data() + given_, count);
    given_ += count;
    return count;
  }

 private:
  std::string begin_;
  std::size_t given_ = 0;
  std::unique_ptr<ByteSource> inner_;
};

class ZstdSource : public ByteSource {
 public:
  ZstdSource(std::unique_ptr<ByteSource> inner, const std::string& name)
      : inner_(std::move(inner)),
        what_(name.empty() ? "the compressed input" : name + ": the compressed input"),
        buffer_(ZSTD_DStreamInSize()),
        stream_(ZSTD_createDStream()) {
    // 2^27 is the window of zstd --ultra; frames that claim more are refused.
    if (stream_) ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, 27);
  }

  Result<std::size_t> read(char* to, std::size_t size) override {
    if (!stream_) throw std::bad_alloc();
    ZSTD_outBuffer out{to, size, 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size && !flushing_) {
        CAVEAT_ASSIGN(in_.size, inner_->read(buffer_.data(), buffer_.size()));
        in_.src = buffer_.data();
        in_.pos = 0;
        if (in_.size == 0) {
          if (!inside_frame_) return 0;
          return fail(ErrorCode::corruption, what_ + " ends in the middle of a frame");
        }
      }
      const auto left = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(left) != 0) {
        return fail(ErrorCode::corruption,
                    fmt::format("{} is damaged: {}", what_, ZSTD_getErrorName(left)));
      }
      inside_frame_ = left != 0;
      flushing_ = out.pos == out.size && inside_frame_;  // there may be more without input
    }
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };
  std::unique_ptr<ByteSource> inner_;
  const std::string what_;
  std::vector<char> buffer_;
  std::unique_ptr<ZSTD_DStream, Free> stream_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool inside_frame_ = false;
  bool flushing_ = false;
};

// Whose compression a file begins with, of those we do not read; null: of none of them.
const char* compressor_of(std::string_view magic) {
  if (magic.starts_with("\x1F\x8B")) return "gzip";
  if (magic.starts_with("BZh")) return "bzip2";
  return magic == "\xFD"
                  "7zX"
             ? "xz"
             : nullptr;
}

}  // namespace

std::unique_ptr<ByteSource> decompress(std::unique_ptr<ByteSource> inner, const std::string& name) {
  return std::make_unique<ZstdSource>(std::move(inner), name);
}

std::unique_ptr<ByteSource> with_begin(std::string begin, std::unique_ptr<ByteSource> inner) {
  return std::make_unique<PrefixedSource>(std::move(begin), std::move(inner));
}

Result<OpenedBytes> open_byte_source(const std::string& path,
                                     std::shared_ptr<std::uint64_t> bytes_read) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : path;
  const int descriptor = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) {
      if (auto dangling = dangling_link(path)) return fail(std::move(*dangling));
    }
    const auto code = errno == ENOENT ? ErrorCode::not_found : ErrorCode::io_error;
    return fail(code, fmt::format("{}: {}", name, std::strerror(errno)));
  }
  OpenedBytes opened;
  opened.source = std::make_unique<FileSource>(descriptor, name, std::move(bytes_read));
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) {
    opened.total_bytes = static_cast<std::uint64_t>(status.st_size);
  }

  std::string magic;
  while (magic.size() < 4) {
    char bytes[4];
    CAVEAT_ASSIGN(const auto count, opened.source->read(bytes, 4 - magic.size()));
    if (count == 0) break;
    magic.append(bytes, count);
  }
  if (const auto* const other = compressor_of(magic)) {
    return fail(
        ErrorCode::unsupported_format,
        fmt::format("{}: it is compressed by {}, which is not read here; zstd is, and so is "
                    "a pipe: {} -dc {} | caveat import STORE -",
                    name, other, other, standard_input ? "FILE" : path));
  }
  const bool compressed = magic == "\x28\xB5\x2F\xFD";
  opened.source = with_begin(std::move(magic), std::move(opened.source));
  if (compressed) opened.source = decompress(std::move(opened.source), name);
  return opened;
}

}  // namespace caveat::cli
