// Files of backups: copied, read and hashed in pieces, with somebody told of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "adapters/rocksdb/backup_manifest.h"
#include "caveat/error.h"
#include "caveat/ports.h"

namespace caveat::detail {

// Adds up bytes for a ProgressSink, which may be null.
class CopyProgress {
 public:
  CopyProgress(ProgressSink* sink, std::string_view stage, std::uint64_t total)
      : sink_(sink), progress_{stage, 0, total} {}
  // `cancelled` if the sink said so.
  [[nodiscard]] Result<void> add(std::uint64_t bytes);

 private:
  ProgressSink* sink_;
  Progress progress_;
};

// Copies the first `size` bytes to a new file (0600), on the device when this returns, and hashes
// them. Errors: not_found if the source is gone, corruption if it is shorter; io_error, no_space.
// After an error the target is removed.
[[nodiscard]] Result<ContentHash> copy_file_hashed(const std::filesystem::path& from,
                                                   std::uint64_t size,
                                                   const std::filesystem::path& to,
                                                   CopyProgress& progress);
// The same of bytes.
[[nodiscard]] Result<ContentHash> write_file_hashed(std::string_view bytes,
                                                    const std::filesystem::path& to,
                                                    CopyProgress& progress);
[[nodiscard]] Result<ContentHash> hash_file(const std::filesystem::path& from, std::uint64_t size,
                                            CopyProgress& progress);

// All of a small file.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path);

// The error of a system call.
[[nodiscard]] tl::unexpected<StorageError> file_error(const std::filesystem::path& path,
                                                      const char* operation, int error);

}  // namespace caveat::detail
