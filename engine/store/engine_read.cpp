// Point reads: delta, filter, directory, hot records, decoded partitions, backend; in this order.
#include <algorithm>
#include <chrono>

#include "engine/maintenance/index_marks.h"
#include "engine/partition/container.h"
#include "engine/store/engine.h"
#include "engine/sync/sync_point.h"

namespace caveat {

namespace {

// Times one call in kSampleEvery of this thread's.
class SampledTime {
 public:
  explicit SampledTime(EngineCounters& counters) noexcept : counters_(counters) {
    thread_local std::uint32_t calls = 0;
    sampled_ = calls++ % kSampleEvery == 0;  // the first too: soon there is a figure
    if (sampled_) [[unlikely]]
      begun_ = std::chrono::steady_clock::now();
  }
  ~SampledTime() {
    if (!sampled_) [[likely]]
      return;
    const auto took = std::chrono::steady_clock::now() - begun_;
    const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(took).count();
    counters_.sampled_ns.fetch_add(static_cast<std::uint64_t>(ns), std::memory_order_relaxed);
    counters_.sampled_calls.fetch_add(1, std::memory_order_relaxed);
  }
  SampledTime(const SampledTime&) = delete;
  SampledTime& operator=(const SampledTime&) = delete;

 private:
  static constexpr std::uint32_t kSampleEvery = 256;
  EngineCounters& counters_;
  std::chrono::steady_clock::time_point begun_;
  bool sampled_;
};

// Where a get of this thread puts a row's text, and what it keeps of that.
constexpr std::size_t kRowRoomMax = std::size_t{128} << 10;
class ThreadRoom {
 public:
  ThreadRoom() = default;
  ~ThreadRoom() { of_thread().keep_at_most(kRowRoomMax); }
  ThreadRoom(const ThreadRoom&) = delete;
  ThreadRoom& operator=(const ThreadRoom&) = delete;
  [[nodiscard]] RowRoom& operator*() const noexcept { return room_; }

