#include "adapters/rocksdb/status.h"

namespace caveat::detail {

ErrorCode error_code(const rocksdb::Status& status) noexcept {
  using rocksdb::Status;
  // A full disk is told by the subcode, whatever the code (IOError at a write, others after it).
  if (status.subcode() == Status::kNoSpace || status.subcode() == Status::kSpaceLimit) {
    return ErrorCode::no_space;
  }
  switch (status.code()) {
    case Status::kOk:
      return ErrorCode::internal;  // no error: nobody should ask
    case Status::kCorruption:
      return ErrorCode::corruption;
    case Status::kIOError:
      return status.subcode() == Status::kPathNotFound ? ErrorCode::corruption
                                                       : ErrorCode::io_error;
    case Status::kNotFound:  // of files; absent keys are no errors
      return ErrorCode::corruption;
    case Status::kNotSupported:  // "Not supported operation in read only mode."
      return ErrorCode::read_only;
    case Status::kInvalidArgument:
      return ErrorCode::invalid_argument;
    case Status::kShutdownInProgress:
    case Status::kColumnFamilyDropped:
      return ErrorCode::closed;
    case Status::kIncomplete:
      return status.subcode() == Status::kManualCompactionPaused ? ErrorCode::cancelled
                                                                 : ErrorCode::busy;
    case Status::kTimedOut:
    case Status::kAborted:
    case Status::kBusy:
    case Status::kTryAgain:
    case Status::kExpired:
      return ErrorCode::busy;
    case Status::kMergeInProgress:
    case Status::kCompactionTooLarge:
    case Status::kMaxCode:
      return ErrorCode::internal;
  }
  return ErrorCode::internal;
}

StorageError to_error(const rocksdb::Status& status, std::string_view what) {
  return {error_code(status), std::string(what) + ": " + status.ToString()};
}

StorageError to_error(const rocksdb::Status& status, Family family, std::string_view key) {
  return to_error(status, key_place(family, key));
}

std::string StoreNames::in(std::string text) const {
  const auto replace = [&text](std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
      text.replace(at, from.size(), to);
      at += to.size();
    }
  };
  if (open_ != shown_) replace(open_, shown_);
  // A table that is missing is last looked for under the suffix of LevelDB's days.
  replace(".ldb", ".sst");
  return text;
}

StorageError StoreNames::error(const rocksdb::Status& status, std::string_view what) const {
  const StorageError error = to_error(status, what);
  std::string text = in(error.message());
  const bool names_none = text.find(".sst") == std::string::npos;
  if (error.code() == ErrorCode::corruption && names_none && !damage_.empty()) {
    text += " (" + damage_ + ")";
  }
  return {error.code(), std::move(text)};
}

StorageError StoreNames::opening_error(const rocksdb::Status& status, std::string_view what) const {
  StorageError error = this->error(status, what);
  if (error.code() != ErrorCode::corruption) return error;
  return {error.code(), error.message() +
                            "; the store does not open without it, and nothing was changed: put "
                            "the file back, restore the store from a backup, or write what can be "
                            "read into a new one: caveat repair STORE NEW"};
}

StorageError StoreNames::error(const rocksdb::Status& status, Family family,
                               std::string_view key) const {
  return error(status, key_place(family, key));
}

std::string key_place(Family family, std::string_view key) {
  return std::string(to_string(family)) + " " + hex_key(key);
}

std::string hex_key(std::string_view key) {
  constexpr std::size_t kShown = 32;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (const char c : key.substr(0, kShown)) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  if (key.size() > kShown) text += "...";
  return text;
}

}  // namespace caveat::detail
