// RocksDB's statuses as caveat's errors.
#pragma once

#include <rocksdb/status.h>
#include <string>
#include <string_view>
#include <utility>

#include "caveat/kv_backend.h"

namespace caveat::detail {

[[nodiscard]] ErrorCode error_code(const rocksdb::Status& status) noexcept;

// "primary 0x0102: IO error: ..."; `what` may be a family, a key's place or an operation.
[[nodiscard]] StorageError to_error(const rocksdb::Status& status, std::string_view what);
[[nodiscard]] StorageError to_error(const rocksdb::Status& status, Family family,
                                    std::string_view key);

// Errors that name files as the user knows them: what is open may be a private copy of a store that
// somebody inspects, and its name would mean nothing to him. Damage for which a store does not open
// gets a word on what to do.
class StoreNames {
 public:
  StoreNames(std::string open, std::string shown)
      : open_(std::move(open)), shown_(std::move(shown)) {}

  [[nodiscard]] const std::string& shown() const noexcept { return shown_; }
  [[nodiscard]] StorageError error(const rocksdb::Status& status, std::string_view what) const;
  [[nodiscard]] StorageError error(const rocksdb::Status& status, Family family,
                                   std::string_view key) const;
  // Of a store that does not open for it.
  [[nodiscard]] StorageError opening_error(const rocksdb::Status& status,
                                           std::string_view what) const;
  // For errors of damage that name no file: RocksDB says of some only what is wrong.
  void set_damage(std::string damage) { damage_ = std::move(damage); }
  // With the names in it changed.
  [[nodiscard]] std::string in(std::string text) const;

 private:
  std::string open_;
  std::string shown_;
  std::string damage_;
};

// "primary 0x0102"
[[nodiscard]] std::string key_place(Family family, std::string_view key);

// The first 32 bytes as 0x..., and "..." where there are more.
[[nodiscard]] std::string hex_key(std::string_view key);

}  // namespace caveat::detail
