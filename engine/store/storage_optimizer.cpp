// The public calls, each a few lines on the engine's.
#include "caveat/storage_optimizer.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/encryption/encrypted_backend.h"
#include "engine/maintenance/verify.h"
#include "engine/model/row.h"
#include "engine/query/query_engine.h"
#include "engine/store/bulk_store.h"
#include "engine/store/engine.h"
#include "engine/store/pooled_batch.h"

namespace caveat {

StorageOptimizer::StorageOptimizer(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
StorageOptimizer::StorageOptimizer(StorageOptimizer&&) noexcept = default;
StorageOptimizer& StorageOptimizer::operator=(StorageOptimizer&&) noexcept = default;
StorageOptimizer::~StorageOptimizer() = default;

Result<StorageOptimizer> StorageOptimizer::open(std::unique_ptr<KvBackend> backend,
                                                const Options& options) {
  CAVEAT_ASSIGN(auto engine, Engine::open(std::move(backend), options));
  return StorageOptimizer(std::move(engine));
}

Result<void> StorageOptimizer::close() {
  return engine_->close();
}

// --- Property names
// --------------------------------------------------------------------------------

Result<PropertyHash> StorageOptimizer::register_property(std::string_view name) {
  CAVEAT_TRY(register_properties({&name, 1}));
  return hash_property(name);
}

Result<void> StorageOptimizer::register_properties(std::span<const std::string_view> names) {
  Core& core = engine_->core();
  if (core.read_only) return fail(*core.read_only);
  // Of a property that has an id already the name goes straight into the catalogue.
  const bool nameless = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return core.catalogue.lacks_name(hash_property(name));
  });
  if (nameless) CAVEAT_TRY(engine_->mutator().raise(Feature::names_without_hashes));
  return core.catalogue.add_names(names, *core.backend, Durability::wal);
}

std::optional<std::string> StorageOptimizer::property_name(PropertyHash property) const {
  return engine_->core().catalogue.name_of(property);
}

// --- Writing
// -----------------------------------------------------------------------------------------

Result<void> StorageOptimizer::store_exception(const ExceptionKey& key, const Exception& exception,
                                               const WriteOptions& options) {
  PooledBatch batch(engine_->core().pool);
  CAVEAT_TRY(batch->store_exception(key, exception));
  return engine_->commit(*batch, options);
}

Result<void> StorageOptimizer::remove_exception(const ExceptionKey& key,
                                                const WriteOptions& options) {
  PooledBatch batch(engine_->core().pool);
  CAVEAT_TRY(batch->remove_exception(key));
  return engine_->commit(*batch, options);
}

Result<std::optional<Exception>> StorageOptimizer::exchange_exception(const ExceptionKey& key,
                                                                      const Exception& exception,
                                                                      const WriteOptions& options) {
  CAVEAT_TRY(validate(exception));  // before anything is read
  return engine_->commit_checked(
      key,
      [&](const std::optional<Exception>&, WriteBatch& batch) -> Result<bool> {
        CAVEAT_TRY(batch.store_exception(key, exception));
        return true;
      },
      options);
}

Result<std::optional<Exception>> StorageOptimizer::take_exception(const ExceptionKey& key,
                                                                  const WriteOptions& options) {
  return engine_->commit_checked(
      key,
      [&](const std::optional<Exception>& there, WriteBatch& batch) -> Result<bool> {
        if (!there) return false;
        CAVEAT_TRY(batch.remove_exception(key));
        return true;
      },
      options);
}

Result<bool> StorageOptimizer::erase_exception(const ExceptionKey& key,
                                               const WriteOptions& options) {
  return engine_->erase(key, options);
}

Result<bool> StorageOptimizer::compare_and_set(const ExceptionKey& key,
                                               const std::optional<Exception>& expected,
                                               const std::optional<Exception>& desired,
                                               const WriteOptions& options) {
  if (desired) CAVEAT_TRY(validate(*desired));  // whatever is there
  bool matched = false;
  CAVEAT_TRY(engine_->commit_checked(
      key,
      [&](const std::optional<Exception>& there, WriteBatch& batch) -> Result<bool> {
        matched = there == expected;
        if (!matched || (!desired && !there)) return false;
        if (desired) {
          CAVEAT_TRY(batch.store_exception(key, *desired));
        } else {
          CAVEAT_TRY(batch.remove_exception(key));
        }
        return true;
      },
      options));
  return matched;
}

Result<void> StorageOptimizer::write(const WriteBatch& batch, const WriteOptions& options) {
  return engine_->commit(batch, options);
}

Result<std::size_t> StorageOptimizer::bulk_store(std::span<const ExceptionRecord> records,
                                                 const WriteOptions& options) {
  return bulk_store_records(*engine_, records, options);
}

Result<std::size_t> StorageOptimizer::bulk_store(std::span<const ExceptionView> records,
                                                 const WriteOptions& options) {
  return bulk_store_records(*engine_, records, options);
}

Result<void> StorageOptimizer::clear_node(NodeId node, const WriteOptions& options) {
  PooledBatch batch(engine_->core().pool);
  CAVEAT_TRY(batch->clear_node(node));
  return engine_->commit(*batch, options);
}

Result<void> StorageOptimizer::clear_property(PropertyHash property, const WriteOptions& options) {
  PooledBatch batch(engine_->core().pool);
  CAVEAT_TRY(batch->clear_property(property));
  return engine_->commit(*batch, options);
}

