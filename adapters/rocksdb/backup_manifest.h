// What a backup is made of: its manifest, one file NUMBER.backup in the directory of backups.
//
//    0  u32 magic "CVBK"             32  u64 records, as counted then
//    4  u16 version (1)              40  u64 bytes that were new with it
//    6  u16 zero                     48  u32 files
//    8  u64 feature bits (none yet)  52  u32 zero
//   16  u64 id                       56  the files
//   24  i64 created, ns since epoch  end - 8  u64 XXH3-64 of all bytes before
//
//   a file:  u64 size | 16 bytes XXH3-128 of the contents, canonical
//            | u8 length, name in the store | u8 length, identity (tables only)
//
// Files are sorted by name. docs/format/backup.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/backup.h"
#include "caveat/error.h"

namespace caveat::detail {

inline constexpr std::uint16_t kBackupFormat = 1;

// Of a file's contents. Says where they are kept, so equal contents are kept once.
using ContentHash = std::array<std::uint8_t, 16>;

struct BackupFile {
  std::string name;  // in the store's directory
  std::uint64_t size = 0;
  ContentHash hash{};
  // What RocksDB says that makes a table unlike any other, so that one of the same name and length
  // is known without reading it. Empty for other files.
  std::string identity;

  // "3f...e2-4096": its name in the folder of contents.
  [[nodiscard]] std::string content_name() const;
};

struct BackupManifest {
  std::uint64_t id = 0;
  std::int64_t created_ns = 0;
  std::uint64_t records = 0;
  std::uint64_t new_bytes = 0;
  std::vector<BackupFile> files;

  [[nodiscard]] std::uint64_t bytes() const noexcept;
  [[nodiscard]] BackupInfo info() const noexcept;

  // Sorts the files.
  [[nodiscard]] std::string encode();
  // Errors: corruption, unsupported_format; the caller puts the file's name in front. Names are
  // plain names of files, each once.
  [[nodiscard]] static Result<BackupManifest> decode(std::string_view bytes);
};

}  // namespace caveat::detail
