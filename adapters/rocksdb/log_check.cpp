#include "adapters/rocksdb/log_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <vector>

#include "adapters/rocksdb/directory_names.h"
#include "adapters/rocksdb/log_file.h"
#include "engine/model/bytes.h"
#include "engine/model/varint.h"

namespace caveat::detail {
namespace {

namespace fs = std::filesystem;
using Step = LogFile::Step;
using Kind = LogFile::Kind;

constexpr std::size_t kBatchHeader = 12;  // first sequence u64 | count u32

std::string log_name(std::uint64_t number) {
  return fmt::format("{:06}.log", number);
}

// Ascending.
Result<std::vector<std::uint64_t>> list_logs(const fs::path& directory) {
  std::vector<std::uint64_t> numbers;
  const auto error = for_each_name(directory, [&](std::string_view name) {
    if (!name.ends_with(".log")) return true;
    std::uint64_t number = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size() - 4, number);
    if (parsed.ec == std::errc() && *parsed.ptr == '.') numbers.push_back(number);
    return true;
  });
  if (error) return fail(ErrorCode::io_error, directory.string() + ": " + error.message());
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

// What goes through the logs in order: which sequence comes next.
class Replay {
 public:
  // `newest`: the last log with anything in it.
  struct Damage {
    std::uint64_t offset = 0;
    const char* why = "";
    bool unwritten = false;
  };

  // `first`: the log that has the first row, where power was lost; else 0.
  Replay(const fs::path& shown, std::uint64_t newest, std::uint64_t first)
      : shown_(shown), newest_(newest), first_(first), power_lost_(first != 0) {}

  Result<void> log(const fs::path& directory, std::uint64_t number);
  [[nodiscard]] const LogEnd& end() const noexcept { return end_; }
  // What is missing was in a log before that.
  [[nodiscard]] bool missing_before() const noexcept { return before_; }
  [[nodiscard]] tl::unexpected<StorageError> damaged(std::uint64_t number, const Damage& at) const;

 private:
  // A record is complete: does it follow the one before?
  [[nodiscard]] Result<void> record(std::uint64_t number);

