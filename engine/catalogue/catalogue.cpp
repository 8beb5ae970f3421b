#include "engine/catalogue/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_set>

#include "engine/catalogue/catalogue_format.h"
#include "engine/model/bytes.h"
#include "pool/invariant.h"

namespace caveat {

using catalogue_format::kIdsPerPage;

// Open addressing with linear probing, at most half full. A slot is shown by its id, written last;
// readers that see none have come to the end of the probe.
struct Catalogue::Table {
  struct Slot {
    std::atomic<std::uint32_t> id_plus_one{0};
    PropertyHash hash = 0;
  };
  explicit Table(std::size_t size) : mask(size - 1), slots(new Slot[size]) {}
  // Hashes of names are random, but a host may have numbers of its own, with the same low bits.
  [[nodiscard]] std::size_t first(PropertyHash hash) const noexcept {
    return std::hash<ExceptionKey>{}({0, hash}) & mask;
  }

  std::size_t mask;
  std::unique_ptr<Slot[]> slots;
};

Catalogue::Catalogue() {
  tables_.push_back(std::make_unique<Table>(1024));
  table_.store(tables_.back().get(), std::memory_order_release);
}

Catalogue::~Catalogue() {
  for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);
}

std::optional<PropertyId> Catalogue::find(PropertyHash hash) const noexcept {
  const Table* table = table_.load(std::memory_order_acquire);
  for (std::size_t i = table->first(hash);; i = (i + 1) & table->mask) {
    const auto id = table->slots[i].id_plus_one.load(std::memory_order_acquire);
    if (id == 0) return std::nullopt;
    if (table->slots[i].hash == hash) return id - 1;
  }
}

void Catalogue::prefetch(PropertyHash hash) const noexcept {
  const Table* table = table_.load(std::memory_order_acquire);
  __builtin_prefetch(&table->slots[table->first(hash)]);
}

std::optional<std::string> Catalogue::name_of(PropertyHash hash) const {
  const auto of = [this](PropertyId id) -> std::optional<std::string> {
    const auto* name = entry(id)->name.load(std::memory_order_acquire);
    if (name == nullptr) return std::nullopt;
    return std::string(*name);
  };
  if (const auto id = find(hash)) return of(*id);
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(hash);
  if (found != waiting_.end()) return std::string(*found->second);
  // A fold may have given it an id since, while the lock was waited for.
  if (const auto id = find(hash)) return of(*id);
  return std::nullopt;
}

const std::string_view* Catalogue::intern(std::string_view name) {
  auto* bytes = static_cast<char*>(arena_.allocate(name.size() + 1, 1));
  std::copy(name.begin(), name.end(), bytes);
  void* place = arena_.allocate(sizeof(std::string_view), alignof(std::string_view));
  name_bytes_ += name.size() + 1 + sizeof(std::string_view);
  return new (place) std::string_view(bytes, name.size());
}

void Catalogue::reserve(std::size_t ids) {
  for (std::size_t chunk = 0; kFirstChunk * ((std::size_t{1} << chunk) - 1) < ids; ++chunk) {
    if (chunks_[chunk].load(std::memory_order_relaxed) != nullptr) continue;
    chunks_[chunk].store(new Entry[std::size_t{kFirstChunk} << chunk], std::memory_order_release);
  }
  std::size_t slots = tables_.back()->mask + 1;
  while (ids * 2 > slots) slots *= 2;
  if (slots == tables_.back()->mask + 1) return;
  auto grown = std::make_unique<Table>(slots);
  for (PropertyId old = 0; old < size(); ++old) {
    std::size_t i = grown->first(entry(old)->hash);
    while (grown->slots[i].id_plus_one.load(std::memory_order_relaxed) != 0) {
      i = (i + 1) & grown->mask;
    }
    grown->slots[i].hash = entry(old)->hash;
    grown->slots[i].id_plus_one.store(old + 1, std::memory_order_relaxed);
  }
  tables_.push_back(std::move(grown));
  table_.store(tables_.back().get(), std::memory_order_release);
}

void Catalogue::insert(PropertyHash hash, PropertyId id) noexcept {
  Table* const table = tables_.back().get();
  std::size_t i = table->first(hash);
  while (table->slots[i].id_plus_one.load(std::memory_order_relaxed) != 0) {
    i = (i + 1) & table->mask;
  }
  table->slots[i].hash = hash;
  table->slots[i].id_plus_one.store(id + 1, std::memory_order_release);
}

