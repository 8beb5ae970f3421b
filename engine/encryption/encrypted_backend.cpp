// Reading and writing through envelopes.
#include "engine/encryption/encrypted_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/encryption/encrypted_iterator.h"
#include "engine/encryption/encrypted_observer.h"

namespace caveat {

namespace {

// Taken at a time, so that the sheet is written once an open.
constexpr std::uint64_t kNumbersLot = std::uint64_t{1} << 32;

bool adds(const KvBatch::Entry& entry) noexcept {
  return entry.op == KvBatch::Op::put || entry.op == KvBatch::Op::append;
}

}  // namespace

EncryptedBackend::EncryptedBackend(std::unique_ptr<KvBackend> inner,
                                   std::shared_ptr<const Cipher> cipher, KeySheet sheet,
                                   KeyList keys)
    : inner_(std::move(inner)),
      cipher_(std::move(cipher)),
      store_id_(sheet.store_id),
      keys_(std::move(keys)),
      current_(sheet.key_ids.front()),
      finder_([this](KeyId id) { return find_key(id); }),
      sheet_(std::move(sheet)) {}

EncryptedBackend::~EncryptedBackend() {
  inner_->set_observer(nullptr);
}

const SecretKey* EncryptedBackend::find_key(KeyId id) const noexcept {
  for (const auto& [known, key] : keys_) {
    if (known == id) return &key;
  }
  return nullptr;
}

Result<void> EncryptedBackend::open_value(Family family, std::string_view key,
                                          std::string& value) const {
  return open_envelopes(*cipher_, finder_, {store_id_, family, key}, value);
}

// --- Numbers ---

Result<void> EncryptedBackend::write_sheet(const KeySheet& sheet, Durability durability) {
  CAVEAT_ASSIGN(const std::string bytes, encode_key_sheet(sheet, keys_, *cipher_));
  KvBatch batch;
  batch.put(Family::meta, kKeySheetKey, bytes);
  CAVEAT_TRY(inner_->write(batch, durability));
  sheet_ = sheet;
  return {};
}

// A number is used only after the sheet that reserves it was written, and what survives of a log is
// a prefix: so no later process finds one free that has been used.
Result<void> EncryptedBackend::begin_numbers() {
  const std::lock_guard lock(sheet_mutex_);
  KeySheet sheet = sheet_;
  if (sheet.numbers_end > ~std::uint64_t{0} - 2 * kNumbersLot) {
    return fail(ErrorCode::limit_exceeded,
                "key sheet: all numbers are taken; dump the store into "
                "a new one");
  }
  next_number_ = sheet.numbers_end;
  sheet.numbers_end += kNumbersLot;
  CAVEAT_TRY(write_sheet(sheet, Durability::fsync));
  numbers_end_ = sheet.numbers_end;
  return {};
}

Result<std::uint64_t> EncryptedBackend::take_numbers(std::uint64_t count) {
  const std::uint64_t first = next_number_.fetch_add(count, std::memory_order_relaxed);
  while (first + count > numbers_end_.load(std::memory_order_acquire)) {
    const std::lock_guard lock(sheet_mutex_);
    if (first + count <= numbers_end_.load(std::memory_order_relaxed)) break;
    KeySheet sheet = sheet_;
    sheet.numbers_end += kNumbersLot;
    CAVEAT_TRY(write_sheet(sheet, Durability::wal));
    numbers_end_.store(sheet.numbers_end, std::memory_order_release);
  }
  return first;
}

// --- Writing ---

Result<void> EncryptedBackend::seal_into(KvBatch& out, const KvBatch& batch) {
  std::uint64_t values = 0;
  for (std::size_t i = 0; i < batch.count(); ++i) values += adds(batch.entry(i)) ? 1 : 0;
  EnvelopeHeader header;
  header.key_id = current_;
  std::array<char, kRandomBytes> random{};
  if (values != 0) {
    CAVEAT_ASSIGN(header.number, take_numbers(values));
    CAVEAT_TRY(cipher_->random(random));
  }
  const SecretKey& key = keys_.front().second;
  std::string sealed;
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    if (adds(entry)) {
      sealed.clear();
      header.kind = entry.op == KvBatch::Op::put ? EnvelopeKind::put : EnvelopeKind::append;
      CAVEAT_TRY(append_envelope(*cipher_, key, header, {random.data(), random.size()},
                                 {store_id_, entry.family, entry.key}, entry.value, sealed));
      ++header.number;
    }
    switch (entry.op) {
      case KvBatch::Op::put:
        out.put(entry.family, entry.key, sealed);
        break;
      case KvBatch::Op::append:
        out.append(entry.family, entry.key, sealed);
        break;
      case KvBatch::Op::erase:
        out.erase(entry.family, entry.key);
        break;
      case KvBatch::Op::erase_range:
        out.erase_range(entry.family, entry.key, entry.value);
        break;
    }
  }
  return {};
}

