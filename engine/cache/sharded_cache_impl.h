// The bodies of ShardedCache; included by sharded_cache.h.
#pragma once

namespace caveat {

template <class Key, class Value>
ShardedCache<Key, Value>::ShardedCache(const CacheOptions& options)
    : sketch_(options.capacity_bytes / options.typical_entry_bytes * options.remembered_factor),
      shard_count_(std::bit_floor(std::clamp<std::size_t>(
          options.capacity_bytes / options.typical_entry_bytes / kEntriesInShardMin, 1,
          kShardsMax))),
      shards_(std::make_unique<Shard[]>(shard_count_)),
      capacity_bytes_(options.capacity_bytes) {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    shards_[i].limit_bytes = shard_limit(options.capacity_bytes);
  }
}

template <class Key, class Value>
ShardedCache<Key, Value>::~ShardedCache() {
  clear();
  for (std::size_t i = 0; i < shard_count_; ++i) CAVEAT_ASSERT(shards_[i].retired == nullptr);
}

template <class Key, class Value>
template <class Test>
typename ShardedCache<Key, Value>::Pinned ShardedCache<Key, Value>::lookup_if(
    const Key& key, Test&& valid) const noexcept {
  const std::uint64_t hash = hash_of(key);
  const Table* table = shard_of(hash).table.load(std::memory_order_acquire);
  if (table != nullptr) {
    HazardPtr<Entry> entry = table->find(key, hash);
    if (entry && valid(*entry->value)) {
      const std::uint8_t heat = entry->heat.load(std::memory_order_relaxed);
      if (heat < kHeatMax) {
        entry->heat.store(static_cast<std::uint8_t>(heat + 1), std::memory_order_relaxed);
      }
      counters_.add(kHits);
      return Pinned(std::move(entry));
    }
  }
  counters_.add(kMisses);
  return {};
}

template <class Key, class Value>
bool ShardedCache<Key, Value>::insert(const Key& key, std::shared_ptr<const Value> value,
                                      std::size_t value_bytes, Admission admission) noexcept {
  CAVEAT_ASSERT(value != nullptr);
  // A touch even when admitted at once: what is evicted too soon comes back at its next touch.
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const unsigned touches =
      admission == Admission::room ? 0 : sketch_.touch(Traits::touch_hash(key));
  const unsigned due =
      admission == Admission::earned ? shard.touches_to_earn.load(std::memory_order_relaxed) : 2;
  const bool proven = touches >= due;
  if (!proven && (admission == Admission::second_touch || admission == Admission::earned))
    return false;
  const bool may_evict = admission == Admission::now ||
                         (admission != Admission::room_or_cold && proven && touches > 1);
  const bool may_evict_cold = admission == Admission::room_or_cold && proven;
  if (!may_evict && !may_evict_cold && shard.full.load(std::memory_order_relaxed)) return false;
  const std::size_t charge = value_bytes + kEntryOverhead;
  std::unique_ptr<Entry> entry(new (std::nothrow) Entry(key, hash, std::move(value), charge));
  if (entry == nullptr) return false;

  Entry* dead = nullptr;
  bool kept = false;
  {
    const std::lock_guard lock(shard.mutex);
    Table* table = shard.table.load(std::memory_order_relaxed);
    Entry* const old = table == nullptr ? nullptr : table->find_owned(key, hash);
    const std::size_t more = charge - std::min(charge, old == nullptr ? 0 : old->charge);
    const bool room = has_room(shard, more);
    if (room || charge <= shard.limit_bytes / 16) {  // a large one alone proves nothing
      shard.full.store(!room, std::memory_order_relaxed);
    }
    // One entry must not flush a shard.
    const bool fits = charge <= shard.limit_bytes / 4 &&
                      (room || may_evict || (may_evict_cold && evict_cold(shard, more, old)));
    const bool supersedes = admission == Admission::now || admission == Admission::second_touch;
    if ((fits || supersedes) && old != nullptr) {
      entry->heat.store(old->heat.load(std::memory_order_relaxed), std::memory_order_relaxed);
      retire(shard, old);
    }
    if (fits && grow_table(shard, dead) && make_room(shard, charge, dead)) {
      link(shard, entry.get());
      shard.table.load(std::memory_order_relaxed)->add(entry.release());
      kept = true;
    }
    reclaim(shard, dead);
    note_fill(shard);
  }
  free_all(dead);
  return kept;
}