void Catalogue::show(PropertyId id, PropertyHash hash, const std::string_view* name) noexcept {
  CAVEAT_ASSERT(id == count_.load(std::memory_order_relaxed));
  entry(id)->hash = hash;
  entry(id)->name.store(name, std::memory_order_release);
  // First the id, then the way to it: whoever finds the hash can look the id up.
  count_.store(id + 1, std::memory_order_release);
  insert(hash, id);
}

Result<void> Catalogue::load_page(std::uint32_t page, std::string_view value) {
  return catalogue_format::read_page(
      value, [&](const catalogue_format::Entry& stored) -> Result<void> {
        if (stored.id < size()) {  // names an id that came before
          if (entry(stored.id)->hash != stored.hash || stored.name.empty()) {
            return fail(ErrorCode::corruption,
                        fmt::format("catalogue page {}: id {} twice", page, stored.id));
          }
          entry(stored.id)->name.store(intern(stored.name), std::memory_order_release);
          return {};
        }
        if (stored.id != size() || stored.id / kIdsPerPage != page || find(stored.hash)) {
          return fail(ErrorCode::corruption,
                      fmt::format("catalogue page {}: id {} out of order", page, stored.id));
        }
        reserve(stored.id + std::size_t{1});
        show(stored.id, stored.hash, stored.name.empty() ? nullptr : intern(stored.name));
        return {};
      });
}

Result<void> Catalogue::load(KvBackend& backend) {
  const std::lock_guard lock(mutex_);
  CAVEAT_TRY(load_pages(backend));
  tables_.erase(tables_.begin(), tables_.end() - 1);  // nobody reads yet
  return load_waiting(backend);
}

Result<std::optional<StorageError>> Catalogue::load_salvaged(KvBackend& backend) {
  const std::lock_guard lock(mutex_);
  std::optional<StorageError> damage;
  const auto note = [&](const Result<void>& loaded) {
    if (!loaded && !damage) damage = loaded.error();
    return loaded || loaded.error().code() == ErrorCode::corruption;
  };
  if (!note(load_pages(backend)) || !note(load_waiting(backend))) return fail(*damage);
  return damage;
}

Result<void> Catalogue::load_pages(KvBackend& backend) {
  CAVEAT_ASSIGN(auto it, backend.iterate_below(Family::meta, "D", nullptr, true));
  for (it->seek("C"); it->valid() && it->key().starts_with('C'); it->next()) {
    if (it->key().size() != 5)
      return fail(ErrorCode::corruption, "meta: catalogue key of a wrong length");
    const auto page = __builtin_bswap32(get_fixed<std::uint32_t>(it->key(), 1));
    CAVEAT_TRY(load_page(page, it->value()));
  }
  return it->status();
}

Result<void> Catalogue::load_waiting(KvBackend& backend) {
  CAVEAT_ASSIGN(auto it, backend.iterate_below(Family::meta, "O", nullptr, true));
  for (it->seek("N"); it->valid() && it->key().starts_with('N'); it->next()) {
    if (it->key().size() != 9 || it->value().size() > kMaxPropertyNameBytes) {
      return fail(ErrorCode::corruption, "meta: waiting name of a wrong length");
    }
    const PropertyHash hash = get_big_endian(it->key(), 1);
    if (hash_property(it->value()) != hash) {
      return fail(ErrorCode::corruption,
                  fmt::format("meta: the name under {:#018x} has another hash", hash));
    }
    waiting_[hash] = intern(it->value());
  }
  return it->status();
}

std::size_t Catalogue::property_count() const {
  const std::lock_guard lock(mutex_);
  return size() + waiting_.size();
}

