#include "engine/store/directory_scan.h"

#include "engine/partition/container.h"
#include "engine/store/behind_damage.h"

namespace caveat {

Result<void> DirectoryScan::add(const ExceptionKey& first,
                                const std::optional<ExceptionKey>& last) {
  CAVEAT_TRY(read(first, last));
  if (last) end_last(*last);
  last_base_ = nullptr;
  return {};
}

Result<void> DirectoryScan::read(const ExceptionKey& first,
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
  end_last(lower);
  PartitionEntry entry;
  entry.lower = lower;
  entry.bytes = static_cast<std::uint32_t>(container.size());
  open_base(container);
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

// Its keys alone, which takes little beside reading it. What cannot be opened its readers report.
void DirectoryScan::open_base(std::string_view container) {
  const auto layout = parse_container(container);
  if (!layout || !layout->block) return;
  const auto bytes = std::make_shared<const std::string>(*layout->block);
  auto base = DecodedBlock::open(bytes, 0, bytes->size(), core_.dictionaries, Reasons::whole,
                                 BlockForm::keys);
  if (base) last_base_ = std::move(*base);
}

// A backend that is atomic for each key alone may have been cut off between the parts of a split:
// then the left one still has the rows of the others, which readers leave out, and its header's
// count is not the partition's.
void DirectoryScan::end_last(const ExceptionKey& upper) {
  const auto base = std::exchange(last_base_, nullptr);
  if (!base || base->row_count() == 0 || base->distinct_nodes().back() < upper.node_id) return;
  std::uint32_t outside = 0;
  for (std::uint32_t row = base->row_count(); row-- > 0 && base->node(row) >= upper.node_id;) {
    const auto property = core_.catalogue.hash_of(base->property_id(row));
    if (property && ExceptionKey{base->node(row), *property} >= upper) ++outside;
  }
  PartitionEntry& entry = entries_.back();
  if (outside > entry.rows || outside == 0) return;
  entry.raw_bytes = entry.raw_bytes / entry.rows * (entry.rows - outside);  // about
  entry.rows -= outside;
}

void DirectoryScan::add_missing_first() {
  add_lost({}, {ErrorCode::corruption, "the first partition is missing"});
}

void DirectoryScan::add_lost(const ExceptionKey& lower, const StorageError& error) {
  end_last(lower);
  PartitionEntry entry;
  entry.lower = lower;
  entry.run_rows = 1;
  entries_.push_back(std::move(entry));
  damaged_ = true;
  lost_.emplace_back(lower, error);
}

}  // namespace caveat
