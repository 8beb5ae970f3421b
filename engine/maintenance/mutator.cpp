#include "engine/maintenance/mutator.h"

#include <algorithm>

#include "engine/partition/container.h"

namespace caveat {

namespace {
constexpr std::size_t kContainersPerRead = 256;
}

Mutator::Mutator(Core& core, RewriteQueue& queue, std::function<void()> on_folded)
    : core_(core), queue_(queue), on_folded_(std::move(on_folded)), publication_(core) {}

Result<std::unique_lock<std::mutex>> Mutator::begin_step() {
  std::unique_lock lock(mutex_);
  if (!core_.versions.current()) return lock;
  CAVEAT_ASSIGN(const bool shown, publication_.settle());
  // It may have been the end of a fold, and writers who wait for that are told nowhere else.
  if (shown) on_folded_();
  return lock;
}

Mutator::Encoding Mutator::normal_encoding() const {
  return encoding_of(core_.tuning.now(), false);
}

Mutator::Encoding Mutator::encoding_of(std::shared_ptr<const LayoutInForce> made_by,
                                       bool dense) const {
  Encoding encoding;
  encoding.codecs = dense ? &made_by->dense_codecs : &made_by->codecs;
  encoding.codec = made_by->layout.codec;
  if (made_by->layout.dictionary_bytes != 0) encoding.dictionary = core_.dictionaries.current();
  encoding.made_by = std::move(made_by);
  return encoding;
}

RepartitionJob::Settings Mutator::settings(const ClearList& clears, Sequence as_of,
                                           double slack) const {
  const Layout layout = core_.tuning.now()->layout;
  RepartitionJob::Settings settings;
  settings.limits = {layout.partition_records, layout.partition_bytes, slack};
  settings.as_of = as_of;
  settings.clears = &clears;
  return settings;
}

Result<void> Mutator::read_containers(std::vector<OldPartition*>& partitions) {
  std::vector<std::string> keys;
  std::vector<std::string_view> views;
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin < partitions.size(); begin += kContainersPerRead) {
    const std::size_t count = std::min(kContainersPerRead, partitions.size() - begin);
    keys.clear();
    views.clear();
    for (std::size_t i = 0; i < count; ++i) {
      keys.push_back(encode_key(partitions[begin + i]->entry.lower));
    }
    for (const auto& key : keys) views.push_back(key);
    values.assign(count, {});
    const std::unique_ptr<bool[]> found(new bool[count]());
    const auto read = core_.backend->multi_get(Family::primary, views, nullptr, values,
                                               std::span(found.get(), count));
    if (!read && read.error().code() != ErrorCode::corruption) return read;
    for (std::size_t i = 0; i < count; ++i) {
      OldPartition& partition = *partitions[begin + i];
      const ExceptionKey& lower = partition.entry.lower;
      if (!read) {  // one of them cannot be read
        const auto one = core_.backend->get(Family::primary, views[i], nullptr, values[i]);
        if (!one && one.error().code() != ErrorCode::corruption) return fail(one.error());
        if (!one) partition.unread = one.error().within("primary " + describe_key(lower));
        found[i] = one && *one;
      }
      if (!found[i] && !partition.unread) partition.unread = core_.missing_container(lower);
      partition.container = std::move(values[i]);
    }
  }
  return {};
}

void Mutator::run_jobs(std::vector<RepartitionJob>& jobs, const Encoding& encoding,
                       std::vector<std::optional<StorageError>>& failed,
                       const std::function<void()>& beside) {
  failed.assign(jobs.size(), std::nullopt);
  const auto encode = [&](std::size_t job, std::size_t piece) {
    return jobs[job].encode_piece(piece, core_, *encoding.codecs, encoding.codec,
                                  encoding.dictionary.get());
  };
  // Most jobs have few pieces, and whoever prepared one encodes them while they are in its caches.
  constexpr std::size_t kOwnPiecesMax = 32;
  const std::size_t extra = beside ? 1 : 0;
  core_.workers.parallel_for(jobs.size() + extra, [&](std::size_t at) {
    if (at < extra) return beside();
    const std::size_t i = at - extra;
    auto done = jobs[i].prepare(core_);
    if (jobs[i].piece_count() <= kOwnPiecesMax) {
      for (std::size_t k = 0; done && k < jobs[i].piece_count(); ++k) done = encode(i, k);
    }
    if (jobs[i].piece_count() <= kOwnPiecesMax) jobs[i].let_go_of_rows();
    if (!done) failed[i] = done.error();
  });
  struct Piece {
    std::size_t job;
    std::size_t index;
  };
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (failed[i] || jobs[i].piece_count() <= kOwnPiecesMax) continue;
    for (std::size_t k = 0; k < jobs[i].piece_count(); ++k) pieces.push_back({i, k});
  }
  std::vector<std::optional<StorageError>> piece_failed(pieces.size());
  core_.workers.parallel_for(pieces.size(), [&](std::size_t i) {
    if (auto encoded = encode(pieces[i].job, pieces[i].index); !encoded) {
      piece_failed[i] = encoded.error();
    }
  });
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    jobs[pieces[i].job].let_go_of_rows();
    if (piece_failed[i]) failed[pieces[i].job] = piece_failed[i];
  }
}

Result<void> Mutator::write_directory() {
  CAVEAT_ASSIGN(const auto lock, begin_step());
  const auto version = core_.versions.current();
  if (!version) return closed_error();
  return marks_.write_pages(*version->directory, *core_.backend);
}

Result<void> Mutator::raise(Feature feature) {
  if ((core_.features & bit_of(feature)) != 0) return {};
  CAVEAT_ASSIGN(const auto lock, begin_step());
  if (!core_.versions.current()) return closed_error();
  return raise_locked(feature);
}

Result<void> Mutator::raise_locked(Feature feature) {
  Superblock superblock = core_.superblock;
  if ((superblock.features & bit_of(feature)) != 0) return {};
  superblock.features |= bit_of(feature);
  KvBatch batch;
  put_superblock_and_features(superblock, batch);
  CAVEAT_TRY(core_.backend->write(batch, Durability::wal));
  core_.superblock = superblock;
  core_.features = superblock.features;
  return {};
}

}  // namespace caveat
