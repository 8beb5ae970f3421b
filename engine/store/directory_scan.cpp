#include "engine/store/directory_scan.h"

#include "engine/partition/container.h"
#include "engine/store/behind_damage.h"

namespace caveat {

Result<void> DirectoryScan::add(const ExceptionKey& first,
                                const std::optional<ExceptionKey>& last) {
  const auto make = [&] { return core_.backend->iterate(Family::primary, nullptr, true); };
  CAVEAT_ASSIGN(auto it, make());
  std::optional<ExceptionKey> at;  // the last that was read
  it->seek(encode_key(first));
  for (;;) {
    for (; it->valid(); it->next()) {
      const auto lower = decode_key(it->key());
      if (!lower) return fail(ErrorCode::corruption, "primary: a key of a wrong length");
      if (last && *lower >= *last) return {};
      add_container(*lower, it->value());
      at = lower;
    }
    const auto status = it->status();
    if (status) return {};
    if (status.error().code() != ErrorCode::corruption) return fail(status.error());
    const auto begin = at ? key_after(*at) : first;
    if (!begin || (last && *begin >= *last)) return {};
    add_lost(*begin, status.error());
    CAVEAT_ASSIGN(auto behind, seek_behind_damage(make, {}, *begin));
    if (!behind || (last && behind->key >= *last)) return {};
    it = std::move(behind->it);
  }
}

void DirectoryScan::add_container(const ExceptionKey& lower, std::string_view container) {
  PartitionEntry entry;
  entry.lower = lower;
  entry.bytes = static_cast<std::uint32_t>(container.size());
  if (auto summary = summarise_container(container)) {
    entry.id = summary->id;
    entry.rows = summary->rows;
    entry.run_rows = summary->run_rows;
    entry.raw_bytes = summary->raw_bytes;
    entry.as_of_min = summary->as_of_min == kMaxSequence ? 0 : summary->as_of_min;
  } else {
    // Reads of its keys say what is wrong with it. Its hints cannot be told from others'
    // stale ones, so queries must come by whatever they ask for.
    damaged_ = true;
    entry.run_rows = 1;  // its count is not known
    core_.background_errors.notify(summary.error().within("primary " + describe_key(lower)),
                                   core_.counters);
  }
  entries_.push_back(std::move(entry));
}

void DirectoryScan::add_missing_first() {
  add_lost({}, {ErrorCode::corruption, "the first partition is missing"});
}

void DirectoryScan::add_lost(const ExceptionKey& lower, const StorageError& error) {
  PartitionEntry entry;
  entry.lower = lower;
  entry.run_rows = 1;
  entries_.push_back(std::move(entry));
  damaged_ = true;
  lost_.emplace_back(lower, error);
}

}  // namespace caveat