template <class Key, class Value>
bool ShardedCache<Key, Value>::erase(const Key& key) noexcept {
  const std::uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  Entry* dead = nullptr;
  Entry* found = nullptr;
  {
    const std::lock_guard lock(shard.mutex);
    Table* table = shard.table.load(std::memory_order_relaxed);
    if (table != nullptr) found = table->find_owned(key, hash);
    if (found != nullptr) retire(shard, found);
    shard.full.store(false, std::memory_order_relaxed);
    reclaim(shard, dead);
    note_fill(shard);
  }
  free_all(dead);
  return found != nullptr;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::clear() noexcept {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    Entry* dead = nullptr;
    {
      const std::lock_guard lock(shard.mutex);
      while (shard.oldest != nullptr) retire(shard, shard.oldest);
      shard.full.store(false, std::memory_order_relaxed);
      reclaim(shard, dead);
      note_fill(shard);
    }
    free_all(dead);
  }
}

template <class Key, class Value>
void ShardedCache<Key, Value>::set_capacity(std::size_t capacity_bytes) noexcept {
  capacity_bytes_.store(capacity_bytes, std::memory_order_relaxed);
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    Entry* dead = nullptr;
    {
      const std::lock_guard lock(shard.mutex);
      shard.limit_bytes = shard_limit(capacity_bytes);
      shard.full.store(false, std::memory_order_relaxed);
      static_cast<void>(make_room(shard, 0, dead));
      note_fill(shard);
    }
    free_all(dead);
  }
}

// Evicts until `bytes` more fit. False if tables and pinned entries alone are too much.
template <class Key, class Value>
bool ShardedCache<Key, Value>::make_room(Shard& shard, std::size_t bytes, Entry*& dead) noexcept {
  const auto fits = [&](std::size_t used) { return used + bytes <= shard.limit_bytes; };
  while (!fits(shard.used_bytes())) {
    while (shard.oldest != nullptr && !fits(shard.table_bytes + shard.live_bytes)) {
      evict_one(shard);
    }
    reclaim(shard, dead);
    if (fits(shard.used_bytes())) break;
    // What pins hold counts until it is freed: make up for it elsewhere.
    if (shard.oldest == nullptr) return false;
    evict_one(shard);
  }
  return true;
}

