#include "engine/store/engine.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "caveat/version.h"
#include "engine/encryption/encryption.h"
#include "engine/store/salvaged_view.h"

namespace caveat {

namespace {
// That close() waits for queries of other threads, and new ones for it; each of the two times.
constexpr std::chrono::milliseconds kCloseWait{250};
}  // namespace

Result<void> Engine::check(const Options& options) {
  const auto bad = [](std::string_view field, std::string_view rule) {
    return fail(ErrorCode::invalid_argument, fmt::format("Options::{}: {}", field, rule));
  };
  if (options.memory_budget_bytes < kMemoryBudgetMin ||
      options.memory_budget_bytes > kMemoryBudgetMax) {
    return bad("memory_budget_bytes", "must be 8 MiB to 1 TiB");
  }
  // In two steps: the sum may overflow.
  const std::size_t share = options.memory_budget_bytes / 4 * 3;
  if (options.cache_bytes > share || options.delta_bytes > share - options.cache_bytes) {
    return bad("cache_bytes", "with delta_bytes may take three quarters of the budget");
  }
  const Layout layout = Layout::of(options, nullptr);
  if (layout.partition_records < 16 || layout.partition_records > kMaxBlockRows) {
    return bad("partition_records", "must be 16 to 4096");
  }
  if (layout.partition_bytes < 1024 || layout.partition_bytes > 64 * kMiB) {
    return bad("partition_bytes", "must be 1 KiB to 64 MiB");
  }
  if (layout.level < 1 || layout.level > 19) return bad("compression_level", "must be 1 to 19");
  if (layout.optimize_level < 1 || layout.optimize_level > 19) {
    return bad("optimize_compression_level", "must be 1 to 19");
  }
  if (layout.dictionary_bytes > 4 * kMiB) return bad("dictionary_bytes", "must be at most 4 MiB");
  if (!options.metrics_file.empty() && options.metrics_interval < std::chrono::milliseconds(100)) {
    return bad("metrics_interval", "must be at least 100 ms");
  }
  if (options.durability > Durability::fsync) return bad("durability", "is no known level");
  auto registry = CodecRegistry::built_in(layout.level);
  for (const auto& [id, codec] : options.custom_codecs) {
    if (codec == nullptr) return bad("custom_codecs", "holds a null codec");
    if (auto added = registry.add(id, codec); !added) return fail(added.error());
  }
  if (options.compression == CompressionAlgorithm::Custom) {
    if (options.custom_codec_id < kFirstCustomCodec) {
      return bad("custom_codec_id", "must be 128 to 255");  // below are the library's own
    }
    if (auto found = registry.find(options.custom_codec_id); !found) return fail(found.error());
  } else if (options.compression && options.compression != CompressionAlgorithm::None &&
             options.compression != CompressionAlgorithm::Lz4 &&
             options.compression != CompressionAlgorithm::Zstd) {
    return bad("compression", "is no known algorithm");
  }
  return check_encryption(options.encryption);
}

Engine::Engine(std::unique_ptr<KvBackend> backend, Options options)
    : core_(std::move(backend), std::move(options)),
      queue_([this] { maintenance_.wake(); },
             [this](const StorageError& error) {
               core_.background_errors.report(error, core_.counters);
             },
             [this](const StorageError& error) {
               core_.background_errors.notify(error, core_.counters);
             },
             core_.log),
      mutator_(core_, queue_, [this] { commits_.on_folded(); }),
      commits_(core_, [this] { maintenance_.wake(); }),
      maintenance_(core_, mutator_, [this] { commits_.seal(); }),
      health_(
          core_, [this] { return metrics(); }, [this] { return estimate_statistics(); }) {
  core_.background_errors.set_waker([this] { commits_.on_folded(); });
}

Result<std::unique_ptr<Engine>> Engine::open(std::unique_ptr<KvBackend> backend, Options options) {
  CAVEAT_TRY(check(options));
  const std::int64_t begun = steady_now_ns();
  const bool salvaged = dynamic_cast<const SalvagedBackend*>(backend.get()) != nullptr;
  CAVEAT_ASSIGN(auto opened, open_encryption(std::move(backend), options.encryption));
  if (salvaged) opened.backend = make_salvaged_view(std::move(opened.backend));
  std::unique_ptr<Engine> engine(new Engine(std::move(opened.backend), std::move(options)));
  engine->core_.encrypted = opened.encrypted;
  // Until it is whole, however recovery ends: nothing to fold.
  engine->closed_ = engine->released_ = true;
  CAVEAT_TRY(engine->recover());
  engine->closed_ = engine->released_ = false;
  engine->mutator_.fit_filters();
  engine->core_.backend->set_observer(&engine->queue_);
  if (engine->core_.options.background_maintenance && !engine->core_.read_only) {
    CAVEAT_TRY(engine->maintenance_.start());
    engine->maintenance_.wake();
  }
  engine->log_opened(steady_now_ns() - begun);
  CAVEAT_TRY(engine->health_.start());
  return engine;
}

void Engine::log_opened(std::int64_t took_ns) const {
  if (!core_.log.wants(Severity::info)) return;
  const StorageStatistics s = estimate_statistics();
  core_.log.send(Severity::info, "store", "opened", "the store is open",
                 {{"version", CAVEAT_VERSION_STRING},
                  {"persistent", core_.backend->persistent()},
                  {"read_only", core_.read_only.has_value()},
                  {"records", s.total_exceptions},
                  {"partitions", s.partitions},
                  {"replayed_rows", s.delta_rows},
                  {"memory_budget_bytes", s.memory_budget_bytes},
                  {"seconds", seconds_of_ns(took_ns)}});
}

Engine::~Engine() {
  try {
    static_cast<void>(close());
  } catch (const std::bad_alloc&) {  // the log has everything
  }
  // Where close() could not finish, at least nothing of ours runs on.
  health_.stop();
  maintenance_.stop();
  core_.backend->set_observer(nullptr);
}

// So that the next open finds all in partitions, and the directory written down.
Result<void> Engine::fold_and_settle() {
  commits_.seal();
  CAVEAT_TRY(mutator_.fold_all());
  CAVEAT_TRY(mutator_.settle_indexes());
  return mutator_.write_directory();
}

Result<void> Engine::close() {
  const std::lock_guard lock(close_mutex_);
  if (released_) return {};
  const auto busy = [&] {
    return fail(ErrorCode::busy, fmt::format("close: {} snapshots or cursors are still open",
                                             core_.versions.open_views()));
  };
  Result<void> folded;
  if (!closed_) {
    // Not in vain: a snapshot that is held now will be held then. (And readers go on beside the
    // fold.)
    if (!core_.versions.drain(kCloseWait, /*refuse=*/false)) return busy();
    if (!core_.read_only) folded = fold_and_settle();
    if (!core_.versions.drain(kCloseWait, /*refuse=*/true)) return busy();
  }
  // From here on the store is closed, whatever fails: the log has everything. What throws for want
  // of memory is done by the next call.
  closed_ = true;
  health_.stop();
  commits_.close();
  maintenance_.stop();
  core_.backend->set_observer(nullptr);
  if (folded && !core_.read_only) folded = core_.backend->flush();
  // Not in the middle of a step that some other thread asked for.
  const auto step = mutator_.lock();
  core_.block_cache.clear();
  core_.record_cache.clear();
  core_.versions.clear();
  auto closed = core_.backend->close();
  released_ = true;
  core_.heap_spare.give_back();
  if (folded && closed) {
    core_.log.send(Severity::info, "store", "closed", "the store is closed");
    return {};
  }
  core_.log.send(Severity::warning, "store", "closed_untidily",
                 folded ? closed.error() : folded.error());
  if (folded) return closed;
  return fail(folded.error().within(
      "close: the store is closed, and all that was acknowledged is in its log, but it could not "
      "be tidied up"));
}

bool Engine::maintenance_idle() const {
  const auto version = core_.versions.current();
  return version->generations.size() == 1 && !version->generations.front()->has_clears() &&
         queue_.size() == 0 && version->clears->empty();
}

}  // namespace caveat
