// The property catalogue: hash -> small dense id, and name where one is known.
//
// Ids are what blocks and the property index store. They are given out at folds, in the order of
// the names, so that related properties are neighbours; until then a name waits under its hash.
// Lookups are lock-free and never wait for an assignment. docs/format/catalogue.md.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "caveat/kv_backend.h"
#include "caveat/types.h"
#include "pool/invariant.h"

namespace caveat {

using PropertyId = std::uint32_t;

class Catalogue {
 public:
  static constexpr std::uint32_t kPropertiesMax = 1U << 30;

  Catalogue();
  ~Catalogue();
  Catalogue(const Catalogue&) = delete;
  Catalogue& operator=(const Catalogue&) = delete;

  // Reads everything the backend has. Before any other call.
  [[nodiscard]] Result<void> load(KvBackend& backend);
  // The same of a salvaged one: ids up to the first that is missing, and names. What was wrong.
  [[nodiscard]] Result<std::optional<StorageError>> load_salvaged(KvBackend& backend);

  // The id of a hash, if it has one.
  [[nodiscard]] std::optional<PropertyId> find(PropertyHash hash) const noexcept;
  // Fetches what find() will look at.
  void prefetch(PropertyHash hash) const noexcept;
  // The hash of an id; nothing for an id that was never given out (a damaged block).
  [[nodiscard]] std::optional<PropertyHash> hash_of(PropertyId id) const noexcept {
    if (id >= size()) return std::nullopt;
    return entry(id)->hash;
  }
  [[nodiscard]] std::optional<std::string> name_of(PropertyHash hash) const;
  // Has it an id and no name?
  [[nodiscard]] bool lacks_name(PropertyHash hash) const noexcept {
    const auto id = find(hash);
    return id && entry(*id)->name.load(std::memory_order_acquire) == nullptr;
  }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return count_.load(std::memory_order_acquire);
  }

  // Properties with an id, and names that wait for one.
  [[nodiscard]] std::size_t property_count() const;

  // Makes names known, in one write if any is new. hash_collision names both.
  [[nodiscard]] Result<void> add_names(std::span<const std::string_view> names, KvBackend& backend,
                                       Durability durability);

  // Gives ids to the hashes that have none, writes them down, then shows them to readers.
  // Mutator only; hashes may repeat.
  [[nodiscard]] Result<void> assign(std::span<const PropertyHash> hashes, KvBackend& backend);

  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  struct Entry {
    PropertyHash hash = 0;
    std::atomic<const std::string_view*> name{nullptr};  // null: no name
  };
  struct Table;  // open addressing, hash -> id

  [[nodiscard]] Entry* entry(PropertyId id) const noexcept {
    const std::uint32_t scaled = id / kFirstChunk + 1;
    CAVEAT_ASSERT(scaled != 0);
    const auto chunk = static_cast<std::size_t>(std::bit_width(scaled) - 1);
    const std::uint32_t first = kFirstChunk * ((1U << chunk) - 1);
    Entry* entries = chunks_[chunk].load(std::memory_order_acquire);
    return entries == nullptr ? nullptr : entries + (id - first);
  }
  [[nodiscard]] const std::string_view* intern(std::string_view name);
  // Room for so many ids in all, so that show() cannot run out of memory.
  void reserve(std::size_t ids);
  void show(PropertyId id, PropertyHash hash, const std::string_view* name) noexcept;
  void insert(PropertyHash hash, PropertyId id) noexcept;
  [[nodiscard]] Result<void> load_pages(KvBackend& backend);
  [[nodiscard]] Result<void> load_waiting(KvBackend& backend);
  [[nodiscard]] Result<void> load_page(std::uint32_t page, std::string_view value);

  // Chunk k holds the ids from 1024 * (2^k - 1); entries never move.
  static constexpr std::size_t kChunks = 21;
  static constexpr std::uint32_t kFirstChunk = 1024;
  std::array<std::atomic<Entry*>, kChunks> chunks_{};
  std::atomic<std::uint32_t> count_{0};
  std::atomic<const Table*> table_{nullptr};

  mutable std::mutex mutex_;                    // everything below, and all changes
  std::vector<std::unique_ptr<Table>> tables_;  // grown tables stay for readers still in them
  std::map<PropertyHash, const std::string_view*> waiting_;  // names without an id
  std::pmr::monotonic_buffer_resource arena_;
  std::size_t name_bytes_ = 0;
};

}  // namespace caveat
