// Keeping caveat.spare.
#include <rocksdb/db.h>

#include <new>

#include "adapters/rocksdb/database.h"
#include "adapters/rocksdb/spare_copy.h"

namespace caveat::detail {
namespace {

std::uint32_t bit_of(char letter) noexcept {
  const std::size_t at = kSparedLetters.find(letter);
  return at == std::string_view::npos ? 0 : std::uint32_t{1} << at;
}

}  // namespace

void RocksdbBackend::note_spared(const KvBatch& batch) noexcept {
  std::uint32_t letters = 0;
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    if (entry.family == Family::meta && !entry.key.empty()) letters |= bit_of(entry.key[0]);
  }
  if (letters != 0) outdated_letters_.fetch_or(letters, std::memory_order_relaxed);
}

void RocksdbBackend::renew_spare(std::string_view letters) noexcept {
  std::uint32_t asked = 0;
  for (const char letter : letters) asked |= bit_of(letter);
  if ((outdated_letters_.load(std::memory_order_relaxed) & asked) == 0) return;
  try {
    const std::lock_guard lock(spare_mutex_);
    const std::uint32_t outdated = outdated_letters_.exchange(0);
    SpareEntries entries;
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, handle(Family::meta)));
    bool whole = true;
    for (const char letter : kSparedLetters) {
      const std::string prefix(1, letter);
      for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
        entries.emplace_back(it->key().ToString(), it->value().ToString());
      }
      whole = whole && it->status().ok();
    }
    // What cannot be read must not be missing in the copy, too.
    if (whole && (entries.empty() || write_spare(path_, entries))) return;
    outdated_letters_.fetch_or(outdated);
  } catch (const std::bad_alloc&) {
    outdated_letters_.fetch_or(asked);
  }
}

}  // namespace caveat::detail
