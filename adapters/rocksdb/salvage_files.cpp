// Finds a store's tables and logs, reads all entries of families meta, delta and primary, and
// leaves to newest_states() which of them count.
#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <set>
#include <utility>

#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/log_file.h"
#include "adapters/rocksdb/rocksdb_options.h"
#include "adapters/rocksdb/salvage_manifest.h"
#include "adapters/rocksdb/salvage_state.h"
#include "adapters/rocksdb/spare_copy.h"
#include "adapters/rocksdb/store_directory.h"
#include "adapters/rocksdb/table_walk.h"
#include "engine/model/bytes.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::size_t kSectorBytes = 4096;
constexpr std::size_t kBatchHeaderBytes = 12;  // sequence u64, count u32
constexpr std::size_t kMagicBytes = 4;

std::uint64_t number_of(const fs::path& file) {
  const std::string name = file.filename().string();
  std::uint64_t number = 0;
  std::from_chars(name.data(), name.data() + name.size(), number);
  return number;
}

// All of a file. What the device does not give is zeros, which no checksum agrees with.
Result<std::string> read_file(const fs::path& path) {
  const auto error = [&] {
    return fail(ErrorCode::io_error, path.filename().string() + ": " + std::strerror(errno));
  };
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return error();
  std::error_code failed;
  const auto size = fs::file_size(path, failed);
  std::string bytes(failed ? 0 : size, '\0');
  std::size_t step = kReadBytes;
  for (std::size_t at = 0; at < bytes.size();) {
    const ssize_t got =
        ::pread(fd, bytes.data() + at, std::min(step, bytes.size() - at), static_cast<off_t>(at));
    if (got > 0) {
      at += static_cast<std::size_t>(got);
    } else if (got == 0) {
      bytes.resize(at);
    } else if (errno != EINTR) {
      if (step == kSectorBytes) at += std::min(step, bytes.size() - at);
      step = kSectorBytes;
    }
  }
  ::close(fd);
  return bytes;
}

std::optional<Family> family_named(std::string_view column_family) {
  for (const Family family : kFamilies) {
    if (column_family_name(family) == column_family) return family;
  }
  return std::nullopt;
}

// Keys of the engine's index families and of meta's directory pages can be made anew.
bool is_wanted(Family family, std::string_view key) {
  if (family == Family::meta) return key.empty() || (key[0] != 'D' && key[0] != 'X');
  return family == Family::delta || family == Family::primary;
}

class Salvager {
 public:
  Salvager(fs::path directory, fs::path scratch)
      : directory_(std::move(directory)), scratch_(std::move(scratch)) {}

  Result<SalvagedFiles> run() {
    CAVEAT_TRY(list());
    if (tables_.empty() && logs_.empty()) {
      return fail(ErrorCode::not_found,
                  directory_.string() + " holds no tables and no logs to save anything from");
    }
    const auto live = find_live_tables({directory_, scratch_, tables_, manifests_}, notes_);
    for (const fs::path& table : tables_) {
      if (live && !live->contains(table.filename().string())) continue;
      read_table(table, live ? &live->at(table.filename().string()) : nullptr);
    }
    if (live) find_missing(*live);
    std::sort(logs_.begin(), logs_.end(),
              [](const auto& a, const auto& b) { return number_of(a) < number_of(b); });
    for (const fs::path& log : logs_) read_log(log);
    find_missing_logs();
    SalvagedFiles out;
    for (const Family family : {Family::meta, Family::delta, Family::primary}) {
      const auto index = static_cast<std::size_t>(family);
      state_.families[index] = newest_states(std::move(entries_[index]), erased_[index]);
    }
    widen_bounds();
    use_spare();
    out.losses = std::move(losses_);
    out.notes = std::move(notes_);
    out.backend = make_salvage_backend(
        std::move(state_),
        {ErrorCode::corruption, directory_.string() + ": what was salvaged is for reading only"});
    return out;
  }

 private:
  Result<void> list() {
    const auto error = for_each_name(directory_, [&](std::string_view name) {
      if (name.ends_with(".sst")) tables_.push_back(directory_ / name);
      if (name.ends_with(".log")) logs_.push_back(directory_ / name);
      if (name.starts_with("MANIFEST-")) manifests_.push_back(directory_ / name);
      return true;
    });
    if (error) return fail(ErrorCode::io_error, directory_.string() + ": " + error.message());
    std::sort(tables_.begin(), tables_.end());
    return {};
  }

