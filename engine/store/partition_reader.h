// Loading partitions, through the block cache or past it.
#pragma once

#include <memory>

#include "engine/partition/partition_image.h"
#include "engine/store/version.h"

namespace caveat {

enum class CacheUse : std::uint8_t {
  record,  // a lookup of one record: with columns once it was asked for often (decision 0110)
  point,   // a query of few partitions: counts as a touch
  scan,    // part of a long read: use what is cached, fill what is free, push nothing out
};

// Implemented by the engine. Thread-safe.
class PartitionReader {
 public:
  virtual ~PartitionReader() = default;

  // The partition as of the version; with columns, unless `form` says that keys do. Corruption and
  // codec_missing name the partition.
  [[nodiscard]] virtual Result<std::shared_ptr<const PartitionImage>> load(
      const Version& version, Directory::Position position, CacheUse use,
      BlockForm form = BlockForm::columns) const = 0;

  // Several partitions in key order with one sorted read of the backend; order kept.
  [[nodiscard]] virtual Result<std::vector<std::shared_ptr<const PartitionImage>>> load_many(
      const Version& version, std::span<const Directory::Position> positions, CacheUse use,
      BlockForm form = BlockForm::columns) const = 0;

  // What load() gave for keys, with columns: the same rows. Any image; most often itself.
  [[nodiscard]] virtual Result<std::shared_ptr<const PartitionImage>> with_columns(
      const Version& version, Directory::Position position,
      std::shared_ptr<const PartitionImage> image, CacheUse use) const = 0;
  // Rows of such an image are about to be read one by one. The same with columns where it has been
  // read so often that they pay, and null else.
  [[nodiscard]] virtual std::shared_ptr<const PartitionImage> note_rows_read(
      const Version&, Directory::Position, const std::shared_ptr<const PartitionImage>& /*image*/,
      CacheUse) const {
    return nullptr;
  }

  // The partition that carries this id in the version; nothing if it is gone.
  [[nodiscard]] virtual std::optional<Directory::Position> find_partition(const Version& version,
                                                                          PartitionId id) const = 0;

  // The version's hints of a family cannot be read: whoever found that goes on without them, and
  // so do queries of later versions. Any thread.
  virtual void index_damaged(const Version&, Family, const StorageError&) const {}
};

}  // namespace caveat
