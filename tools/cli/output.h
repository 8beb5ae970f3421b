// Where a command's result goes: standard output, or a file that appears only when it is whole.
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
  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  ~Output();  // without finish(), a file is dropped

  // `cancelled` without a message when the reader of a pipe has had enough.
  [[nodiscard]] Result<void> write(std::string_view text);
  [[nodiscard]] Result<void> finish();

 private:
  explicit Output(std::FILE* file) : file_(file) {}
  [[nodiscard]] tl::unexpected<StorageError> failed() const;

  std::FILE* file_;
  std::string path_;
  std::string temporary_;
};

// For results that are at hand.
[[nodiscard]] Result<void> print(std::string_view text);

}  // namespace caveat::cli
