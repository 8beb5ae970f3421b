// Walks over every stored value, and writes again what is not under the current key.
//
// A step reads a few MiB and writes what is due of it while nobody else writes: what it puts is
// what lies there. The plain bytes stay the same, so nobody who reads has to know.
#include <algorithm>
#include <map>

#include "caveat/ports.h"
#include "engine/encryption/encrypted_backend.h"

namespace caveat {

namespace {

constexpr std::size_t kStepBytes = std::size_t{4} << 20;

tl::unexpected<StorageError> cancelled() {
  return fail(ErrorCode::cancelled, "encrypting anew: stopped by its caller; what was done stays");
}

// Calls `use` with each envelope's header; false where the value is none of ours.
template <class Use>
bool for_each_header(std::string_view value, const Use& use) {
  do {
    const auto header = read_envelope_header(value);
    if (!header) return false;
    use(*header);
    value.remove_prefix(header->envelope_bytes());
  } while (!value.empty());
  return true;
}

}  // namespace

// Due: `value` is opened, or plain as it was.
Result<bool> EncryptedBackend::needs_pass(Pass pass, Family family, std::string_view key,
                                          std::string& value, Reencryption& done) const {
  if (family == Family::meta && key == kKeySheetKey) return false;
  if (pass == Pass::convert) {
    // A plain value may look like an envelope; only one that opens is one.
    std::string plain = value;
    return !open_value(family, key, plain);
  }
  bool older = false;
  const bool whole = for_each_header(
      value, [&](const EnvelopeHeader& header) { older = older || header.key_id != current_; });
  if (whole && !older) return false;
  auto opened = open_value(family, key, value);
  if (opened) return true;
  ++done.unreadable;
  if (!done.first_unreadable) done.first_unreadable = opened.error();
  return false;
}

Result<void> EncryptedBackend::step(Pass pass, Family family, std::optional<std::string>& at,
                                    Reencryption& done) {
  const std::lock_guard turn(turnstile_);
  const std::unique_lock alone(write_mutex_);
  CAVEAT_ASSIGN(auto it, inner_->iterate(family, nullptr, /*readahead=*/true));
  KvBatch plain;
  std::size_t bytes = 0;
  it->seek(*at);
  for (; it->valid() && bytes < kStepBytes; it->next()) {
    std::string value(it->value());
    bytes += value.size() + it->key().size();
    CAVEAT_ASSIGN(const bool due, needs_pass(pass, family, it->key(), value, done));
    if (!due) continue;
    plain.put(family, it->key(), value);
    ++done.values;
  }
  CAVEAT_TRY(it->status());
  at = it->valid() ? std::optional(std::string(it->key())) : std::nullopt;
  if (plain.empty()) return {};
  KvBatch sealed;
  CAVEAT_TRY(seal_into(sealed, plain));
  return inner_->write(sealed, Durability::wal);
}

Result<void> EncryptedBackend::pass(Pass pass, Family family, const OnStep& on_step,
                                    Reencryption& done) {
  std::optional<std::string> at = std::string();
  while (at) {
    if (on_step && !on_step(family, done.values)) return cancelled();
    CAVEAT_TRY(step(pass, family, at, done));
  }
  return {};
}

bool EncryptedBackend::rotating() const {
  const std::lock_guard lock(sheet_mutex_);
  return sheet_.key_ids.size() > 1;
}

Result<EncryptedBackend::Reencryption> EncryptedBackend::reencrypt(const OnStep& on_step) {
  Reencryption done;
  for (const Family family : kFamilies) CAVEAT_TRY(pass(Pass::reencrypt, family, on_step, done));
  return done;
}

Result<void> EncryptedBackend::forget_older_keys() {
  const std::lock_guard lock(sheet_mutex_);
  KeySheet sheet = sheet_;
  sheet.key_ids.resize(1);
  return write_sheet(sheet, Durability::fsync);
}

Result<void> EncryptedBackend::convert(ProgressSink* progress) {
  Reencryption done;
  const auto go_on = [&](std::string_view stage) {
    return progress == nullptr || progress->on_progress({stage, done.values, 0});
  };
  for (const Family family : kFamilies) {
    const auto on_step = [&](Family, std::uint64_t) { return go_on("encrypt"); };
    CAVEAT_TRY(pass(Pass::convert, family, on_step, done));
  }
  // The plain values are superseded; their bytes go with the files and the log.
  for (const Family family : kFamilies) {
    CAVEAT_TRY(inner_->compact(family, [&] { return go_on("compact"); }));
  }
  CAVEAT_TRY(inner_->flush());
  const std::lock_guard lock(sheet_mutex_);
  KeySheet sheet = sheet_;
  sheet.converting = false;
  return write_sheet(sheet, Durability::fsync);
}

Result<std::vector<KeyUsage>> EncryptedBackend::usage() const {
  std::map<KeyId, KeyUsage> by_key;
  // Families are emptied beside it: not while an iterator is being made.
  const auto iterate = [&](Family family) {
    std::unique_lock turn(turnstile_);
    const std::shared_lock shared(write_mutex_);
    turn.unlock();
    return inner_->iterate(family, nullptr, /*readahead=*/true);
  };
  for (const Family family : kFamilies) {
    CAVEAT_ASSIGN(auto it, iterate(family));
    for (it->seek_to_first(); it->valid(); it->next()) {
      if (family == Family::meta && it->key() == kKeySheetKey) continue;
      KeyId last = 0;
      const bool whole = for_each_header(it->value(), [&](const EnvelopeHeader& header) {
        KeyUsage& usage = by_key[header.key_id];
        usage.bytes += header.envelope_bytes();
        // A value counts for each key that it needs.
        if (std::exchange(last, header.key_id) != header.key_id) ++usage.values;
      });
      if (whole) continue;
      ++by_key[0].values;  // damaged, for nothing plain is ever read
      by_key[0].bytes += it->value().size();
    }
    CAVEAT_TRY(it->status());
  }
  {
    // Also without a value, as where a rotation was cut short near its end: who takes that for one
    // that is not needed cannot open the store any more.
    const std::lock_guard lock(sheet_mutex_);
    for (const KeyId id : sheet_.key_ids) by_key.try_emplace(id);
  }
  std::vector<KeyUsage> list;
  for (auto& [id, usage] : by_key) {
    usage.key_id = id;
    usage.current = id == current_;
    list.push_back(usage);
  }
  return list;
}

}  // namespace caveat