  SalvageLoss& lose(const fs::path& file, std::string_view family, std::string why) {
    losses_.push_back({});
    losses_.back().file = file.filename().string();
    losses_.back().family = family;
    losses_.back().why = std::move(why);
    return losses_.back();
  }

  // --- Tables ---

  void find_missing(const LiveTables& live) {
    for (const auto& [name, table] : live) {
      if (fs::exists(directory_ / name)) continue;
      SalvageLoss& loss = lose(name, table.family, "it is missing");
      bound_by_table(loss, table);
      judge(loss);
    }
  }

  // What the MANIFEST says of the table's keys, where the table itself does not.
  void bound_by_table(SalvageLoss& loss, const LiveTable& table) {
    if (!loss.before && !table.smallest.empty()) loss.before = table.smallest;
    if (loss.behind || table.largest.empty()) return;
    loss.behind = table.largest;
    ends_with_last_key_.insert(losses_.size() - 1);
  }

  // A partition ends where the next one begins, so that what its table knows as the last key is not
  // the end of what is lost.
  void widen_bounds() {
    const auto& primary = state_.families[static_cast<std::size_t>(Family::primary)];
    for (const std::size_t i : ends_with_last_key_) {
      SalvageLoss& loss = losses_[i];
      if (loss.family != to_string(Family::primary)) continue;
      const auto next = primary.upper_bound(*loss.behind);
      loss.behind = next == primary.end() ? std::nullopt : std::optional(next->first);
    }
  }

  // Whether any of it is a loss of records, and the family's name as users know it.
  void judge(SalvageLoss& loss) const {
    const auto family = family_named(loss.family);
    if (!family) return;
    loss.family = to_string(*family);
    loss.of_records =
        *family == Family::meta || *family == Family::delta || *family == Family::primary;
    // A gap among keys of one letter is of that letter: blocks are cut where it changes.
    if (*family == Family::meta && loss.before && loss.behind && !loss.before->empty() &&
        !loss.behind->empty() && loss.before->front() == loss.behind->front()) {
      loss.of_records = is_wanted(Family::meta, *loss.before);
    }
  }

  void read_table(const fs::path& path, const LiveTable* known) {
    auto bytes = read_file(path);
    if (!bytes) {
      lose(path, known ? known->family : "", bytes.error().message());
      return judge(losses_.back());
    }
    const auto number = static_cast<std::uint32_t>(state_.tables.size());
    std::vector<SalvagedEntry> found;
    std::string magic;  // of the first value
    std::vector<ErasedRange> erased;
    TableWalk walk;
    walk.on_block = [&](BlockPlace place, std::string_view raw) {
      BlockEntries entries(raw);
      TableEntry entry;
      for (std::uint32_t i = 0; entries.next(entry); ++i) {
        if (entry.kind == EntryKind::erase_range) {
          erased.push_back({std::string(entry.key), std::string(entry.value), entry.sequence});
          continue;
        }
        if (magic.empty()) magic = entry.value.substr(0, kMagicBytes);
        found.push_back({std::string(entry.key),
                         entry.sequence,
                         entry.kind,
                         {number, i, entry.value.size(), place}});
      }
    };
    walk.run(*bytes);
    state_.tables.push_back({path, walk.checksum});
    std::string name = walk.family;
    if (name.empty() && known != nullptr) name = known->family;
    auto family = family_named(name);
    if (!family) {
      family = family_by_shape(found, magic);
      if (family) name = column_family_name(*family);
    }
    if (walk.family_id && family) ids_[*walk.family_id] = *family;

    for (const TableGap& gap : walk.gaps) {
      SalvageLoss& loss =
          lose(path, name, walk.end_damage.empty() ? "a block is damaged" : walk.end_damage);
      loss.offset = gap.offset;
      loss.bytes = gap.bytes;
      loss.before = gap.before;
      loss.behind = gap.behind;
      if (known != nullptr) bound_by_table(loss, *known);
      judge(loss);
    }
    if (walk.gaps.empty() && !walk.end_damage.empty()) {
      SalvageLoss& loss =
          lose(path, name, walk.end_damage + "; all of its entries were found without it");
      judge(loss);
      loss.of_records = false;
    }
    if (!family) {
      if (walk.gaps.empty() && found.empty()) return;
      lose(path, "", "its family cannot be told");
      return;
    }
    const auto index = static_cast<std::size_t>(*family);
    for (SalvagedEntry& entry : found) {
      if (is_wanted(*family, entry.key)) entries_[index].push_back(std::move(entry));
    }
    erased_[index].insert(erased_[index].end(), erased.begin(), erased.end());
  }

