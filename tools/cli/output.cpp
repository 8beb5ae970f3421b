#include "tools/cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tools/cli/output_target.h"
#include "tools/cli/signals.h"

namespace caveat::cli {

Result<Output> Output::open_outside(const std::string& path, const std::string& store) {
  if (path.empty() || path == "-") return open(path);
  namespace fs = std::filesystem;
  CAVEAT_ASSIGN(const auto target, find_output_target(path));
  std::error_code error;
  fs::path folder = fs::absolute(target.path.empty() ? path : target.path, error).parent_path();
  for (; !error && !folder.empty(); folder = folder.parent_path()) {
    std::error_code unknown;
    if (fs::equivalent(folder, store, unknown) && !unknown) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{} lies in the store itself; name a file elsewhere", path));
    }
    if (folder == folder.root_path()) break;
  }
  return open(path);
}

Result<Output> Output::open(const std::string& path) {
  if (path.empty() || path == "-") return Output(stdout);
  CAVEAT_ASSIGN(const auto target, find_output_target(path));
  Output output(nullptr);
  output.path_ = path;
  int descriptor = -1;
  if (target.descriptor == STDOUT_FILENO) {
    output.file_ = stdout;
    return output;
  }
  if (target.in_place) {
    // To append harms neither pipe nor device, nor what is in a file that somebody has open.
    descriptor = target.descriptor >= 0
                     ? ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0)
                     : ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC);
  } else {
    output.target_ = target.path;
    output.temporary_ = fmt::format("{}.{}.part", target.path, ::getpid());
    remove_on_signal(output.temporary_);
    descriptor = ::open(output.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                        target.there ? 0600 : 0666);
  }
  if (descriptor >= 0) output.file_ = ::fdopen(descriptor, "wb");
  if (output.file_ == nullptr) {
    keep_on_signal(output.temporary_);  // may be somebody else's
    return output.failed();
  }
  if (target.there && !take_over_rights(descriptor, *target.there)) return output.failed();
  return output;
}

Output::Output(Output&& other) noexcept
    : file_(std::exchange(other.file_, nullptr)),
      path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})) {}

Output::~Output() {
  if (file_ == nullptr || file_ == stdout) return;
  std::fclose(file_);
  if (!temporary_.empty()) drop_temporary();
}

void Output::drop_temporary() const {
  ::unlink(temporary_.c_str());
  keep_on_signal(temporary_);
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
  if (temporary_.empty()) {
    // Whatever it is, what it does with what it was given is its own business.
    return std::fclose(std::exchange(file_, nullptr)) == 0 ? Result<void>() : failed();
  }
  if (::fsync(::fileno(file_)) != 0 && errno != EINVAL) return failed();
  const bool closed = std::fclose(std::exchange(file_, nullptr)) == 0;
  if (closed && std::rename(temporary_.c_str(), target_.c_str()) == 0) {
    keep_on_signal(temporary_);
    return {};
  }
  auto error = failed();
  drop_temporary();
  return error;
}

Result<void> print(std::string_view text) {
  CAVEAT_ASSIGN(auto output, Output::open(""));
  CAVEAT_TRY(output.write(text));
  return output.finish();
}

}  // namespace caveat::cli
