// A directory of backups: who works on it, which there are, and the contents they share.
//
//   CAVEAT-BACKUPS    the marker: "caveat backups\nformat 1\n"
//   caveat.lock       held while somebody works on it
//   000001.backup     a manifest; once it is there, so is all that it names
//   files/HASH-SIZE   contents of files, named by them
//   ....draft         not finished; whoever works on the directory next removes it
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/rocksdb/backup_manifest.h"
#include "adapters/rocksdb/file_copy.h"
#include "caveat/error.h"

namespace caveat::detail {

class BackupDirectory {
 public:
  enum class Use : std::uint8_t {
    look,    // no lock; nothing is changed
    read,    // locked, where the medium allows that
    change,  // locked
    make     // the same, and made if it is not there
  };
  [[nodiscard]] static Result<BackupDirectory> open(const std::filesystem::path& path, Use use);
  BackupDirectory(BackupDirectory&& other) noexcept;
  BackupDirectory& operator=(BackupDirectory&&) = delete;
  ~BackupDirectory();

  // Of all manifests, ascending.
  [[nodiscard]] Result<std::vector<std::uint64_t>> ids() const;
  // Errors name the file. not_found.
  [[nodiscard]] Result<BackupManifest> read(std::uint64_t id) const;
  // The one of that id, or of the highest.
  [[nodiscard]] Result<BackupManifest> find(std::optional<std::uint64_t> id) const;

  [[nodiscard]] std::filesystem::path content(const BackupFile& file) const;
  [[nodiscard]] bool has_content(const BackupFile& file) const;
  // Where contents are gathered before their name is known.
  [[nodiscard]] std::filesystem::path draft() const;
  // Gives the finished draft its name. False: contents of that name were there; if they had been
  // damaged meanwhile, they are not any more.
  [[nodiscard]] Result<bool> keep_draft(const BackupFile& file) const;

  // All that the manifest names is on the device; then so is it.
  [[nodiscard]] Result<void> write(BackupManifest& manifest) const;
  [[nodiscard]] Result<void> erase(std::uint64_t id) const;
  // Removes contents that no manifest names. corruption, and nothing removed, if one is damaged.
  [[nodiscard]] Result<void> collect() const;

 private:
  BackupDirectory(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  [[nodiscard]] std::filesystem::path manifest_path(std::uint64_t id) const;

  std::filesystem::path path_;
  int lock_;  // -1: none
};

}  // namespace caveat::detail