  // Of a table that does not say it any more, by the formats of its entries.
  static std::optional<Family> family_by_shape(const std::vector<SalvagedEntry>& entries,
                                               std::string_view magic) {
    constexpr std::size_t kPairBytes = 16;  // of two numbers, in all families but meta
    if (entries.empty()) return std::nullopt;
    const bool pairs = std::all_of(entries.begin(), entries.end(), [](const SalvagedEntry& entry) {
      return entry.key.size() == kPairBytes;
    });
    if (!pairs) return Family::meta;
    if (magic == "CVPT" || magic == "CVRN") return Family::primary;
    if (magic == "CVDL") return Family::delta;
    return std::nullopt;
  }

  // --- Logs ---

  class LogEntries final : public rocksdb::WriteBatch::Handler {
   public:
    LogEntries(Salvager& salvager, std::uint64_t sequence)
        : salvager_(salvager), sequence_(sequence) {}
    rocksdb::Status PutCF(std::uint32_t id, const rocksdb::Slice& key,
                          const rocksdb::Slice& value) override {
      return add(id, key, value, EntryKind::put);
    }
    rocksdb::Status MergeCF(std::uint32_t id, const rocksdb::Slice& key,
                            const rocksdb::Slice& value) override {
      return add(id, key, value, EntryKind::append);
    }
    rocksdb::Status DeleteCF(std::uint32_t id, const rocksdb::Slice& key) override {
      return add(id, key, {}, EntryKind::erase);
    }
    rocksdb::Status SingleDeleteCF(std::uint32_t id, const rocksdb::Slice& key) override {
      return add(id, key, {}, EntryKind::erase);
    }
    rocksdb::Status DeleteRangeCF(std::uint32_t id, const rocksdb::Slice& first,
                                  const rocksdb::Slice& last) override {
      const Family family = salvager_.family_of(id);
      salvager_.erased_[static_cast<std::size_t>(family)].push_back(
          {first.ToString(), last.ToString(), sequence_++});
      return {};
    }
    void LogData(const rocksdb::Slice&) override {}

   private:
    rocksdb::Status add(std::uint32_t id, const rocksdb::Slice& key, const rocksdb::Slice& value,
                        EntryKind kind) {
      const std::uint64_t sequence = sequence_++;
      const Family family = salvager_.family_of(id);
      if (!is_wanted(family, key.ToStringView())) return {};
      salvager_.entries_[static_cast<std::size_t>(family)].push_back(
          {key.ToString(), sequence, kind, salvager_.state_.keep(value.ToStringView())});
      return {};
    }

    Salvager& salvager_;
    std::uint64_t sequence_;
  };

  // Families are numbered in the order in which they are made, unless one was made anew.
  Family family_of(std::uint32_t id) const {
    const auto found = ids_.find(id);
    if (found != ids_.end()) return found->second;
    return id < kFamilyCount ? kFamilies[id] : Family::temporal;
  }

  void add_batch(const fs::path& path, std::uint64_t offset, const std::string& record) {
    if (record.size() < kBatchHeaderBytes) return;
    const auto sequence = get_fixed<std::uint64_t>(record, 0);
    LogEntries entries(*this, sequence);
    const rocksdb::WriteBatch batch(record);
    const rocksdb::Status status = batch.Iterate(&entries);
    if (status.ok()) return;
    SalvageLoss& loss = lose(path, "", "a batch cannot be read: " + status.ToString());
    loss.offset = offset;
    loss.bytes = record.size();
  }