// A pass that goes through all families knows nothing of those that are being made anew: what it
// has read of one must be written before that is emptied, or read after it.
Result<void> EncryptedBackend::clear(Family family) {
  const std::lock_guard turn(turnstile_);
  const std::unique_lock alone(write_mutex_);
  return inner_->clear(family);
}

Result<void> EncryptedBackend::write(const KvBatch& batch, Durability durability) {
  std::unique_lock turn(turnstile_);
  const std::shared_lock shared(write_mutex_);
  turn.unlock();
  std::unique_lock order(order_mutex_, std::defer_lock);
  for (std::size_t i = 0; i < batch.count(); ++i) {
    const KvBatch::Entry entry = batch.entry(i);
    if (entry.family != Family::delta || entry.op == KvBatch::Op::append) {
      order.lock();
      break;
    }
  }
  KvBatch sealed;
  CAVEAT_TRY(seal_into(sealed, batch));
  return inner_->write(sealed, durability);
}

// --- Reading ---

Result<bool> EncryptedBackend::get(Family family, std::string_view key, const KvSnapshot* snapshot,
                                   std::string& value) {
  CAVEAT_ASSIGN(const bool found, inner_->get(family, key, snapshot, value));
  if (found) CAVEAT_TRY(open_value(family, key, value));
  return found;
}

Result<void> EncryptedBackend::multi_get(Family family, std::span<const std::string_view> keys,
                                         const KvSnapshot* snapshot, std::span<std::string> values,
                                         std::span<bool> found) {
  CAVEAT_TRY(inner_->multi_get(family, keys, snapshot, values, found));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (found[i] && !open_value(family, keys[i], values[i])) values[i] = kRefusedValue;
  }
  return {};
}

Result<std::unique_ptr<KvIterator>> EncryptedBackend::iterate(Family family,
                                                              const KvSnapshot* snapshot,
                                                              bool readahead) {
  CAVEAT_ASSIGN(auto inner, inner_->iterate(family, snapshot, readahead));
  return std::make_unique<EncryptedIterator>(*this, family, std::move(inner));
}

Result<std::unique_ptr<KvIterator>> EncryptedBackend::iterate_below(Family family,
                                                                    std::string_view end,
                                                                    const KvSnapshot* snapshot,
                                                                    bool readahead) {
  CAVEAT_ASSIGN(auto inner, inner_->iterate_below(family, end, snapshot, readahead));
  return std::make_unique<EncryptedIterator>(*this, family, std::move(inner));
}

void EncryptedBackend::set_observer(KvObserver* observer) {
  auto wrapped =
      observer == nullptr ? nullptr : std::make_unique<EncryptedObserver>(*this, *observer);
  // When this returns, no callback of the one before is running.
  inner_->set_observer(wrapped.get());
  observer_ = std::move(wrapped);
}

}  // namespace caveat