  const fs::path& shown_;
  const std::uint64_t newest_;
  const std::uint64_t first_;
  const bool power_lost_;
  LogEnd end_;
  bool before_ = false;
  std::uint64_t next_ = 0;        // sequence; 0 before the first record
  std::string head_;              // of the record being gathered
  std::optional<Damage> damage_;  // in this log, passed already
};

// Without what is in the newest log from some place on, the store is as it was once. Without a part
// of an older one it is as it never was: table files may have what was logged later.
tl::unexpected<StorageError> Replay::damaged(std::uint64_t number, const Damage& at) const {
  const std::string file = (shown_ / log_name(number)).string();
  std::string text = fmt::format(
      "{} is damaged at byte {} ({}), and rows that were acknowledged are behind that. Nothing was "
      "changed: restore the store from a backup",
      file, at.offset, at.why);
  if (number == newest_) {
    text += fmt::format(
        "; or keep a copy of it and cut this log there (truncate -s {} {}), to open the store "
        "without those rows",
        at.offset, file);
  }
  return fail(ErrorCode::corruption, std::move(text));
}

Result<void> Replay::record(std::uint64_t number) {
  if (head_.size() < kBatchHeader) return {};  // no batch of rows: RocksDB ignores it, too
  const auto first = get_fixed<std::uint64_t>(head_, 0);
  const auto count = get_fixed<std::uint32_t>(head_, 8);
  if (count == 0) return {};
  // Of a failed write there may be more than one copy, of which none counts.
  // A log is only begun when the one before has a row.
  const bool nothing_before = damage_.has_value() || (power_lost_ && number > first_);
  const bool gap = next_ == 0 ? nothing_before : first > next_;
  // Without damage in this log its rows go on after others that are gone, at the end of a log.
  if (gap && power_lost_ && (!damage_ || damage_->unwritten)) {
    end_ = {number, damage_ ? damage_->offset : 0};
    before_ = !damage_;
    return {};
  }
  if (gap && damage_) return damaged(number, *damage_);
  if (gap) {
    const std::string file = (shown_ / log_name(number)).string();
    return fail(ErrorCode::corruption,
                fmt::format("{}: row {} is there, but rows from {} on that were logged before it "
                            "are missing: a log file is gone, or was cut. Nothing was changed: put "
                            "it back, or restore the store from a backup",
                            file, first, next_));
  }
  next_ = std::max(next_, first + count);
  return {};
}

Result<void> Replay::log(const fs::path& directory, std::uint64_t number) {
  auto opened = LogFile::open(directory / log_name(number));
  if (!opened) {
    // A live store may have dropped it just now.
    if (opened.error().code() == ErrorCode::not_found) return {};
    return fail(opened.error());
  }
  LogFile& file = *opened;
  damage_.reset();
  bool torn = true;  // what damage_ is, if nothing follows it
  std::optional<std::uint64_t> begun;
  LogFile::Fragment fragment;
  const auto read_error = [&](const StorageError& error) {
    return fail(error.within((shown_ / log_name(number)).string()));
  };
  auto step = file.next(fragment);
  for (; step && *step != Step::end; step = file.next(fragment)) {
    if (*step == Step::bad) {
      if (!damage_) {
        damage_ = {begun.value_or(file.bad().offset), file.bad().why, file.bad().unwritten};
        torn = file.bad().torn;
      }
      begun.reset();
      step = file.next_sound(fragment);
      if (!step || *step == Step::end) break;
    }
    const bool begins = fragment.kind == Kind::full || fragment.kind == Kind::first;
    if (begins != !begun) {
      // A part without a beginning, or a beginning in the middle of another record.
      if (!damage_) {
        damage_ = {begun.value_or(fragment.offset), "parts of a record are missing", false};
      }
      begun.reset();
      if (!begins) continue;
    }
    if (begins) {
      begun = fragment.offset;
      head_.clear();
    }
    head_.append(fragment.data.substr(0, kBatchHeader - std::min(kBatchHeader, head_.size())));
    if (fragment.kind != Kind::full && fragment.kind != Kind::last) continue;
    CAVEAT_TRY(record(number));
    if (end_.log != 0) return {};
    begun.reset();
    torn = true;  // whatever was before it, nothing is missing
  }
  if (!step) return read_error(step.error());
  if (!damage_ || torn) return {};
  if (!power_lost_ || !damage_->unwritten) return damaged(number, *damage_);
  end_ = {number, damage_->offset};
  return {};
}

// The newest value of a field that RocksDB puts near the beginning of an edit.
struct ManifestLogs {
  std::uint64_t needed = 0;   // the first
  std::uint64_t flushed = 0;  // tables have all of some family in the logs before
};
Result<ManifestLogs> manifest_logs(const fs::path& directory) {
  enum Tag : std::uint32_t {
    comparator = 1,
    log_number = 2,
    next_file_number = 3,
    previous_log_number = 9,
    min_log_number_to_keep = 10,
    max_family = 203,
    database_id = (1U << 13) + 1,
  };
  ManifestLogs logs;
  CAVEAT_ASSIGN(const std::string name, current_manifest(directory));
  if (name.empty()) return logs;
  auto manifest = LogFile::open(directory / name);
  if (!manifest && manifest.error().code() == ErrorCode::not_found) return logs;
  if (!manifest) return fail(manifest.error());
  LogFile::Fragment fragment;
  for (;;) {
    CAVEAT_ASSIGN(const Step step, manifest->next(fragment));
    if (step != Step::fragment) break;
    // The fields are within the first fragment of a record of any size.
    if (fragment.kind != Kind::full && fragment.kind != Kind::first) continue;
    std::string_view edit = fragment.data;
    std::uint64_t tag = 0;
    while (take_varint(edit, tag)) {
      std::uint64_t value = 0;
      if (tag == comparator || tag == database_id) {
        if (!take_varint(edit, value) || value > edit.size()) break;
        edit.remove_prefix(value);
      } else if (tag == log_number || tag == next_file_number || tag == previous_log_number ||
                 tag == max_family || tag == min_log_number_to_keep) {
        if (!take_varint(edit, value)) break;
        if (tag == min_log_number_to_keep) logs.needed = std::max(logs.needed, value);
        if (tag == log_number) logs.flushed = std::max(logs.flushed, value);
      } else {
        break;
      }
    }
  }
  return logs;
}

}  // namespace

std::uint64_t first_needed_log(const fs::path& directory) {
  const auto logs = manifest_logs(directory);
  return logs ? logs->needed : 0;
}

Result<LogEnd> check_logs(const fs::path& directory, const fs::path& shown, OpenLogs open) {
  CAVEAT_ASSIGN(const auto logs, list_logs(directory));
  CAVEAT_ASSIGN(const auto manifest, manifest_logs(directory));
  const auto [needed, flushed] = manifest;
  if (open.newest != 0) {
    // One that RocksDB needs and that was begun since the store was opened is a file for sure.
    const std::uint64_t first = std::max(open.first, needed);
    const bool last_gone = logs.empty() || logs.back() < open.newest;
    if (last_gone || !std::binary_search(logs.begin(), logs.end(), first)) {
      return fail(
          ErrorCode::corruption,
          fmt::format("{} is missing, and the store was not closed since it was begun: rows "
                      "that were acknowledged may be in it. Nothing was changed: put the "
                      "file back, or restore the store from a backup{}",
                      (shown / log_name(last_gone ? open.newest : first)).string(),
                      last_gone ? "; or make an empty file of that name, to open the store "
                                  "without those rows"
                                : ""));
    }
  }
  std::uint64_t newest = 0;
  for (const std::uint64_t number : logs) {
    std::error_code gone;
    if (fs::file_size(directory / log_name(number), gone) > 0 && !gone) newest = number;
  }
  const bool lost = open.newest != 0 && open.power_lost();
  Replay replay(shown, newest, lost ? std::max(open.first, needed) : 0);
  for (const std::uint64_t number : logs) {
    if (number < needed) continue;
    CAVEAT_TRY(replay.log(directory, number));
    if (replay.end().log != 0) break;
  }
  // Before tables are written the logs that they are of are synced: what is missing there, no loss
  // of power took.
  const LogEnd end = replay.end();
  const bool ahead = replay.missing_before() ? end.log <= flushed : end.log < flushed;
  if (end.log == 0 || !ahead) return end;
  return replay.damaged(end.log, {end.offset, "a part is missing", true});
}

Result<void> cut_logs(const fs::path& directory, const LogEnd& end) {
  CAVEAT_ASSIGN(auto logs, list_logs(directory));
  std::reverse(logs.begin(), logs.end());
  for (const std::uint64_t number : logs) {
    if (number <= end.log) break;
    CAVEAT_TRY(remove_file(directory / log_name(number)));
  }
  CAVEAT_TRY(sync_directory(directory));
  return cut_file(directory / log_name(end.log), end.offset);
}

}  // namespace caveat::detail
