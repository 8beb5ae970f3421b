// RocksDB's statuses as caveat's errors.
#pragma once

#include <rocksdb/status.h>
#include <string>
#include <string_view>

#include "caveat/kv_backend.h"

namespace caveat::detail {

[[nodiscard]] ErrorCode error_code(const rocksdb::Status& status) noexcept;

// "primary 0x0102: IO error: ..."; `what` may be a family, a key's place or an operation.
[[nodiscard]] StorageError to_error(const rocksdb::Status& status, std::string_view what);
[[nodiscard]] StorageError to_error(const rocksdb::Status& status, Family family,
                                    std::string_view key);

// The first 32 bytes as 0x..., and "..." where there are more.
[[nodiscard]] std::string hex_key(std::string_view key);

}  // namespace caveat::detail
