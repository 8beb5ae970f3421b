#include "adapters/rocksdb/salvage_manifest.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/manifest_edits.h"
#include "adapters/rocksdb/manifest_note.h"
#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/store_directory.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

std::uint64_t number_of_manifest(const fs::path& manifest) {
  return manifest_number(manifest.filename().string());
}

// Sound to its end? RocksDB takes damage for the end.
bool is_sound_manifest(const fs::path& path) {
  auto manifest = LogFile::open(path);
  if (!manifest || manifest->size() == 0) return false;
  LogFile::Fragment fragment;
  for (;;) {
    const auto step = manifest->next(fragment);
    if (!step || *step == LogFile::Step::bad) return false;
    if (*step == LogFile::Step::end) return true;
  }
}

// Why its end cannot be believed to be the end; empty: it can.
std::string missing_end(const fs::path& manifest, const fs::path& directory) {
  const ManifestNote note = manifest_note_of(directory);
  if (note.number != 0 && note.number == number_of_manifest(manifest)) {
    const auto same = agrees(manifest, note);
    if (same && *same) return {};
    return " is not what was written, says " + std::string(kLockFile);
  }
  // Nobody knows. What it does not explain may be what it is missing.
  const auto misfit = manifest_misfit(manifest, /*closed=*/true);
  if (misfit && misfit->empty()) return {};
  return misfit ? " may be missing its end (" + *misfit + ")" : " cannot be read";
}

// By RocksDB, in a directory of its own with links to the tables.
std::optional<LiveTables> read_manifest(const fs::path& manifest, const StoreFiles& store) {
  const fs::path copy = store.scratch / "manifest";
  std::error_code error;
  fs::create_directories(copy, error);
  fs::copy_file(manifest, copy / manifest.filename(), error);
  if (error) return std::nullopt;
  const auto bytes = manifest.filename().string() + "\n";
  const int fd = ::open((copy / "CURRENT").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0) return std::nullopt;
  const bool written =
      ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  ::close(fd);
  if (!written) return std::nullopt;
  for (const fs::path& table : store.tables) {
    fs::create_symlink(fs::absolute(table), copy / table.filename(), error);
  }
  RocksdbBackendOptions small;
  small.block_cache_bytes = std::size_t{8} << 20;
  StoreOptions options = make_store_options(small, copy, nullptr);
  options.db.paranoid_checks = false;
  options.db.create_if_missing = false;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(options.db, copy.string(), options.families, &handles, &db);
  if (!status.ok()) return std::nullopt;
  const std::unique_ptr<rocksdb::DB> owned(db);
  std::vector<rocksdb::LiveFileMetaData> files;
  db->GetLiveFilesMetaData(&files);
  LiveTables live;
  for (const auto& file : files) {
    live[fs::path(file.name).filename().string()] = {file.column_family_name, file.smallestkey,
                                                     file.largestkey};
  }
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }
  return live;
}

}  // namespace

std::optional<LiveTables> find_live_tables(const StoreFiles& files,
                                           std::vector<std::string>& notes) {
  const std::string all =
      "; every table that is there counts, also one that was replaced but not "
      "yet deleted when the store was last open";
  if (files.manifests.empty()) {
    notes.push_back("there is no MANIFEST" + all);
    return std::nullopt;
  }
  fs::path manifest = files.directory / current_manifest(files.directory).value_or(std::string());
  if (std::find(files.manifests.begin(), files.manifests.end(), manifest) ==
      files.manifests.end()) {
    manifest = *std::max_element(
        files.manifests.begin(), files.manifests.end(),
        [](const auto& a, const auto& b) { return number_of_manifest(a) < number_of_manifest(b); });
    notes.push_back("CURRENT is missing or damaged; " + manifest.filename().string() +
                    ", the newest MANIFEST, is taken for the current one");
  }
  if (!is_sound_manifest(manifest)) {
    notes.push_back(manifest.filename().string() + " is damaged" + all);
    return std::nullopt;
  }
  if (const std::string why = missing_end(manifest, files.directory); !why.empty()) {
    notes.push_back(manifest.filename().string() + why + all);
    return std::nullopt;
  }
  auto live = read_manifest(manifest, files);
  const bool complete = live && std::all_of(live->begin(), live->end(), [&](const auto& table) {
                          return fs::exists(files.directory / table.first);
                        });
  const bool others =
      live && std::any_of(files.tables.begin(), files.tables.end(), [&](const auto& table) {
        return !live->contains(table.filename().string());
      });
  if (live && (complete || !others)) return live;
  notes.push_back(
      manifest.filename().string() +
      (live ? " names tables that are missing, and not all that are there" : " cannot be read") +
      all);
  return std::nullopt;
}

}  // namespace caveat::detail
