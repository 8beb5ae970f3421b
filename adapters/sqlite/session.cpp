#include "adapters/sqlite/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/json/json_text.h"
#include "adapters/sqlite/sqlite_api.h"

namespace caveat::sqlite {
namespace {

constexpr std::size_t kNameSlots = 1 << 15;

// What the host set with sqlite3_busy_timeout.
std::chrono::milliseconds busy_timeout(sqlite3* connection) {
  sqlite3_stmt* statement = nullptr;
  std::chrono::milliseconds timeout{0};
  if (sqlite3_prepare_v2(connection, "PRAGMA busy_timeout", -1, &statement, nullptr) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    timeout = std::chrono::milliseconds(sqlite3_column_int64(statement, 0));
  }
  sqlite3_finalize(statement);
  return timeout;
}

}  // namespace

SqlResult<void> Session::begin() {
  if (pending_ != nullptr) return {};
  if (!store_->take_turn(this, std::chrono::milliseconds(0)) &&
      !store_->take_turn(this, busy_timeout(connection_))) {
    return sql_fail(SQLITE_BUSY, fmt::format("{}: another connection is writing to it; repeat when "
                                             "its transaction has ended",
                                             store_->name()));
  }
  pending_ = std::make_shared<PendingWrites>();
  synced_ = false;
  snapshot_ = (*store_)->snapshot();
  return {};
}

SqlResult<void> Session::sync() {
  if (pending_ == nullptr || synced_) return {};
  WriteBatch batch;
  std::vector<std::string_view> names;
  for (const auto& [key, entry] : pending_->rows()) {
    if (entry.row == nullptr) {
      CAVEAT_TRY(batch.remove_exception(key));
      continue;
    }
    CAVEAT_TRY(batch.store_exception(entry.row->view(key)));
    const auto name = new_names_.find(key.property_hash);
    if (name == new_names_.end()) continue;
    names.push_back(name->second.bytes);
  }
  if (!names.empty()) CAVEAT_TRY((*store_)->register_properties(names));
  if (!batch.empty()) CAVEAT_TRY((*store_)->write(batch, write_options_));
  synced_ = true;
  return {};
}

void Session::end() noexcept {
  pending_.reset();
  new_names_.clear();
  snapshot_.reset();
  store_->end_turn(this);
}

void Session::savepoint(int depth) {
  if (pending_ != nullptr) pending_->savepoint(depth);
}

void Session::release(int depth) {
  if (pending_ != nullptr) pending_->release(depth);
}

void Session::rollback_to(int depth) {
  if (pending_ == nullptr) return;
  // Readers that are under way keep what they see.
  if (pending_.use_count() > 1) pending_ = std::make_shared<PendingWrites>(*pending_);
  pending_->rollback_to(depth);
}

void Session::use_durability(Durability durability) noexcept {
  using Level = WriteOptions::Level;
  const auto level = durability == Durability::none  ? Level::none
                     : durability == Durability::wal ? Level::wal
                                                     : Level::fsync;
  write_options_.durability = std::max(write_options_.durability, level);
}

SqlResult<void> Session::store_row(const ExceptionKey& key, PendingRowPtr row) {
  checked_.clear();
  CAVEAT_TRY(checked_.store_exception(row->view(key)));
  return put(key, std::move(row));
}

SqlResult<void> Session::remove_row(const ExceptionKey& key) {
  checked_.clear();
  CAVEAT_TRY(checked_.remove_exception(key));
  return put(key, nullptr);
}

SqlResult<void> Session::put(const ExceptionKey& key, PendingRowPtr row) {
  if (pending_ == nullptr) {
    return sql_fail(SQLITE_MISUSE, "caveat: a write outside of a transaction");
  }
  if (pending_->bytes() + checked_.bytes() > WriteBatch::kMaxBatchBytes) {
    return sql_fail(
        SQLITE_TOOBIG,
        fmt::format("{}: a transaction holds at most {} MiB of writes; commit more often",
                    store_->name(), WriteBatch::kMaxBatchBytes / kMiB));
  }
  pending_->put(key, std::move(row), checked_.bytes());
  return {};
}

SqlResult<PropertyHash> Session::use_property(std::string_view name) {
  if (name.empty()) return violates("property: a name has at least one byte");
  if (name.size() > kMaxPropertyNameBytes) {
    return sql_fail(SQLITE_TOOBIG, fmt::format("property: a name of {} bytes, and the limit is {}",
                                               name.size(), kMaxPropertyNameBytes));
  }
  const auto hash = hash_property(name);
  const auto* known = property_name(hash);
  if (known == nullptr) {
    new_names_.emplace(hash, Name{std::string(name), json::is_utf8(name), false});
  } else if (known->bytes != name) {
    return violates(
        fmt::format("property: \"{}\" and \"{}\" have one hash; rename one", name, known->bytes));
  }
  return hash;
}

Session::View Session::begin_read() {
  if (!snapshot_ || (reads_ == 0 && pending_ == nullptr)) snapshot_ = (*store_)->snapshot();
  ++reads_;
  return {*snapshot_, pending_, pending_ != nullptr ? pending_->now() : 0};
}

void Session::end_read() noexcept {
  --reads_;
  if (reads_ == 0 && pending_ == nullptr) snapshot_.reset();
}

SqlResult<std::optional<ExceptionRecord>> Session::find(const ExceptionKey& key) {
  if (pending_ != nullptr) {
    if (const auto* entry = pending_->find(key, pending_->now())) {
      if (entry->row == nullptr) return std::optional<ExceptionRecord>();
      return std::optional<ExceptionRecord>(entry->row->view(key).to_record());
    }
  }
  CAVEAT_ASSIGN(auto found, (*store_)->retrieve_exception(key));
  if (!found) return std::optional<ExceptionRecord>();
  return std::optional<ExceptionRecord>(ExceptionRecord{key, std::move(*found)});
}

SqlResult<bool> Session::contains(const ExceptionKey& key) {
  if (pending_ != nullptr) {
    if (const auto* entry = pending_->find(key, pending_->now())) return entry->row != nullptr;
  }
  CAVEAT_ASSIGN(const bool there, (*store_)->contains(key));
  return there;
}

const Session::Name* Session::property_name(PropertyHash property) {
  if (name_slots_.empty()) name_slots_.resize(kNameSlots);
  auto& slot = name_slots_[property % kNameSlots];
  if (slot.name != nullptr && slot.property == property) return slot.name;
  auto it = names_.find(property);
  if (it == names_.end()) {
    auto name = (*store_)->property_name(property);
    if (!name) {
      const auto added = new_names_.find(property);
      return added == new_names_.end() ? nullptr : &added->second;
    }
    const bool is_text = json::is_utf8(*name);
    it = names_.emplace(property, Name{std::move(*name), is_text, true}).first;
  }
  slot = {property, &it->second};
  return slot.name;
}

}  // namespace caveat::sqlite
