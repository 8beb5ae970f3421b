#include "adapters/rocksdb/quarantine.h"

#include <exception>

namespace caveat::detail {

void CompactionQuarantine::begin(rocksdb::DB& db, const Handles& handles) {
  const std::lock_guard lock(mutex_);
  db_ = &db;
  handles_ = handles;
  for (const Family family : kFamilies) {
    if (families_.test(static_cast<std::size_t>(family))) apply(family);
  }
}

bool CompactionQuarantine::add(Family family, std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  if (db_ != nullptr) {
    const rocksdb::ColumnFamilyHandle* const handle = handles_[static_cast<std::size_t>(family)];
    if (handle == nullptr || handle->GetID() != id) return false;
  }
  if (families_.test(static_cast<std::size_t>(family))) return false;
  families_.set(static_cast<std::size_t>(family));
  if (db_ != nullptr) apply(family);
  return true;
}

void CompactionQuarantine::apply(Family family) {
  rocksdb::DB* const db = db_;
  rocksdb::ColumnFamilyHandle* const handle = handles_[static_cast<std::size_t>(family)];
  if (handle == nullptr) return;
  try {
    workers_.emplace_back([db, handle] {
      db->SetOptions(handle, {{"disable_auto_compactions", "true"}}).PermitUncheckedError();
    });
  } catch (const std::exception&) {  // no thread to be had: RocksDB tries again, in vain
  }
}

void CompactionQuarantine::release(Family family) {
  {
    const std::lock_guard lock(mutex_);
    families_.reset(static_cast<std::size_t>(family));
    handles_[static_cast<std::size_t>(family)] = nullptr;
  }
  join();
}

void CompactionQuarantine::end() {
  {
    const std::lock_guard lock(mutex_);
    db_ = nullptr;
  }
  join();
}

void CompactionQuarantine::join() {
  std::vector<std::thread> workers;
  {
    const std::lock_guard lock(mutex_);
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) worker.join();
}

}  // namespace caveat::detail
