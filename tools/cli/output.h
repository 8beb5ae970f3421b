// Where a command's result goes: standard output, or a file that appears only when it is whole.
// A file that is there keeps its mode and owner, a link to it stays one; what is no regular file
// (a pipe, a device) is never replaced, but written to.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "caveat/error.h"

namespace caveat::cli {

class Output {
 public:
  // Empty or "-": standard output.
  [[nodiscard]] static Result<Output> open(const std::string& path);
  // The same, and invalid_argument where the file would lie in the store's directory: a command
  // that looks must not replace the store's own files.
  [[nodiscard]] static Result<Output> open_outside(const std::string& path,
                                                   const std::string& store);
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();  // without finish(), a file is dropped

  // `cancelled` without a message when the reader of a pipe has had enough.
  [[nodiscard]] Result<void> write(std::string_view text);
  [[nodiscard]] Result<void> finish();

 private:
  explicit Output(std::FILE* file) : file_(file) {}
  [[nodiscard]] tl::unexpected<StorageError> failed() const;
  void drop_temporary() const;

  std::FILE* file_;
  std::string path_;       // as it was given; empty: standard output
  std::string target_;     // what finish() replaces
  std::string temporary_;  // what it is replaced by; empty: written in place
};

// For results that are at hand.
[[nodiscard]] Result<void> print(std::string_view text);

}  // namespace caveat::cli