Result<void> Catalogue::add_names(std::span<const std::string_view> names, KvBackend& backend,
                                  Durability durability) {
  // Nearly always all are known, which takes no lock.
  std::vector<std::pair<PropertyHash, std::string_view>> unknown;
  const auto collision = [](std::string_view a, std::string_view b) {
    return fail(ErrorCode::hash_collision,
                fmt::format("property names \"{}\" and \"{}\" have one hash", a, b));
  };
  for (const auto name : names) {
    if (name.empty()) return fail(ErrorCode::invalid_argument, "property name is empty");
    if (name.size() > kMaxPropertyNameBytes) {
      return fail(ErrorCode::limit_exceeded,
                  fmt::format("property name of {} bytes; the limit is {}", name.size(),
                              kMaxPropertyNameBytes));
    }
    const PropertyHash hash = hash_property(name);
    if (const auto id = find(hash)) {
      const auto* known = entry(*id)->name.load(std::memory_order_acquire);
      if (known != nullptr) {
        if (*known != name) return collision(*known, name);
        continue;
      }
    }
    unknown.emplace_back(hash, name);
  }
  if (unknown.empty()) return {};
  // In the order of keys, which a memtable takes several times as fast as any other.
  std::sort(unknown.begin(), unknown.end());

  const std::lock_guard lock(mutex_);
  KvBatch batch;
  std::vector<std::pair<PropertyHash, std::string_view>> fresh;
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    const auto& [hash, name] = unknown[i];
    if (i > 0 && unknown[i - 1].first == hash) {
      if (unknown[i - 1].second != name) return collision(unknown[i - 1].second, name);
      continue;
    }
    if (const auto found = waiting_.find(hash); found != waiting_.end()) {
      if (*found->second != name) return collision(*found->second, name);
      continue;
    }
    if (const auto id = find(hash)) {
      const auto* known = entry(*id)->name.load(std::memory_order_acquire);
      if (known != nullptr) {
        if (*known != name) return collision(*known, name);
        continue;
      }
      std::string segment;
      catalogue_format::append_segments({{*id, hash, name}}, segment);
      batch.append(Family::meta, catalogue_format::page_key(*id / kIdsPerPage), segment);
    } else {
      batch.put(Family::meta, catalogue_format::waiting_key(hash), name);
    }
    fresh.emplace_back(hash, name);
  }
  if (fresh.empty()) return {};
  // All that takes memory, before it is written.
  std::map<PropertyHash, const std::string_view*> kept;
  for (const auto& [hash, name] : fresh) kept.emplace(hash, intern(name));
  CAVEAT_TRY(backend.write(batch, durability));
  for (auto next = kept.begin(); next != kept.end();) {
    const auto here = next++;
    if (const auto id = find(here->first)) {
      entry(*id)->name.store(here->second, std::memory_order_release);
      kept.erase(here);
    }
  }
  waiting_.merge(kept);
  return {};
}

Result<void> Catalogue::assign(std::span<const PropertyHash> hashes, KvBackend& backend) {
  struct Fresh {
    PropertyHash hash;
    const std::string_view* name;
  };
  std::vector<Fresh> fresh;
  std::unordered_set<PropertyHash> seen;
  for (const auto hash : hashes) {
    if (!find(hash) && seen.insert(hash).second) fresh.push_back({hash, nullptr});
  }
  if (fresh.empty()) return {};

  const std::lock_guard lock(mutex_);
  if (size() + fresh.size() > kPropertiesMax) {
    return fail(ErrorCode::limit_exceeded,
                fmt::format("more than {} properties in one store", kPropertiesMax));
  }
  for (auto& property : fresh) {
    if (const auto found = waiting_.find(property.hash); found != waiting_.end()) {
      property.name = found->second;
    }
  }
  // Related names lie together: their ids, and with them the columns of ids, compress better.
  std::sort(fresh.begin(), fresh.end(), [](const Fresh& a, const Fresh& b) {
    if (a.name == nullptr || b.name == nullptr) {
      return a.name == b.name ? a.hash < b.hash : a.name != nullptr;
    }
    return *a.name < *b.name;
  });

  KvBatch batch;
  // In the order of keys, which a memtable takes several times as fast as any other.
  std::vector<PropertyHash> named;
  for (const auto& property : fresh) {
    if (property.name != nullptr) named.push_back(property.hash);
  }
  std::sort(named.begin(), named.end());
  for (const auto hash : named) batch.erase(Family::meta, catalogue_format::waiting_key(hash));
  std::vector<catalogue_format::Entry> entries;
  std::string segment;
  const PropertyId first = size();
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const auto id = static_cast<PropertyId>(first + i);
    entries.push_back({id, fresh[i].hash, fresh[i].name ? *fresh[i].name : std::string_view{}});
    if (i + 1 == fresh.size() || (id + 1) % kIdsPerPage == 0) {
      segment.clear();
      catalogue_format::append_segments(entries, segment);
      batch.append(Family::meta, catalogue_format::page_key(id / kIdsPerPage), segment);
      entries.clear();
    }
  }
  reserve(first + fresh.size());
  CAVEAT_TRY(backend.write(batch, Durability::wal));
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    show(static_cast<PropertyId>(first + i), fresh[i].hash, fresh[i].name);
    waiting_.erase(fresh[i].hash);
  }
  return {};
}

std::size_t Catalogue::memory_bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = name_bytes_ + waiting_.size() * 64;
  for (const auto& table : tables_) bytes += (table->mask + 1) * sizeof(Table::Slot);
  for (std::size_t k = 0; k < kChunks; ++k) {
    if (chunks_[k].load(std::memory_order_relaxed) != nullptr) {
      bytes += (std::size_t{kFirstChunk} << k) * sizeof(Entry);
    }
  }
  return bytes;
}

}  // namespace caveat
