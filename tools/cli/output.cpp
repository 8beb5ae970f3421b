#include "tools/cli/output.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace caveat::cli {

Result<Output> Output::open(const std::string& path) {
  if (path.empty() || path == "-") return Output(stdout);
  Output output(nullptr);
  output.path_ = path;
  output.temporary_ = fmt::format("{}.{}.part", path, ::getpid());
  output.file_ = std::fopen(output.temporary_.c_str(), "wbx");
  if (output.file_ == nullptr) return output.failed();
  return output;
}

Output::Output(Output&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)) {}

Output::~Output() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  ::unlink(temporary_.c_str());
}

tl::unexpected<StorageError> Output::failed() const {
  const int error = errno;
  if (error == EPIPE) return fail(ErrorCode::cancelled, "");
  const auto code = error == ENOSPC ? ErrorCode::no_space : ErrorCode::io_error;
  return fail(
      code, fmt::format("{}: {}", path_.empty() ? "standard output" : path_, std::strerror(error)));
}

Result<void> Output::write(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return failed();
  return {};
}

Result<void> Output::finish() {
  if (std::fflush(file_) != 0) return failed();
  if (file_ == stdout) return {};
  if (::fsync(::fileno(file_)) != 0 && errno != EINVAL) return failed();
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (closed && std::rename(temporary_.c_str(), path_.c_str()) == 0) return {};
  auto error = failed();
  ::unlink(temporary_.c_str());
  return error;
}

Result<void> print(std::string_view text) {
  CAVEAT_ASSIGN(auto output, Output::open(""));
  CAVEAT_TRY(output.write(text));
  return output.finish();
}

}  // namespace caveat::cli
