#include "engine/store/dictionary_set.h"

#include <fmt/format.h>

#include "engine/model/bytes.h"
#include "engine/model/checksum.h"

namespace caveat {

namespace {

constexpr std::uint32_t kMagic = 0x445A5643;  // "CVZD"
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 24;
constexpr std::size_t kChecksumOffset = 16;
constexpr std::size_t kDictionaryBytesMax = std::size_t{8} << 20;

std::string dictionary_key(std::uint32_t id) {
  std::string key = "Z";
  put_fixed(key, __builtin_bswap32(id));
  return key;
}

void encode(const CompressionDictionary& dictionary, std::string& out) {
  put_fixed(out, kMagic);
  put_fixed(out, kVersion);
  out.append(3, '\0');
  put_fixed(out, dictionary.id);
  put_fixed(out, static_cast<std::uint32_t>(dictionary.bytes.size()));
  put_fixed(out, std::uint64_t{0});
  out.append(dictionary.bytes);
  set_fixed(out, kChecksumOffset, checksum_around(out, kChecksumOffset, 8));
}

// Null where it is damaged.
std::shared_ptr<const CompressionDictionary> decode(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || bytes.size() > kHeaderBytes + kDictionaryBytesMax ||
      get_fixed<std::uint32_t>(bytes, 0) != kMagic ||
      static_cast<std::uint8_t>(bytes[4]) != kVersion || bytes[5] != 0 || bytes[6] != 0 ||
      bytes[7] != 0 || get_fixed<std::uint32_t>(bytes, 12) != bytes.size() - kHeaderBytes ||
      get_fixed<std::uint64_t>(bytes, kChecksumOffset) !=
          checksum_around(bytes, kChecksumOffset, 8)) {
    return nullptr;
  }
  return make_dictionary(get_fixed<std::uint32_t>(bytes, 8),
                         std::string(bytes.substr(kHeaderBytes)));
}

}  // namespace

Result<void> DictionarySet::load(KvBackend& backend) {
  CAVEAT_ASSIGN(auto it, backend.iterate_below(Family::meta, "[", nullptr, true));
  const std::unique_lock lock(mutex_);
  for (it->seek("Z"); it->valid() && it->key().starts_with('Z'); it->next()) {
    if (it->key().size() != 5) continue;
    const auto id = __builtin_bswap32(get_fixed<std::uint32_t>(it->key(), 1));
    next_id_ = std::max(next_id_, id + 1);
    if (it->value().empty()) emptied_ = id;
    auto dictionary = decode(it->value());
    if (!dictionary || dictionary->id != id) continue;
    current_ = dictionary;
    dictionaries_.emplace(id, std::move(dictionary));
  }
  return it->status();
}

Result<std::shared_ptr<const CompressionDictionary>> DictionarySet::dictionary(
    std::uint32_t id) const {
  const std::shared_lock lock(mutex_);
  const auto found = dictionaries_.find(id);
  if (found == dictionaries_.end()) {
    return fail(ErrorCode::corruption, fmt::format("dictionary {} is missing or damaged", id));
  }
  return found->second;
}

std::shared_ptr<const CompressionDictionary> DictionarySet::current() const {
  const std::shared_lock lock(mutex_);
  return current_;
}

std::uint32_t DictionarySet::next_id() const {
  const std::shared_lock lock(mutex_);
  return next_id_;
}

Result<void> DictionarySet::add(CompressionDictionary dictionary, KvBackend& backend) {
  std::string value;
  encode(dictionary, value);
  KvBatch batch;
  batch.put(Family::meta, dictionary_key(dictionary.id), value);
  if (emptied_) batch.erase(Family::meta, dictionary_key(*emptied_));
  auto made = make_dictionary(dictionary.id, std::move(dictionary.bytes));
  CAVEAT_TRY(backend.write(batch, Durability::wal));
  const std::unique_lock lock(mutex_);
  emptied_.reset();
  next_id_ = std::max(next_id_, made->id + 1);
  // First where readers look: nothing may be encoded with what is not there.
  dictionaries_[made->id] = made;
  current_ = std::move(made);
  return {};
}

Result<void> DictionarySet::drop_below(std::uint32_t end, std::uint32_t id, KvBackend& backend) {
  const auto dropped = [&](std::uint32_t old) { return old < end && old != id; };
  KvBatch batch;
  auto emptied = emptied_;
  {
    const std::shared_lock lock(mutex_);
    for (const auto& [old, unused] : dictionaries_) {
      if (!dropped(old)) continue;
      if (old + 1 != next_id_) {
        batch.erase(Family::meta, dictionary_key(old));
        continue;
      }
      // Or the next open would begin with this id again.
      batch.put(Family::meta, dictionary_key(old), {});
      emptied = old;
    }
  }
  if (batch.empty()) return {};
  CAVEAT_TRY(backend.write(batch, Durability::wal));
  const std::unique_lock lock(mutex_);
  emptied_ = emptied;
  std::erase_if(dictionaries_, [&](const auto& entry) { return dropped(entry.first); });
  if (current_ && dropped(current_->id)) current_ = nullptr;
  return {};
}

std::size_t DictionarySet::size() const {
  const std::shared_lock lock(mutex_);
  return dictionaries_.size();
}

std::size_t DictionarySet::memory_bytes() const {
  const std::shared_lock lock(mutex_);
  std::size_t bytes = 0;
  // The digested forms: a DDict a quarter larger than its bytes, one CDict about four times.
  for (const auto& [id, dictionary] : dictionaries_) bytes += dictionary->bytes.size() * 9 / 4;
  if (current_) bytes += current_->bytes.size() * 4;
  return bytes;
}

}  // namespace caveat
