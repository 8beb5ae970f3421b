#include "tools/cli/importer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/model/row.h"

namespace caveat::cli {
namespace {

constexpr std::size_t kBudgetShare = 32;
constexpr std::size_t kBatchBytesMin = std::size_t{256} << 10;
constexpr std::size_t kNamesMax = 1'000'000;     // then the cache of names starts anew
constexpr std::uint64_t kProgressLines = 2'048;  // lines between two looks at the clock

}  // namespace

Importer::Importer(StorageOptimizer& store, std::size_t memory_budget, Callbacks callbacks)
    : store_(store),
      batch_bytes_(std::clamp(memory_budget / kBudgetShare, kBatchBytesMin, kBatchBytes)),
      batch_records_(kBatchRecords / (kBatchBytes / batch_bytes_)),
      callbacks_(std::move(callbacks)) {}

// Two names with one hash are found here, so that the line can be named.
Result<void> Importer::learn_name(const ParsedRecord& record) {
  const auto hash = record.key.property_hash;
  auto found = names_.find(hash);
  if (found == names_.end()) {
    auto known = store_.property_name(hash);
    if (!known) batch_.new_names.emplace_back(record.property);
    found = names_.emplace(hash, known ? *std::move(known) : std::string(record.property)).first;
  }
  if (found->second == record.property) return {};
  return fail(ErrorCode::hash_collision, fmt::format("property: \"{}\" has the same hash as \"{}\"",
                                                     record.property, found->second));
}

// False if a bad line ends the import.
bool Importer::take_line(const LineSource::Line& line, std::uint64_t number) {
  const auto begin = batch_.rows.size();
  Result<ParsedRecord> record =
      line.refused ? fail(*line.refused) : reader_.read(line.text, batch_.rows);
  if (record && record->named) {
    if (const auto learnt = learn_name(*record); !learnt) record = fail(learnt.error());
  }
  if (record) {
    batch_.ends.push_back(batch_.rows.size());
    ++accepted_;
    return true;
  }
  batch_.rows.resize(begin);
  ++counts_.bad_lines;
  auto reason = record.error().message();
  if (line.text.size() > LineSource::kLongLineBytes) {
    reason += fmt::format(" (a line of {} bytes; the limit is {})", line.text.size(),
                          LineSource::kMaxLineBytes);
  }
  return callbacks_.on_bad_line(number, reason);
}

Result<std::uint64_t> Importer::write(StorageOptimizer& store, const Batch& batch) {
  const std::vector<std::string_view> names(batch.new_names.begin(), batch.new_names.end());
  CAVEAT_TRY(store.register_properties(names));
  std::vector<ExceptionView> records;
  records.reserve(batch.ends.size());
  std::size_t begin = 0;
  for (const auto end : batch.ends) {
    const std::string_view row(batch.rows.data() + begin, end - begin);
    records.push_back(decode_trusted_row(row).record);
    begin = end;
  }
  CAVEAT_TRY(store.bulk_store(std::span<const ExceptionView>(records)));
  return records.size();
}

Result<void> Importer::wait() {
  if (!pending_.valid()) return {};
  CAVEAT_ASSIGN(const auto written, pending_.get());
  counts_.records += written;
  return {};
}

Result<void> Importer::hand_over() {
  CAVEAT_TRY(wait());
  if (batch_.ends.empty() && batch_.new_names.empty()) return {};
  pending_ = std::async(std::launch::async, [&store = store_, batch = std::exchange(batch_, {})] {
    return write(store, batch);
  });
  return {};
}

// Takes lines until the input ends (true), or until a bad line or a signal stops it (false).
Result<bool> Importer::take_lines(LineSource& lines) {
  LineSource::Line line;
  for (;;) {
    CAVEAT_ASSIGN(const bool found, lines.next(line));
    if (!found) return true;
    if (!take_line(line, lines.line_number())) return false;
    // As bulk_store cuts its chunks (a length and a row each), so that a batch is one chunk.
    const auto bytes = batch_.rows.size() + batch_.ends.size() * sizeof(std::uint32_t);
    if (batch_.ends.size() >= batch_records_ || bytes >= batch_bytes_) {
      CAVEAT_TRY(hand_over());
    }
    if (names_.size() >= kNamesMax) {
      // The store must know them first: of two names with one hash the second would spoil a batch.
      CAVEAT_TRY(hand_over());
      CAVEAT_TRY(wait());
      names_.clear();
    }
    if (lines.line_number() % kProgressLines == 0 && !callbacks_.on_progress(accepted_)) {
      return false;
    }
  }
}

Result<void> Importer::run(LineSource& lines) {
  const auto to_end = take_lines(lines);
  counts_.stopped = !to_end || !*to_end;
  const bool cancelled = !to_end && to_end.error().code() == ErrorCode::cancelled;
  // A store that fails is left alone: what it has is the beginning of the input, without gaps.
  if (!to_end && !cancelled && !lines.failed()) return fail(to_end.error());
  // Whatever else ended it, what was read and is good goes into the store.
  auto written = hand_over();
  if (written) written = wait();
  if (!to_end && !cancelled) return fail(to_end.error());
  if (!written) counts_.stopped = true;
  return written;
}

}  // namespace caveat::cli
