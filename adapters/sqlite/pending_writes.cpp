#include "adapters/sqlite/pending_writes.h"

#include <algorithm>

namespace caveat::sqlite {

void PendingWrites::put(const ExceptionKey& key, PendingRowPtr row, std::size_t bytes) {
  ++writes_;
  const auto [it, added] = rows_.try_emplace(key);
  Entry& entry = it->second;
  if (!savepoints_.empty()) {
    undo_.push_back({key, added ? std::nullopt : std::optional<Entry>(entry)});
  }
  if (added) entry.since = writes_;
  bytes_ += bytes - entry.bytes;
  entry.row = std::move(row);
  entry.bytes = bytes;
}

void PendingWrites::savepoint(int depth) {
  // A second table on the store, in the same transaction, may come with what the first one said.
  const auto known = std::any_of(savepoints_.begin(), savepoints_.end(),
                                 [&](const Savepoint& s) { return s.depth == depth; });
  if (!known) savepoints_.push_back({depth, undo_.size()});
}

void PendingWrites::release(int depth) {
  std::erase_if(savepoints_, [&](const Savepoint& s) { return s.depth >= depth; });
  if (savepoints_.empty()) undo_.clear();
}

void PendingWrites::rollback_to(int depth) {
  const auto found = std::find_if(savepoints_.begin(), savepoints_.end(),
                                  [&](const Savepoint& s) { return s.depth == depth; });
  if (found == savepoints_.end()) {
    // SQLite tells of a savepoint only who writes already: this one is older than all of these.
    rows_.clear();
    undo_.clear();
    bytes_ = 0;
    savepoints_ = {{depth, 0}};  // it stays, to be rolled back to again
    return;
  }
  while (undo_.size() > found->undo_count) {
    auto& undo = undo_.back();
    const auto it = rows_.find(undo.key);
    bytes_ -= it->second.bytes;
    if (undo.before) {
      it->second = std::move(*undo.before);
      bytes_ += it->second.bytes;
    } else {
      rows_.erase(it);
    }
    undo_.pop_back();
  }
  savepoints_.erase(found + 1, savepoints_.end());
}

const PendingWrites::Entry* PendingWrites::find(const ExceptionKey& key, std::uint64_t by) const {
  const auto it = rows_.find(key);
  return it == rows_.end() || it->second.since > by ? nullptr : &it->second;
}

}  // namespace caveat::sqlite
