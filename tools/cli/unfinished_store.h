// A store that is being made: beside its place, under a name that says so, and there only when it
// is whole. Nobody takes a part of one for all that could be saved.
#pragma once

#include <filesystem>
#include <string>

#include "caveat/error.h"

namespace caveat::cli {

class UnfinishedStore {
 public:
  // An empty directory, TARGET.unfinished-XXXXXX. already_exists if a store is there;
  // unsupported_format if anything else is.
  [[nodiscard]] static Result<UnfinishedStore> beside(const std::string& target);
  UnfinishedStore(UnfinishedStore&& other) noexcept;
  UnfinishedStore& operator=(UnfinishedStore&&) = delete;
  ~UnfinishedStore();  // with all of it, unless it was put in place

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  // Of a closed store: in one step, and on the device when this returns. Where that fails it stays
  // where it was made, and the error says where that is.
  [[nodiscard]] Result<void> put_in_place();

 private:
  [[nodiscard]] Result<void> take_the_place();
  UnfinishedStore(std::string path, std::filesystem::path target)
      : path_(std::move(path)), target_(std::move(target)) {}

  std::string path_;  // empty: it is no more
  std::filesystem::path target_;
};

}  // namespace caveat::cli