Result<void> StorageOptimizer::flush() {
  return engine_->flush();
}

// --- Reading
// -----------------------------------------------------------------------------------------

Result<bool> StorageOptimizer::contains(const ExceptionKey& key, const Snapshot* snapshot) const {
  return engine_->contains(key, snapshot);
}

Result<bool> StorageOptimizer::has_exceptions(NodeId node, const Snapshot* snapshot) const {
  return engine_->has_exceptions(node, snapshot);
}

Result<std::optional<Exception>> StorageOptimizer::retrieve_exception(
    const ExceptionKey& key, const Snapshot* snapshot) const {
  return engine_->retrieve(key, snapshot);
}

Result<std::optional<PinnedException>> StorageOptimizer::retrieve_view(
    const ExceptionKey& key, const Snapshot* snapshot) const {
  return engine_->retrieve_view(key, snapshot);
}

Result<std::vector<std::optional<Exception>>> StorageOptimizer::bulk_retrieve(
    std::span<const ExceptionKey> keys, const Snapshot* snapshot) const {
  return engine_->bulk_retrieve(keys, snapshot);
}

Snapshot StorageOptimizer::snapshot() const {
  return Snapshot(engine_->view());
}

// --- Queries
// -----------------------------------------------------------------------------------------

namespace {

Result<std::shared_ptr<const ReadView>> view_of(const Engine& engine, const Snapshot* snapshot) {
  auto view = snapshot != nullptr ? snapshot->shared_view() : engine.view();
  if (!view->version) return closed_error();
  return view;
}

Result<std::vector<ExceptionRecord>> all_of(const Engine& engine, const Query& query) {
  CAVEAT_ASSIGN(const auto view, view_of(engine, nullptr));
  return collect_matches(engine.query_context(), *view, query);
}

}  // namespace

Result<Cursor> StorageOptimizer::query(const Query& query, const Snapshot* snapshot) const {
  CAVEAT_ASSIGN(auto view, view_of(*engine_, snapshot));
  return open_cursor(engine_->query_context(), std::move(view), query);
}

Result<std::uint64_t> StorageOptimizer::count(const Query& query, const Snapshot* snapshot) const {
  CAVEAT_ASSIGN(const auto view, view_of(*engine_, snapshot));
  return count_matches(engine_->query_context(), *view, query);
}

Result<QueryPlan> StorageOptimizer::explain(const Query& query, const Snapshot* snapshot) const {
  CAVEAT_ASSIGN(const auto view, view_of(*engine_, snapshot));
  return explain_query(engine_->query_context(), *view, query);
}

Result<std::vector<ExceptionRecord>> StorageOptimizer::query_by_node(NodeId node) const {
  Query query;
  query.node = node;
  return all_of(*engine_, query);
}

Result<std::vector<ExceptionRecord>> StorageOptimizer::query_by_property(
    PropertyHash property) const {
  Query query;
  query.property = property;
  return all_of(*engine_, query);
}

Result<std::vector<ExceptionRecord>> StorageOptimizer::query_by_source(
    ExceptionSource source) const {
  Query query;
  query.source = source;
  return all_of(*engine_, query);
}

Result<std::vector<ExceptionRecord>> StorageOptimizer::query_by_confidence_range(float min,
                                                                                 float max) const {
  Query query;
  query.confidence = Query::ConfidenceRange{min, max};
  return all_of(*engine_, query);
}

Result<std::vector<ExceptionRecord>> StorageOptimizer::query_by_time_range(
    std::int64_t start_ns, std::int64_t end_ns) const {
  Query query;
  query.time = Query::TimeRange{start_ns, end_ns};
  return all_of(*engine_, query);
}

// --- Maintenance
// -------------------------------------------------------------------------------------

Result<OptimizationResults> StorageOptimizer::optimize_storage(ProgressSink* progress) {
  return engine_->optimize(progress);
}

Result<void> StorageOptimizer::rebuild_indexes(ProgressSink* progress) {
  return engine_->rebuild_indexes(progress);
}

Result<CompactionResults> StorageOptimizer::compact_storage(ProgressSink* progress) {
  return engine_->compact(progress);
}

Result<std::size_t> StorageOptimizer::forget_lost_writes() {
  return engine_->forget_lost_writes();
}

Result<VerificationResults> StorageOptimizer::verify(ProgressSink* progress) const {
  CAVEAT_ASSIGN(const auto view, view_of(*engine_, nullptr));
  return verify_store(engine_->core(), *view, progress);
}

Result<StorageStatistics> StorageOptimizer::get_storage_statistics() {
  return engine_->statistics();
}

StorageStatistics StorageOptimizer::estimate_storage_statistics() const {
  return engine_->estimate_statistics();
}

std::string StorageOptimizer::metrics() const {
  return engine_->metrics();
}

Result<std::vector<ColumnStatistics>> StorageOptimizer::column_statistics() const {
  return engine_->column_statistics();
}

Result<std::vector<KeyUsage>> StorageOptimizer::key_usage() const {
  const auto held = engine_->core().versions.view();  // whoever closes the store waits for it
  if (!held->version) return closed_error();
  const EncryptedBackend* const encrypted = engine_->core().encrypted;
  return encrypted == nullptr ? std::vector<KeyUsage>() : encrypted->usage();
}

}  // namespace caveat