  void read_log(const fs::path& path) {
    auto log = LogFile::open(path);
    if (!log) {
      lose(path, "", log.error().message());
      return;
    }
    LogFile::Fragment fragment;
    std::string record;
    std::uint64_t begin = 0;
    bool inside = false;
    auto step = log->next(fragment);
    for (; step && *step != LogFile::Step::end;) {
      if (*step == LogFile::Step::bad) {
        const LogFile::Bad bad = log->bad();
        inside = false;
        step = log->next_sound(fragment);
        const bool behind = step && *step == LogFile::Step::fragment;
        // An end that a crash tore off was not acknowledged.
        if (behind || !bad.torn) {
          SalvageLoss& loss =
              lose(path, "", std::string("damaged (") + bad.why + "): writes are missing");
          loss.offset = bad.offset;
          loss.bytes = (behind ? fragment.offset : log->size()) - bad.offset;
        }
        continue;
      }
      using Kind = LogFile::Kind;
      if (fragment.kind == Kind::full || fragment.kind == Kind::first) {
        record.assign(fragment.data);
        begin = fragment.offset;
        inside = true;
      } else if (inside) {
        record.append(fragment.data);
      }
      if (inside && (fragment.kind == Kind::full || fragment.kind == Kind::last)) {
        add_batch(path, begin, record);
        inside = false;
      }
      step = log->next(fragment);
    }
    if (!step) lose(path, "", step.error().message());
  }

  void find_missing_logs() {
    const OpenLogs open = open_logs_of(directory_);
    if (open.newest == 0) return;
    for (const std::uint64_t number : {open.first, open.newest}) {
      const std::string name = fmt::format("{:06}.log", number);
      if (fs::exists(directory_ / name)) continue;
      lose(name, "", "it is missing, and with it the newest writes");
      if (open.first == open.newest) return;
    }
  }

  // --- caveat.spare ---

  static std::uint64_t bytes_of(const ValueChain& chain) {
    std::uint64_t sum = 0;
    for (const ValuePlace& part : chain.parts) sum += part.bytes;
    return sum;
  }

  void use_spare() {
    if (losses_.empty() && notes_.empty()) return;
    const fs::path path = directory_ / kSpareFile;
    if (!fs::exists(path)) return;
    const auto bytes = read_file(path);
    const auto spare = bytes ? decode_spare(*bytes) : fail(bytes.error());
    if (!spare) {
      notes_.push_back(spare.error().message());
      return;
    }
    auto& meta = state_.families[static_cast<std::size_t>(Family::meta)];
    std::size_t used = 0;
    for (const auto& [key, value] : *spare) {
      const auto there = meta.find(key);
      // Pages of the catalogue only grow; where one is shorter here, a part of it is lost.
      if (there != meta.end() && (key[0] != 'C' || bytes_of(there->second) >= value.size())) {
        continue;
      }
      meta[key] = {true, {state_.keep(value)}};
      ++used;
    }
    if (used > 0) {
      notes_.push_back(fmt::format("{} values of meta are from {}", used, std::string(kSpareFile)));
    }
  }

  const fs::path directory_;
  const fs::path scratch_;
  std::vector<fs::path> tables_;
  std::vector<fs::path> logs_;
  std::vector<fs::path> manifests_;
  SalvageState state_;
  std::array<std::vector<SalvagedEntry>, kFamilyCount> entries_;
  std::array<std::vector<ErasedRange>, kFamilyCount> erased_;
  std::map<std::uint32_t, Family> ids_;
  std::vector<SalvageLoss> losses_;
  std::set<std::size_t> ends_with_last_key_;  // of losses_
  std::vector<std::string> notes_;
};

}  // namespace
}  // namespace caveat::detail

namespace caveat {

std::string SalvageLoss::sentence() const {
  std::string text = file;
  if (bytes > 0) text += fmt::format(", bytes {} to {}", offset, offset + bytes - 1);
  if (!family.empty()) text += " (" + family + ")";
  return text + ": " + why;
}

Result<SalvagedFiles> salvage_files(const std::filesystem::path& directory,
                                    const std::filesystem::path& scratch) {
  return detail::Salvager(directory, scratch).run();
}

}  // namespace caveat