 private:
  static RowRoom& of_thread() {
    thread_local RowRoom room;
    return room;
  }
  RowRoom& room_ = of_thread();
};

}  // namespace

// Where a record is: exactly one of the three is set.
struct Engine::Found {
  const DeltaRow* delta_row = nullptr;
  RecordCache::Pinned hot;
  std::shared_ptr<const PartitionImage> image;
  PartitionImage::Row row;
  bool opened = false;  // the image was not in the cache, or the row is not decoded there
  RecordStamp stamp;
};

// Runs `use(version, ceiling)` on the snapshot's version or on the current one, pinned meanwhile.
template <class Use>
auto Engine::with_version(const Snapshot* snapshot, const Use& use) const {
  using Answer = decltype(use(std::declval<const Version&>(), Sequence{}));
  if (snapshot != nullptr) {
    if (!snapshot->view().version) return Answer(closed_error());  // taken when closed
    return use(*snapshot->view().version, snapshot->view().ceiling);
  }
  const auto version = core_.versions.pin();
  if (!version) return Answer(closed_error());
  return use(*version, core_.versions.visible());
}

Result<bool> Engine::find(const Version& version, Sequence ceiling, const ExceptionKey& key,
                          bool want_record, Found& found) const {
  core_.counters.read.add(EngineCounters::kReads);
  const auto missed = [&] {
    core_.counters.read.add(EngineCounters::kReadMisses);
    return false;
  };
  const DeltaView delta(version.generations, ceiling);
  const DeltaHit hit = delta.lookup(key);
  if (hit.kind == DeltaHit::Kind::row) {
    found.delta_row = hit.row;
    return true;
  }
  const Directory& directory = *version.directory;
  if (hit.kind == DeltaHit::Kind::removed || directory.empty()) return missed();
  const auto position = directory.locate(key);
  const PartitionProbe& probe = directory.probe(position);
  if (!probe.filter.may_contain(filter_hash(key))) [[likely]] {
    core_.counters.read.add(EngineCounters::kFilterNegatives);
    return missed();
  }
  core_.catalogue.prefetch(key.property_hash);
  const BlockKey block = block_key(probe.id, probe.version);
  core_.block_cache.prefetch(block);
  found.stamp = {block.partition_id, block.partition_version};
  if (want_record && version.clears->empty()) {
    found.hot = core_.record_cache.lookup_pinned(key, found.stamp);
    if (found.hot) return true;
  }
  auto image = core_.block_cache.lookup(block);
  found.opened = image == nullptr || image->keys_alone();
  if (image == nullptr) {
    const bool keys = keeps_keys(directory) && core_.block_cache.earned_at(block) > 1;
    const BlockForm form = keys ? BlockForm::keys : BlockForm::columns;
    CAVEAT_ASSIGN(image, read_image(version, position, CacheUse::record, form));
  }
  CAVEAT_ASSIGN(const auto row, image->find(key, *version.clears));
  if (!row) return missed();
  if (want_record && image->keys_alone() && !row->in_run())
    static_cast<void>(earn_columns(block, *image));
  found.image = std::move(image);
  found.row = *row;
  return true;
}

// A record by itself is worth its copy only where its block would not be there next time.
template <class... Record>
void Engine::keep_record(const Version& version, const Found& found,
                         const Record&... record) const {
  if (!found.opened || !version.clears->empty()) return;
  CAVEAT_SYNC_POINT(record_cache_fill);
  core_.record_cache.insert(record...);
}

Result<bool> Engine::contains(const ExceptionKey& key, const Snapshot* snapshot) const {
  const SampledTime timed(core_.counters);
  return with_version(snapshot, [&](const Version& version, Sequence ceiling) -> Result<bool> {
    Found found;
    return find(version, ceiling, key, false, found);
  });
}

Result<std::optional<Exception>> Engine::retrieve(const ExceptionKey& key,
                                                  const Snapshot* snapshot) const {
  using Answer = Result<std::optional<Exception>>;
  const SampledTime timed(core_.counters);
  return with_version(snapshot, [&](const Version& version, Sequence ceiling) -> Answer {
    Found found;
    CAVEAT_ASSIGN(const bool there, find(version, ceiling, key, true, found));
    if (!there) return std::nullopt;
    if (found.delta_row != nullptr) return found.delta_row->view().to_exception();
    if (found.hot) return found.hot->view().to_exception();
    ExceptionView view;
    const ThreadRoom thread_room;
    RowRoom& room = *thread_room;
    CAVEAT_TRY(found.image->materialise(found.row, view, room));
    keep_record(version, found, found.stamp, view);
    auto answer = view.to_exception();
    return answer;
  });
}

Result<std::optional<PinnedException>> Engine::retrieve_view(const ExceptionKey& key,
                                                             const Snapshot* snapshot) const {
  using Answer = Result<std::optional<PinnedException>>;
  const SampledTime timed(core_.counters);
  return with_version(snapshot, [&](const Version& version, Sequence ceiling) -> Answer {
    Found found;
    CAVEAT_ASSIGN(const bool there, find(version, ceiling, key, true, found));
    if (!there) return std::nullopt;
    if (found.delta_row != nullptr) {
      // The generation that owns the row stays as long as the view.
      const auto owner = std::find_if(
          version.generations.begin(), version.generations.end(), [&](const auto& generation) {
            return generation->first_sequence() <= found.delta_row->sequence;
          });
      CAVEAT_ASSERT(owner != version.generations.end());
      return PinnedException(found.delta_row->view(), *owner);
    }
    if (found.hot) return PinnedException(found.hot->view(), found.hot.share());
    ExceptionView view;
    const ThreadRoom thread_room;
    RowRoom& room = *thread_room;
    CAVEAT_TRY(found.image->materialise(found.row, view, room));
    if (found.image->keys_alone() && !found.row.in_run()) {
      // All of it is in the room: one copy, for the caller and for the cache.
      const auto copy = PinnedRecord::make(found.stamp, view);
      if (copy == nullptr) throw std::bad_alloc();
      keep_record(version, found, copy);
      return PinnedException(copy->view(), copy);
    }
    keep_record(version, found, found.stamp, view);
    if (!room.holds(view.reason)) return PinnedException(view, std::move(found.image));
    auto reason = std::make_shared_for_overwrite<char[]>(view.reason.size());
    std::copy(view.reason.begin(), view.reason.end(), reason.get());
    view.reason = {reason.get(), view.reason.size()};
    return PinnedException(view, std::move(found.image), std::move(reason));
  });
}

Result<std::vector<std::optional<Exception>>> Engine::bulk_retrieve(
    std::span<const ExceptionKey> keys, const Snapshot* snapshot) const {
  using Answer = Result<std::vector<std::optional<Exception>>>;
  return with_version(snapshot, [&](const Version& version, Sequence ceiling) -> Answer {
    // In key order, so that keys of one partition share its load.
    std::vector<std::size_t> order(keys.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
    std::vector<std::optional<Exception>> result(keys.size());
    const DeltaView delta(version.generations, ceiling);
    const Directory& directory = *version.directory;
    std::shared_ptr<const PartitionImage> image;
    std::optional<Directory::Position> image_at;
    std::uint64_t misses = 0;
    RowRoom room;
    for (std::size_t at = 0; at < order.size(); ++at) {
      const std::size_t i = order[at];
      const ExceptionKey& key = keys[i];
      const DeltaHit hit = delta.lookup(key);
      if (hit.kind == DeltaHit::Kind::row) {
        result[i] = hit.row->view().to_exception();
        continue;
      }
      ++misses;
      if (hit.kind == DeltaHit::Kind::removed || directory.empty()) continue;
      const auto position = directory.locate(key);
      if (!directory.probe(position).filter.may_contain(filter_hash(key))) continue;
      if (!image_at || !(*image_at == position)) {
        // Columns are for who wants several rows.
        const auto upper = directory.upper_bound(position);
        const bool more = at + 1 < order.size() && (!upper || keys[order[at + 1]] < *upper);
        CAVEAT_ASSIGN(image, load(version, position, CacheUse::point,
                                  more ? BlockForm::columns : BlockForm::keys));
        image_at = position;
      }
      CAVEAT_ASSIGN(const auto row, image->find(key, *version.clears));
      if (!row) continue;
      ExceptionView view;
      CAVEAT_TRY(image->materialise(*row, view, room));
      result[i] = view.to_exception();
      --misses;
    }
    core_.counters.read.add(EngineCounters::kReads, keys.size());
    core_.counters.read.add(EngineCounters::kReadMisses, misses);
    return result;
  });
}

Result<bool> Engine::has_exceptions(NodeId node, const Snapshot* snapshot) const {
  const SampledTime timed(core_.counters);
  return with_version(snapshot, [&](const Version& version, Sequence ceiling) {
    return node_has_exceptions(version, ceiling, node);
  });
}

Result<bool> Engine::node_has_exceptions(const Version& version, Sequence ceiling,
                                         NodeId node) const {
  core_.counters.read.add(EngineCounters::kReads);
  const DeltaView delta(version.generations, ceiling);
  DeltaNodeState state;
  if (delta.any_rows()) {
    state = delta.node_state(node);
    if (state.live) return true;
  }
  const Directory& directory = *version.directory;
  if (state.cleared || directory.empty()) return false;
  const std::uint64_t hash = filter_hash(node);
  bool asked = false;
  for (auto position = directory.locate({node, 0});
       position != directory.end() && directory.at(position).lower.node_id <= node;
       position = directory.next(position)) {
    if (!directory.probe(position).filter.may_contain(hash)) continue;
    asked = true;
    CAVEAT_ASSIGN(const auto image, load(version, position, CacheUse::point, BlockForm::keys));
    if (!state.shadows && !delta.has_clears()) {
      CAVEAT_ASSIGN(const bool found, image->has_node(node, *version.clears));
      if (found) return true;
      continue;
    }
    CAVEAT_ASSIGN(const auto rows, image->rows(*version.clears, node));
    for (const auto row : rows) {
      if (!delta.shadows(image->key(row))) return true;
    }
  }
  if (!asked) core_.counters.read.add(EngineCounters::kFilterNegatives);
  core_.counters.read.add(EngineCounters::kReadMisses);
  return false;
}

Result<std::shared_ptr<const PartitionImage>> Engine::open_image(std::string container,
                                                                 const Version& version,
                                                                 Directory::Position position,
                                                                 CacheUse use,
                                                                 BlockForm form) const {
  const PartitionEntry& entry = version.directory->at(position);
  auto image = PartitionImage::open(std::move(container), entry.lower,
                                    version.directory->upper_bound(position), core_.dictionaries,
                                    core_.catalogue, Reasons::halves, form);
  if (!image) return fail(image.error().within("primary " + describe_key(entry.lower)));
  keep_image(version, position, *image, use);
  return image;
}

// Keys are kept of a store that the backend's cache does not hold: else they would be there twice,
// to save two microseconds until columns are earned.
bool Engine::keeps_keys(const Directory& directory) const noexcept {
  constexpr std::size_t kTypicalContainerBytes = 4096;
  return directory.partition_count() * kTypicalContainerBytes > core_.memory.backend_cache;
}

// With its keys alone an image is small, and one use of it proves as much as another: if nothing is
// free, one in four may come in, as evicting and filling costs half of what a later use saves. With
// columns it takes the room of several others.
void Engine::keep_image(const Version& version, Directory::Position position,
                        const std::shared_ptr<const PartitionImage>& image, CacheUse use) const {
  constexpr unsigned kOneIn = 4;
  thread_local unsigned images = 0;
  Admission admission = Admission::earned;
  if (use == CacheUse::scan) {
    admission = Admission::room;
  } else if (image->keys_alone()) {
    admission = ++images % kOneIn == 0 ? Admission::room_or_second_touch : Admission::room;
  } else if (use == CacheUse::point) {
    const bool beside_keys = keeps_keys(*version.directory);
    admission = beside_keys ? Admission::room_or_cold : Admission::room_or_second_touch;
  }
  CAVEAT_SYNC_POINT(block_cache_fill);
  const BlockKey key = cache_key(version.directory->at(position));
  core_.block_cache.insert(key, image, image->charge_bytes(), admission);
}

Result<std::shared_ptr<const PartitionImage>> Engine::with_columns(
    const Version& version, Directory::Position position,
    std::shared_ptr<const PartitionImage> image, CacheUse use) const {
  if (!image->keys_alone()) return image;
  auto made = image->with_columns(core_.dictionaries);
  const PartitionEntry& entry = version.directory->at(position);
  if (!made) return fail(made.error().within("primary " + describe_key(entry.lower)));
  keep_image(version, position, *made, use);
  return made;
}

// Reads by themselves cost ten times what a decoded row does: whoever is read again and again has
// its columns decoded, if what goes for them is cold. Damage is told to who reads it.
std::shared_ptr<const PartitionImage> Engine::earn_columns(const BlockKey& key,
                                                           const PartitionImage& image) const {
  constexpr unsigned kReadsBetweenTries = 8;
  const unsigned due = core_.block_cache.earned_at(key);
  const unsigned reads = image.count_read();
  if (reads < due || (reads - due) % kReadsBetweenTries != 0) return nullptr;
  try {
    const auto made = image.with_columns(core_.dictionaries);
    if (!made) return nullptr;
    const std::size_t charge = (*made)->charge_bytes();
    if (!core_.block_cache.insert(key, *made, charge, Admission::room_or_cold)) return nullptr;
    static_cast<void>((*made)->load(kAllColumns));
    return *made;
  } catch (const std::bad_alloc&) {  // the row can be read without
    return nullptr;
  }
}

// Scans push nothing out.
std::shared_ptr<const PartitionImage> Engine::note_rows_read(
    const Version& version, Directory::Position position,
    const std::shared_ptr<const PartitionImage>& image, CacheUse use) const {
  if (use == CacheUse::scan) return nullptr;
  return earn_columns(cache_key(version.directory->at(position)), *image);
}

Result<std::shared_ptr<const PartitionImage>> Engine::load(const Version& version,
                                                           Directory::Position position,
                                                           CacheUse use, BlockForm form) const {
  const PartitionProbe& probe = version.directory->probe(position);
  if (auto cached = core_.block_cache.lookup(block_key(probe.id, probe.version))) {
    if (form == BlockForm::keys) return cached;
    return with_columns(version, position, std::move(cached), use);
  }
  if (!keeps_keys(*version.directory)) form = BlockForm::columns;
  return read_image(version, position, use, form);
}

Result<std::shared_ptr<const PartitionImage>> Engine::read_image(const Version& version,
                                                                 Directory::Position position,
                                                                 CacheUse use,
                                                                 BlockForm form) const {
  const PartitionEntry& entry = version.directory->at(position);
  CAVEAT_SYNC_POINT(partition_located);
  const KvSnapshot* snapshot =
      CAVEAT_PLANTED(readers_ignore_snapshots) ? nullptr : version.backend_snapshot.get();
  std::string container;
  CAVEAT_ASSIGN(const bool found,
                core_.backend->get(Family::primary, encode_key(entry.lower), snapshot, container));
  if (!found) return fail(core_.missing_container(entry.lower));
  return open_image(std::move(container), version, position, use, form);
}

Result<std::vector<std::shared_ptr<const PartitionImage>>> Engine::load_many(
    const Version& version, std::span<const Directory::Position> positions, CacheUse use,
    BlockForm form) const {
  std::vector<std::shared_ptr<const PartitionImage>> images(positions.size());
  std::vector<std::size_t> missing;
  std::vector<std::string> keys;
  // Step by step for all, so that the waits for memory overlap.
  const auto key_of = [&](const Directory::Position& position) -> BlockKey {
    const PartitionProbe& probe = version.directory->probe(position);
    return block_key(probe.id, probe.version);
  };
  if (positions.size() > 1) {
    for (const auto& position : positions) core_.block_cache.prefetch(key_of(position));
    for (const auto& position : positions) core_.block_cache.prefetch_entry(key_of(position));
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    images[i] = core_.block_cache.lookup(key_of(positions[i]));
    if (images[i] && form == BlockForm::columns) {
      CAVEAT_ASSIGN(images[i], with_columns(version, positions[i], std::move(images[i]), use));
    }
    if (images[i]) continue;
    missing.push_back(i);
    keys.push_back(encode_key(version.directory->at(positions[i]).lower));
  }
  if (missing.empty()) {
    for (const auto& image : images) __builtin_prefetch(image->base());
    return images;
  }
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  std::vector<std::string> values(missing.size());
  const std::unique_ptr<bool[]> found(new bool[missing.size()]());
  CAVEAT_SYNC_POINT(partition_located);
  const KvSnapshot* snapshot =
      CAVEAT_PLANTED(readers_ignore_snapshots) ? nullptr : version.backend_snapshot.get();
  CAVEAT_TRY(core_.backend->multi_get(Family::primary, views, snapshot, values,
                                      std::span(found.get(), missing.size())));
  for (std::size_t k = 0; k < missing.size(); ++k) {
    const auto position = positions[missing[k]];
    if (!found[k]) return fail(core_.missing_container(version.directory->at(position).lower));
    // While there is room for all of it, rows are worth decoding that others will ask for.
    const bool columns = form == BlockForm::columns || !keeps_keys(*version.directory) ||
                         core_.block_cache.half_empty(key_of(position));
    CAVEAT_ASSIGN(images[missing[k]], open_image(std::move(values[k]), version, position, use,
                                                 columns ? BlockForm::columns : BlockForm::keys));
  }
  return images;
}

void Engine::index_damaged(const Version& version, Family family, const StorageError& error) const {
  if (mark_index_damaged(core_, version, family, error)) maintenance_.wake();
}

std::optional<Directory::Position> Engine::find_partition(const Version& version,
                                                          PartitionId id) const {
  const auto lower = core_.partition_ids.find(id);
  if (!lower || version.directory->empty()) return std::nullopt;
  const auto position = version.directory->locate(*lower);
  if (version.directory->at(position).id != id) return std::nullopt;
  return position;
}

}  // namespace caveat
