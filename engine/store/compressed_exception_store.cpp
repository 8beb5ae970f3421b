#include "caveat/compressed_exception_store.h"

#include <fmt/format.h>

#include "caveat/storage_optimizer.h"
#include "engine/partition/container.h"
#include "engine/store/engine.h"

namespace caveat {

namespace {

tl::unexpected<StorageError> no_such_partition(std::uint64_t id) {
  return fail(ErrorCode::not_found, fmt::format("no partition has id {}", id));
}

Result<std::string> read_container(const Engine& engine, const Version& version,
                                   const ExceptionKey& lower) {
  std::string bytes;
  CAVEAT_ASSIGN(const bool found,
                engine.core().backend->get(Family::primary, encode_key(lower),
                                           version.backend_snapshot.get(), bytes));
  if (!found) return fail(engine.core().missing_container(lower));
  return bytes;
}

}  // namespace

CompressedExceptionStore::CompressedExceptionStore(const StorageOptimizer& store)
    : engine_(&store.engine()), snapshot_(store.snapshot()) {}

Result<std::optional<BlockAddress>> CompressedExceptionStore::locate(
    const ExceptionKey& key) const {
  if (!snapshot_.view().version) return closed_error();
  const Version& version = *snapshot_.view().version;
  if (version.directory->empty()) return std::nullopt;
  const auto position = version.directory->locate(key);
  CAVEAT_ASSIGN(const auto image, engine_->load(version, position, CacheUse::scan));
  CAVEAT_ASSIGN(const auto row, image->find(key, *version.clears));
  if (!row) return std::nullopt;
  const std::uint32_t behind = row->in_run() && image->base() ? image->base()->row_count() : 0;
  return BlockAddress{version.directory->at(position).id, row->index() + behind};
}

Result<ExceptionRecord> CompressedExceptionStore::read(const BlockAddress& address) const {
  if (!snapshot_.view().version) return closed_error();
  const Version& version = *snapshot_.view().version;
  const auto position = engine_->find_partition(version, address.partition_id);
  if (!position) return no_such_partition(address.partition_id);
  CAVEAT_ASSIGN(const auto image, engine_->load(version, *position, CacheUse::scan));
  const std::uint32_t in_block = image->base() ? image->base()->row_count() : 0;
  PartitionImage::Row row{address.row};
  if (address.row >= in_block) {
    row.value = (address.row - in_block) | PartitionImage::Row::kRunBit;
    if (row.index() >= image->run_rows().size() ||
        image->run_rows()[row.index()].row.kind != RowKind::store) {
      return fail(ErrorCode::not_found,
                  fmt::format("partition {} has no row {}", address.partition_id, address.row));
    }
  }
  ExceptionView view;
  RowRoom room;
  CAVEAT_TRY(image->materialise(row, view, room));
  return view.to_record();
}

Result<std::vector<PartitionInfo>> CompressedExceptionStore::partitions() const {
  if (!snapshot_.view().version) return closed_error();
  const Version& version = *snapshot_.view().version;
  const Directory& directory = *version.directory;
  std::vector<PartitionInfo> list;
  list.reserve(directory.partition_count());
  for (auto p = directory.begin(); p != directory.end(); p = directory.next(p)) {
    const PartitionEntry& entry = directory.at(p);
    PartitionInfo info{entry.lower, entry.id,        entry.rows, entry.run_rows,
                       entry.bytes, entry.raw_bytes, 0,          0};
    // Of one that cannot be read there is what the directory knows.
    const auto bytes = read_container(*engine_, version, entry.lower);
    if (!bytes && bytes.error().code() != ErrorCode::corruption) return fail(bytes.error());
    const auto layout = bytes ? parse_container(*bytes) : fail(bytes.error());
    if (layout && layout->block) {
      if (const auto header = read_header(*layout->block)) {
        info.codec = header->codec_id;
        info.dictionary = header->dictionary_id;
      }
    }
    list.push_back(info);
  }
  return list;
}

Result<std::string> CompressedExceptionStore::container(std::uint64_t partition_id) const {
  if (!snapshot_.view().version) return closed_error();
  const Version& version = *snapshot_.view().version;
  const auto position = engine_->find_partition(version, partition_id);
  if (!position) return no_such_partition(partition_id);
  return read_container(*engine_, version, version.directory->at(*position).lower);
}

Result<BlockDescription> CompressedExceptionStore::describe(std::uint64_t partition_id) const {
  CAVEAT_ASSIGN(const auto bytes, container(partition_id));
  CAVEAT_ASSIGN(const auto layout, parse_container(bytes));
  if (!layout.block) {
    return fail(ErrorCode::not_found, fmt::format("partition {} has no block", partition_id));
  }
  return describe_block(*layout.block, &engine_->block_resolver());
}

}  // namespace caveat
