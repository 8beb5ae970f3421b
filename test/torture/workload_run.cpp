#include "test/torture/workload_run.h"

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "adapters/rocksdb/rocksdb_backend.h"

namespace caveat::test {

namespace {

WriteOptions write_options(Durability durability) {
  WriteOptions options;
  options.durability = durability == Durability::none  ? WriteOptions::Level::none
                       : durability == Durability::wal ? WriteOptions::Level::wal
                                                       : WriteOptions::Level::fsync;
  return options;
}

Result<void> write_single(StorageOptimizer& store, const Change& change,
                          const WriteOptions& options) {
  switch (change.kind) {
    case Change::Kind::store:
      return store.store_exception(change.key, numbered(change.key, change.number), options);
    case Change::Kind::remove:
      return store.remove_exception(change.key, options);
    case Change::Kind::clear_node:
      return store.clear_node(change.key.node_id, options);
    case Change::Kind::clear_property:
      return store.clear_property(change.key.property_hash, options);
  }
  return {};
}

Result<void> write_batch(StorageOptimizer& store, const Step& step) {
  WriteBatch batch;
  for (const Change& change : step.changes) {
    switch (change.kind) {
      case Change::Kind::store:
        CAVEAT_TRY(batch.store_exception(change.key, numbered(change.key, change.number)));
        break;
      case Change::Kind::remove:
        CAVEAT_TRY(batch.remove_exception(change.key));
        break;
      case Change::Kind::clear_node:
        CAVEAT_TRY(batch.clear_node(change.key.node_id));
        break;
      case Change::Kind::clear_property:
        CAVEAT_TRY(batch.clear_property(change.key.property_hash));
        break;
    }
  }
  return store.write(batch, write_options(step.durability));
}

Result<void> write_bulk(StorageOptimizer& store, const Step& step) {
  std::vector<ExceptionRecord> records;
  for (const Change& change : step.changes) {
    records.push_back({change.key, numbered(change.key, change.number)});
  }
  CAVEAT_TRY(store.bulk_store(records, write_options(step.durability)));
  return {};
}

Result<void> register_names(StorageOptimizer& store) {
  for (std::size_t i = 0; i < kTortureProperties; ++i) {
    CAVEAT_TRY(store.register_property(property_name(i)));
  }
  return {};
}

}  // namespace

Result<void> carry_out(StorageOptimizer& store, const Step& step,
                       const std::filesystem::path& backups) {
  const WriteOptions options = write_options(step.durability);
  switch (step.kind) {
    case Step::Kind::names:
      return register_names(store);
    case Step::Kind::single:
      return write_single(store, step.changes.front(), options);
    case Step::Kind::batch:
      return write_batch(store, step);
    case Step::Kind::bulk:
      return write_bulk(store, step);
    case Step::Kind::exchange: {
      const Change& change = step.changes.front();
      CAVEAT_TRY(
          store.exchange_exception(change.key, numbered(change.key, change.number), options));
      return {};
    }
    case Step::Kind::flush:
      return store.flush();
    case Step::Kind::optimize:
      CAVEAT_TRY(store.optimize_storage());
      return {};
    case Step::Kind::rebuild:
      return store.rebuild_indexes();
    case Step::Kind::compact:
      CAVEAT_TRY(store.compact_storage());
      return {};
    case Step::Kind::statistics:
      CAVEAT_TRY(store.get_storage_statistics());
      return {};
    case Step::Kind::backup:
      CAVEAT_TRY(create_backup(store, backups));
      return {};
    case Step::Kind::reopen:
    case Step::Kind::close:
      return store.close();
  }
  return {};
}

Result<StorageOptimizer> open_on(const std::shared_ptr<PowerLossFileSystem>& files,
                                 const std::filesystem::path& directory, const Planted& planted,
                                 bool busy) {
  RocksdbBackendOptions options;
  options.block_cache_bytes = 1 << 20;
  options.write_buffer_bytes = 512 << 10;
  options.env = PowerLossFileSystem::env(files);
  CAVEAT_ASSIGN(auto backend, open_rocksdb_backend(directory, options));
  if (planted.backend) backend = planted.backend(std::move(backend));
  Options store = torture_options();
  store.background_maintenance = busy;
  return StorageOptimizer::open(std::move(backend), store);
}

namespace {

// A close folds nothing by itself.
void wait_for_folds(const StorageOptimizer& store) {
  for (int i = 0; i < 1000 && store.estimate_storage_statistics().folds == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (store.estimate_storage_statistics().folds == 0) {
    throw std::runtime_error("nothing was folded in the background");
  }
}

}  // namespace

DiskTrace run_workload(const Workload& workload, const std::filesystem::path& directory,
                       const Planted& planted) {
  // The marker is on the device before RocksDB makes its first file.
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "CAVEAT") << "caveat store\nformat 1\n";
  const auto files = std::make_shared<PowerLossFileSystem>(directory);
  if (planted.lies_about_syncs) files->lie_about_syncs();
  if (planted.forgets_syncs_of_spare) files->forget_syncs_of_spare();
  const auto open = [&] {
    return std::make_unique<StorageOptimizer>(
        value_of(open_on(files, directory, planted, workload.busy)));
  };
  auto store = open();
  for (std::size_t i = 0; i < workload.steps.size(); ++i) {
    const Step& step = workload.steps[i];
    const bool closes = step.kind == Step::Kind::reopen || step.kind == Step::Kind::close;
    if (closes && workload.busy) wait_for_folds(*store);
    files->step_begins(i);
    value_of(carry_out(*store, step, directory.string() + "-backups"));
    files->step_acknowledged(i);
    if (!closes) continue;
    store.reset();
    files->notice_removed();
    if (step.kind == Step::Kind::reopen) store = open();
  }
  return files->take_trace();
}

void Progress::apply(const DiskEvent& event, const Workload& workload) {
  if (event.kind == DiskEvent::Kind::step_begins) begun = event.number + 1;
  if (event.kind != DiskEvent::Kind::step_acknowledged) return;
  if (workload.steps[event.number].makes_durable()) durable = event.number + 1;
}

}  // namespace caveat::test