// Evicts entries that nobody asked for since the hand passed them, if `bytes` more fit then. Else
// all stay; the oldest cool a little, so that what nobody asks for any more does not stay for ever.
template <class Key, class Value>
bool ShardedCache<Key, Value>::evict_cold(Shard& shard, std::size_t bytes,
                                          const Entry* but) noexcept {
  const std::size_t used = shard.used_bytes() + bytes;
  const std::size_t wanted = used - std::min(used, shard.limit_bytes);
  const auto is_cold = [&](const Entry* entry) {
    return entry != but && entry->heat.load(std::memory_order_relaxed) == 0;
  };
  std::size_t cold = 0;
  unsigned seen = 0;
  for (const Entry* entry = shard.oldest; entry != nullptr && cold < wanted && seen < kColdAmong;
       entry = entry->next, ++seen) {
    if (is_cold(entry)) cold += entry->charge;
  }
  if (cold < wanted) {
    for (unsigned i = 0; i < kCooledInVain && shard.oldest != nullptr; ++i) cool_oldest(shard);
    return false;
  }
  Entry* next = shard.oldest;
  for (std::size_t gone = 0; gone < wanted && next != nullptr;) {
    Entry* const entry = std::exchange(next, next->next);
    if (!is_cold(entry)) continue;
    gone += entry->charge;
    retire(shard, entry);
    ++shard.evictions;
  }
  return true;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::note_fill(Shard& shard) noexcept {
  const std::size_t used = shard.used_bytes();
  const std::uint8_t due = used < shard.limit_bytes / 16 ? 1 : used < shard.limit_bytes / 8 ? 4 : 8;
  shard.touches_to_earn.store(due, std::memory_order_relaxed);
  shard.half_empty.store(used < shard.limit_bytes / 2, std::memory_order_relaxed);
}

template <class Key, class Value>
bool ShardedCache<Key, Value>::has_room(const Shard& shard, std::size_t bytes) noexcept {
  const Table* table = shard.table.load(std::memory_order_relaxed);
  const std::size_t size = table == nullptr ? 0 : table->size();
  if ((shard.count + 1) * 4 > size * 3) {
    bytes += Table::bytes(std::max(size * 2, kTableSizeMin));
  }
  return shard.used_bytes() + bytes <= shard.limit_bytes;
}

// Makes sure that one more entry finds a free slot, with a quarter of the slots left over.
template <class Key, class Value>
bool ShardedCache<Key, Value>::grow_table(Shard& shard, Entry*& dead) noexcept {
  Table* old = shard.table.load(std::memory_order_relaxed);
  if (old != nullptr && (shard.count + 1) * 4 <= old->size() * 3) return true;
  const std::size_t size = old == nullptr ? kTableSizeMin : old->size() * 2;
  // Where a larger table does not fit, the number of entries stays as it is.
  if (shard.table_bytes + Table::bytes(size) > shard.limit_bytes / 4 ||
      !make_room(shard, Table::bytes(size), dead)) {
    if (old == nullptr || shard.oldest == nullptr) return old != nullptr;
    evict_one(shard);
    return true;
  }
  std::unique_ptr<Table> table = Table::make(size);
  if (table == nullptr) return false;
  for (Entry* each = shard.oldest; each != nullptr; each = each->next) table->add(each);
  shard.table_bytes += Table::bytes(size);
  shard.table.store(table.get(), std::memory_order_release);
  // Readers may still be in the old one, so it stays; all old ones together are smaller than the
  // new one. Emptied, so that nobody can pin through it what is retired later.
  if (old != nullptr) old->clear();
  table->set_older(std::move(shard.tables));
  shard.tables = std::move(table);
  return true;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::link(Shard& shard, Entry* entry) noexcept {
  entry->previous = shard.newest;
  entry->next = nullptr;
  (shard.newest != nullptr ? shard.newest->next : shard.oldest) = entry;
  shard.newest = entry;
  shard.live_bytes += entry->charge;
  ++shard.count;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::unlink(Shard& shard, Entry* entry) noexcept {
  (entry->previous != nullptr ? entry->previous->next : shard.oldest) = entry->next;
  (entry->next != nullptr ? entry->next->previous : shard.newest) = entry->previous;
  shard.live_bytes -= entry->charge;
  --shard.count;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::retire(Shard& shard, Entry* entry) noexcept {
  shard.table.load(std::memory_order_relaxed)->remove(entry);
  unlink(shard, entry);
  entry->next = shard.retired;
  shard.retired = entry;
  shard.retired_bytes += entry->charge;
}

// The hand passes over it: it cools by one, and queues again.
template <class Key, class Value>
void ShardedCache<Key, Value>::cool_oldest(Shard& shard) noexcept {
  Entry* const entry = shard.oldest;
  const std::uint8_t heat = entry->heat.load(std::memory_order_relaxed);
  if (heat != 0) {
    entry->heat.store(static_cast<std::uint8_t>(heat - 1), std::memory_order_relaxed);
  }
  if constexpr (requires { entry->value->grow_older(); }) entry->value->grow_older();
  unlink(shard, entry);
  link(shard, entry);
}

template <class Key, class Value>
void ShardedCache<Key, Value>::evict_one(Shard& shard) noexcept {
  // Readers may heat entries as fast as the hand cools them: after a few rounds one goes anyway.
  for (std::size_t steps = shard.count * (kHeatMax + 1); steps > 0; --steps) {
    if (shard.oldest->heat.load(std::memory_order_relaxed) == 0) break;
    cool_oldest(shard);
  }
  retire(shard, shard.oldest);
  ++shard.evictions;
}

template <class Key, class Value>
void ShardedCache<Key, Value>::reclaim(Shard& shard, Entry*& dead) noexcept {
  if (shard.retired == nullptr) return;
  HazardDomain::for_each_pinned([&](const void* pinned) {
    for (Entry* each = shard.retired; each != nullptr; each = each->next) {
      if (each == pinned) each->pinned = true;
    }
  });
  Entry** at = &shard.retired;
  while (Entry* each = *at) {
    if (std::exchange(each->pinned, false)) {
      at = &each->next;
      continue;
    }
    *at = each->next;
    shard.retired_bytes -= each->charge;
    each->next = dead;
    dead = each;
  }
}

template <class Key, class Value>
void ShardedCache<Key, Value>::free_all(Entry* dead) noexcept {
  while (dead != nullptr) delete std::exchange(dead, dead->next);
}

template <class Key, class Value>
std::size_t ShardedCache<Key, Value>::bytes() const noexcept {
  std::size_t sum = sketch_.bytes();
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    sum += shards_[i].used_bytes();
  }
  return sum;
}

template <class Key, class Value>
CacheStatistics ShardedCache<Key, Value>::statistics() const noexcept {
  CacheStatistics result;
  result.hits = counters_.sum(kHits);
  result.misses = counters_.sum(kMisses);
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const std::lock_guard lock(shards_[i].mutex);
    result.evictions += shards_[i].evictions;
  }
  result.bytes = bytes();
  result.capacity_bytes = capacity_bytes_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace caveat
