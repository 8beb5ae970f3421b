// A store that is being made: beside its place, under a name that says so, and there only when it
// is whole. Nobody takes a part of one for all that could be saved.
//
//   TARGET.unfinished-XXXXXX/
//     caveat.unfinished   "caveat repair\nPID\n"; its maker holds a flock of it, and removes it
//                         when the store is whole
//     store/              as which it is moved to TARGET
//
// So what a killed maker left is known from one that is at work, and from a whole store that could
// not take its place.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "caveat/error.h"

namespace caveat::cli {

class UnfinishedStore {
 public:
  // An empty directory, TARGET.unfinished-XXXXXX/store. already_exists if a store is there;
  // unsupported_format if anything else is. What killed makers left for the same target is removed.
  [[nodiscard]] static Result<UnfinishedStore> beside(const std::string& target);
  UnfinishedStore(UnfinishedStore&& other) noexcept;
  UnfinishedStore& operator=(UnfinishedStore&&) = delete;
  ~UnfinishedStore();  // with all of it, unless it was put in place

  [[nodiscard]] std::string path() const { return (made_ / "store").string(); }
  // Of others for the same target: what was removed, and what was left because it may be wanted. A
  // sentence each.
  [[nodiscard]] const std::vector<std::string>& notes() const noexcept { return notes_; }
  // Of a closed store: in one step, and on the device when this returns. Where that fails it stays
  // where it was made, and the error says where that is.
  [[nodiscard]] Result<void> put_in_place();

 private:
  [[nodiscard]] Result<void> take_the_place();
  UnfinishedStore(std::filesystem::path made, std::filesystem::path target)
      : made_(std::move(made)), target_(std::move(target)) {}

  std::filesystem::path made_;  // empty: it is no more
  std::filesystem::path target_;
  std::vector<std::string> notes_;
  int mark_ = -1;
};

}  // namespace caveat::cli
