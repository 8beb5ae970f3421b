#include "adapters/rocksdb/found_tables.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/directory_names.h"

namespace caveat::detail {

FamilyBytes found_table_bytes(const KvBackend& backend) noexcept {
  const auto* const stored = dynamic_cast<const RocksdbBackend*>(&backend);
  return stored == nullptr ? FamilyBytes{} : stored->found_bytes();
}

std::uint64_t newest_table(const std::filesystem::path& directory) {
  std::uint64_t newest = 0;
  // Of a directory that cannot be read nothing is said.
  static_cast<void>(for_each_name(directory, [&](std::string_view name) {
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data(), end, number);
    const bool table = error == std::errc() && std::string_view(rest, end) == ".sst";
    if (table) newest = std::max(newest, number);
    return true;
  }));
  return newest;
}

void RocksdbBackend::note_found_tables(std::uint64_t newest) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_->GetLiveFilesMetaData(&tables);
  for (const rocksdb::LiveFileMetaData& table : tables) {
    if (table.file_number > newest) continue;
    for (std::size_t i = 0; i < kFamilyCount; ++i) {
      if (handles_[i]->GetName() == table.column_family_name) found_bytes_[i] += table.size;
    }
  }
}

}  // namespace caveat::detail
