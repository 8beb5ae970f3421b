// An edit is a sequence of fields, each after its tag, all varints but for strings, which are a
// length and bytes:
//
//   1 comparator name | 2 log number | 3 next file number | 4 last sequence | 9 previous log |
//   10 first log kept | 203 greatest family | 5 level, key: where a compaction goes on |
//   6 level, number: a table removed | 7, 100, 102, 103 level, number, ...: a table added |
//   200 family of the edit | 201 name: a family added | 202 a family dropped | 300 edits to come
//
// Tags with bit 13 set are a length and bytes, whatever they mean.
#include "adapters/rocksdb/manifest_edits.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "adapters/memory/observer_slot.h"
#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/rocksdb_options.h"
#include "engine/model/varint.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

enum Tag : std::uint64_t {
  comparator = 1,
  log_number = 2,
  next_file = 3,
  last_sequence = 4,
  compact_cursor = 5,
  deleted_file = 6,
  new_file_1 = 7,
  previous_log = 9,
  first_log_kept = 10,
  new_file_2 = 100,
  new_file_3 = 102,
  new_file_4 = 103,
  family = 200,
  family_add = 201,
  family_drop = 202,
  max_family = 203,
  atomic_group = 300,
};
constexpr std::uint64_t kIgnorable = std::uint64_t{1} << 13;
constexpr std::uint64_t kLastCustomField = 1;

bool take_string(std::string_view& edit, std::string_view& text) {
  std::uint64_t size = 0;
  if (!take_varint(edit, size) || size > edit.size()) return false;
  text = edit.substr(0, size);
  edit.remove_prefix(size);
  return true;
}

bool take_numbers(std::string_view& edit, int count) {
  std::uint64_t number = 0;
  for (; count > 0; --count) {
    if (!take_varint(edit, number)) return false;
  }
  return true;
}

bool take_table(std::string_view& edit, std::uint64_t tag, std::uint64_t& number) {
  std::string_view key;
  if (!take_numbers(edit, 1) || !take_varint(edit, number)) return false;
  if (tag == new_file_3 && !take_numbers(edit, 1)) return false;  // a path
  if (!take_numbers(edit, 1)) return false;                       // its size
  if (!take_string(edit, key) || !take_string(edit, key)) return false;
  if (tag != new_file_1 && !take_numbers(edit, 2)) return false;  // sequences
  if (tag != new_file_4) return true;
  for (std::uint64_t field = 0;;) {
    if (!take_varint(edit, field)) return false;
    if (field == kLastCustomField) return true;
    if (!take_string(edit, key)) return false;
  }
}

bool take_field(std::string_view& edit, ManifestContents& contents) {
  std::uint64_t tag = 0;
  std::uint64_t number = 0;
  std::string_view text;
  if (!take_varint(edit, tag)) return false;
  switch (tag) {
    case comparator:
      return take_string(edit, text);
    case log_number:
    case next_file:
    case last_sequence:
    case previous_log:
    case first_log_kept:
    case family:
    case max_family:
    case atomic_group:
      return take_numbers(edit, 1);
    case compact_cursor:
      return take_numbers(edit, 1) && take_string(edit, text);
    case deleted_file:
      if (!take_numbers(edit, 1) || !take_varint(edit, number)) return false;
      contents.tables.insert(number);
      return true;
    case new_file_1:
    case new_file_2:
    case new_file_3:
    case new_file_4:
      if (!take_table(edit, tag, number)) return false;
      contents.tables.insert(number);
      return true;
    case family_add:
      if (!take_string(edit, text)) return false;
      contents.families.emplace(text);
      return true;
    case family_drop:
      return true;
    default:
      return (tag & kIgnorable) != 0 && take_string(edit, text);
  }
}

std::string sst_name(std::uint64_t number) {
  return fmt::format("{:06}.sst", number);
}

}  // namespace

Result<ManifestContents> read_manifest_contents(const fs::path& manifest) {
  CAVEAT_ASSIGN(LogFile file, LogFile::open(manifest));
  ManifestContents contents;
  contents.whole = true;
  contents.families.insert(column_family_name(Family::meta));  // the default one is never added
  std::string record;
  LogFile::Fragment fragment;
  for (;;) {
    CAVEAT_ASSIGN(const auto step, file.next(fragment));
    if (step != LogFile::Step::fragment) return contents;
    using Kind = LogFile::Kind;
    if (fragment.kind == Kind::full || fragment.kind == Kind::first) record.clear();
    record.append(fragment.data);
    if (fragment.kind != Kind::full && fragment.kind != Kind::last) continue;
    std::string_view edit(record);
    while (!edit.empty() && contents.whole) contents.whole = take_field(edit, contents);
    if (!contents.whole) return contents;
  }
}

Result<std::set<std::uint64_t>> list_tables(const fs::path& directory) {
  std::set<std::uint64_t> tables;
  const auto error = for_each_name(directory, [&](std::string_view name) {
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto parsed = std::from_chars(name.data(), end, number);
    if (parsed.ec != std::errc() || std::string_view(parsed.ptr, end) != ".sst") return true;
    std::error_code gone;
    if (fs::file_size(directory / name, gone) > 0 && !gone) tables.insert(number);
    return true;
  });
  if (error) return fail(ErrorCode::io_error, directory.string() + ": " + error.message());
  return tables;
}

bool has_logged(const fs::path& directory) {
  bool found = false;
  const auto error = for_each_name(directory, [&](std::string_view name) {
    std::error_code gone;
    found = found || (name.ends_with(".log") && fs::file_size(directory / name, gone) > 0 && !gone);
    return !found;
  });
  return found || error;
}

Result<std::string> manifest_misfit(const fs::path& manifest, bool closed) {
  CAVEAT_ASSIGN(const auto contents, read_manifest_contents(manifest));
  if (!contents.whole) return std::string();  // a later RocksDB's: its own reader says what it is
  CAVEAT_ASSIGN(const auto tables, list_tables(manifest.parent_path()));
  const auto unknown = std::find_if(tables.begin(), tables.end(), [&](std::uint64_t number) {
    return !contents.tables.contains(number);
  });
  if (unknown != tables.end() && closed) {
    return sst_name(*unknown) + " is there, and it does not say what that is";
  }
  // All families are made before there is a row, and those that hold records are never dropped.
  const bool rows = !tables.empty() || has_logged(manifest.parent_path());
  for (const Family family : kFamilies) {
    const std::string name = column_family_name(family);
    if (contents.families.contains(name)) continue;
    if (!derivable(family) && rows)
      return "there are rows, and it does not know the family " + name;
    if (unknown != tables.end()) {
      return fmt::format("{} is there, and it does not know the family {}", sst_name(*unknown),
                         name);
    }
  }
  return std::string();
}

}  // namespace caveat::detail
